"""MNS (Message Service, now SMQ): queues and topics that take messages."""
