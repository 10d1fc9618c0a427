"""Files in, files out: a folder a job, and `run`, which holds what all jobs need."""
