"""The control of MNS (now SMQ): queues made, described, changed and removed."""
