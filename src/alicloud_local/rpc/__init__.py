"""The API gateway of ICE, RAM and the control of MNS: signed calls of an action by name, answered in JSON."""
