"""Celery workers: one module per worker type, their start-up checks and health."""
