"""MNS (Message Service, now SMQ): queues that take messages."""
