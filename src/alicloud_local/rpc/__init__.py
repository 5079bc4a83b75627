"""The API gateway of ICE, RAM, STS, EventBridge and the control of MNS: signed calls of actions, answered in JSON."""
