"""Alembic migrations, shipped with the package so that `musicspace db upgrade` works from anywhere."""
