"""What commands in processes of their own need."""

import os

import pytest


@pytest.fixture
def server_environment(settings, tmp_path):
    """The environment of a process on the test's servers, with a data folder of the test's own."""
    return os.environ | {
        "MUSICSPACE_DATABASE_URL": settings.database_url,
        "MUSICSPACE_REDIS_URL": settings.redis_url,
        "MUSICSPACE_DATA_DIR": str(tmp_path / "data"),
    }
