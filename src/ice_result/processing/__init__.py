"""Work on jobs: one job through the five stages, a batch of events, failures, and the log."""
