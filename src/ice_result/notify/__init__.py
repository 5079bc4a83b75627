"""Notifications: recorded jobs and parked events, sent to the targets of ICE_RESULT_NOTIFY."""
