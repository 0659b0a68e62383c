"""The HTTP API: producer of jobs and reader of results."""
