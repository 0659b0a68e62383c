"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import read_settings, variables


def test_nested_settings_are_read(monkeypatch):
    monkeypatch.setenv("MUSICSPACE_LEDGER__LEASE_SECONDS", "7.5")
    assert read_settings().ledger.lease_seconds == 7.5


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MUSICSPACE_LEDGER__LEASE_SECONDS", "-1", "MUSICSPACE_LEDGER__LEASE_SECONDS"),
        ("MUSICSPACE_DATABASE_URL", "mysql://x", "must start with postgresql://"),
        ("MUSICSPACE_REDIS_URL", "http://x", "must start with redis://"),
        ("MUSICSPACE_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="MUSICSPACE_") as caught:
        read_settings()
    assert message in caught.value.message
    assert caught.value.code == "invalid-settings"


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("MUSICSPACE_LEDGER__LEASE_SECOND", "Did you mean MUSICSPACE_LEDGER__LEASE_SECONDS?"),
        ("MUSICSPACE_QWERTY", "docs/SETTINGS.md"),
    ],
)
def test_a_misspelled_variable_is_told(monkeypatch, caplog, variable, hint):
    monkeypatch.setenv(variable, "3")
    read_settings()
    assert variable in caplog.text
    assert hint in caplog.text


def test_a_secret_never_appears_in_a_message(monkeypatch):
    monkeypatch.setenv("MUSICSPACE_DATABASE_URL", "mysql://user:hunter2@host/db")
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert "hunter2" not in caught.value.message


def test_every_variable_is_distinct():
    names = [name for name, _ in variables()]
    assert len(names) == len(set(names))


def test_the_tracking_server_has_the_name_that_mlflow_gave_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert read_settings().mlflow_tracking_uri == "http://mlflow:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert read_settings().mlflow_tracking_uri is None
    assert "MLFLOW_TRACKING_URI" in {name for name, _ in variables()}


def test_versions_lie_in_the_data_directory_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("MUSICSPACE_DATA_DIR", "/srv/music")
    assert read_settings().versions_dir == Path("/srv/music/models")
    monkeypatch.setenv("MUSICSPACE_MODELS_DIR", "/shared/models")
    assert read_settings().versions_dir == Path("/shared/models")
