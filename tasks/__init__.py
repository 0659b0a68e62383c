"""Thin Celery tasks, queue names and publishing."""
