"""ICE (Intelligent Cloud Editing): jobs and the event callback."""
