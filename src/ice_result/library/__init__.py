"""The front door for programs: functions that need a job id or a URL, and no part of the pipeline."""
