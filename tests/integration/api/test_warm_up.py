"""What the API reads at its start, before anybody asks for recommendations."""

import os

import pytest
from taste_library import PER_TASTE, add_library, add_user, with_storage

from api.server import warm_up
from core.user_models import ModelKind
from services.personal.catalog_store import _store, current_catalog
from services.personal.training import train_user_model


@pytest.fixture
def own_settings(settings, tmp_path):
    """Settings with a folder for models."""
    return with_storage(settings, tmp_path / "models")


def has_read(settings):
    return _store(settings.required_database_url, os.getpid())._found is not None


def forget(settings):
    """As in a process that begins."""
    _store(settings.required_database_url, os.getpid())._found = None


def test_the_library_is_read_and_its_words_made_where_users_have_models(own_settings, session):
    tracks = add_library(session)
    add_user(session, 7, tracks["metal"][: PER_TASTE // 2])
    assert train_user_model(session, own_settings, 7, ModelKind.M1)["swapped"]
    session.commit()
    forget(own_settings)
    warm_up(own_settings)
    assert has_read(own_settings)
    assert current_catalog(own_settings).has_space


def test_nothing_is_read_where_no_user_has_a_model(own_settings, session):
    add_library(session)
    warm_up(own_settings)
    assert not has_read(own_settings)


def test_a_database_that_is_away_is_logged_and_no_more(own_settings, capsys):
    warm_up(own_settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/nowhere"}))
    assert "warm_up_failed" in (said := capsys.readouterr().out)
    assert "database-unavailable" in said
