"""The application with no server behind it: for what is decided before a database is asked."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from core.settings import ApiSettings, Settings

KEY = "key-of-the-unit-tests"


@pytest.fixture(scope="session")
def lone_api() -> FastAPI:
    """An application whose database cannot be reached."""
    return create_app(
        Settings(
            database_url="postgresql://nobody@127.0.0.1:1/none",
            redis_url="redis://127.0.0.1:1/0",
            api=ApiSettings(key=SecretStr(KEY)),
        )
    )


@pytest.fixture
def lone_client(lone_api: FastAPI) -> TestClient:
    """A client with the key. An exception that no problem answers fails the test."""
    return TestClient(lone_api, headers={"X-API-Key": KEY})


@pytest.fixture
def keyless_client(lone_api: FastAPI) -> TestClient:
    """A client without the key."""
    return TestClient(lone_api)
