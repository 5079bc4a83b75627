"""Small media files: valid content for the outputs and the inputs of jobs."""
