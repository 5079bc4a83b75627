"""Processing: one job through the stages, a batch of events, parking, and the event log."""
