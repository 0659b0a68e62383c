"""The API over real servers, called in this process."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from running_api import KEY, KEY_HEADERS

from api.app import create_app
from core.settings import ApiSettings, Settings
from tasks.app import app as celery_app


@pytest.fixture
def api_settings(settings: Settings) -> Settings:
    """The test's settings with an API key."""
    celery_app.finalize()  # It reads the broker's URL from the settings on first use.
    return settings.model_copy(update={"api": ApiSettings(key=SecretStr(KEY))})


@pytest.fixture
def api(api_settings: Settings) -> FastAPI:
    """The application."""
    return create_app(api_settings)


@pytest.fixture
def anonymous(api: FastAPI) -> TestClient:
    """A client without the key. An exception that no problem answers fails the test."""
    return TestClient(api)


@pytest.fixture
def client(api: FastAPI) -> TestClient:
    """A client with the key."""
    return TestClient(api, headers=KEY_HEADERS)
