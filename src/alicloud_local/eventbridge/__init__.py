"""EventBridge: event buses that take events."""
