"""Notifications: programs are told of recorded jobs and of parked events, at the targets of ICE_RESULT_NOTIFY."""
