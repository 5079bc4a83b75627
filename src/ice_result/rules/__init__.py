"""Rules: requirements for the output files of a job, from its parameters, its result and its input."""
