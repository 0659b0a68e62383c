"""The training of what users have in common: validated, merged by weights of its own, and enough users only."""

import numpy as np
import pytest
from sqlalchemy import text
from taste_library import TASTES, add_library, add_user

from core.settings import use_settings
from core.user_models import ModelKind
from models.recommenders.merging import read_weights
from services.personal import life
from services.personal.catalog_store import current_catalog
from services.personal.community_validation import MOST_USERS, hold_out
from services.personal.forgetting import start_forgetting
from services.personal.histories import load_histories
from services.personal.jobs import start_community_training
from services.personal.serving_models import MERGE_FILE
from services.personal.training import train_user_model

# A module, not its task: looking at a task makes Celery read its settings.
from tasks import forget_user, train_community

USERS = 48


@pytest.fixture
def tracks(session, chosen):
    """Users of each taste, with tracks of their own choice."""
    library, chance = add_library(session), np.random.default_rng(1)
    for user in range(1, USERS + 1):
        own = library[TASTES[user % len(TASTES)]]
        chosen_tracks = chance.choice(own, 25, replace=False).tolist()
        add_user(session, user, chosen_tracks, played=chosen_tracks[:10])
    return library


@pytest.fixture
def do(session, do_item):
    """Start a training and do its item here; returns the item."""

    def start_and_do():
        job_id = start_community_training(session).job_id
        session.commit()
        return do_item(train_community.train_community, job_id)

    return start_and_do


@pytest.fixture
def tolerate(chosen):
    """Use another tolerance: how good a version of a small community really is depends on chance."""

    def use(tolerance):
        personal = chosen.personal.model_copy(update={"gate_tolerance": tolerance})
        use_settings(chosen.model_copy(update={"personal": personal}))

    return use


def test_versions_come_and_go_by_the_gate_and_with_removed_users(session, chosen, tracks, do, tolerate):
    item = do()
    assert item["state"] == "done", item
    first = item["result"]
    assert (first["swapped"], first["users"], first["serving_ndcg"]) == (True, USERS, None)
    assert first["ndcg"] > 0.1
    _check_stored(session, chosen, first)

    tolerate(1.0)
    second = do()["result"]
    # Between the two every play has become some seconds older.
    assert second["serving_ndcg"] == pytest.approx(first["ndcg"], abs=0.05)
    assert second["swapped"]
    kept = {first["version"]: "previous", second["version"]: "serving"}
    assert _states(session) == kept

    tolerate(-1.0)
    third = do()["result"]
    assert (third["swapped"], third["ndcg"] is None) == (False, False)
    assert "would be accepted" in third["reason"]
    assert _states(session) == kept

    start_forgetting(session, USERS)
    session.commit()
    forget_user.forget_user.run(session.scalar(text("SELECT id FROM work_items WHERE kind = 'forget-user'")))
    session.rollback()
    fourth = do()["result"]
    assert (fourth["swapped"], "removed" in fourth["reason"]) == (True, True)
    assert _states(session) == dict.fromkeys(kept, "deleting") | {fourth["version"]: "serving"}


def _check_stored(session, settings, result):
    row = life.serving(session, None, ModelKind.M3)
    assert (row.user_id, row.version, row.path) == (None, result["version"], f"m3/community/{result['version']}")
    assert row.metrics["gate"]["ndcg"] == result["ndcg"]
    weights = read_weights(life.load_files(life.storage_of(settings), row)[MERGE_FILE].decode())
    assert sum(weights.of(ModelKind).values()) == pytest.approx(1, abs=1e-3)
    assert weights.provenance["users"] == result["validation_users"]
    session.rollback()


def _states(session):
    found = dict(session.execute(text("SELECT version, state FROM user_models WHERE user_id IS NULL")).all())
    session.rollback()
    return found


def test_the_first_m3_of_a_user_is_compared_with_what_users_have_in_common(session, chosen, tracks, do):
    do()
    add_user(session, USERS + 1, tracks["metal"][:50], played=tracks["metal"][:20])
    result = train_user_model(session, chosen, USERS + 1, ModelKind.M3)
    session.commit()
    assert result["serving_auc"] > 0.8, "what users have in common knows metal from the rest"
    assert result["swapped"] == (result["auc"] >= result["serving_auc"] - chosen.personal.gate_tolerance)
    assert (life.serving(session, USERS + 1, ModelKind.M3) is not None) == result["swapped"]


def test_an_m3_trained_without_knowledge_of_others_is_trained_anew_once_there_is_some(session, chosen, tracks, do):
    session.execute(text("INSERT INTO personalized_users SELECT generate_series(1, 3)"))
    for user, fine_tuned in ((1, False), (2, True)):
        session.execute(
            text("""INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes, metrics)
                    VALUES (:user, 'm3', 'v', 'serving', 'm3/' || :user || '/v', '', 0,
                            jsonb_build_object('fine_tuned', CAST(:fine_tuned AS boolean)))"""),
            {"user": user, "fine_tuned": fine_tuned},
        )
    do()
    outdated = "SELECT user_id FROM personalized_users WHERE outdated_at IS NOT NULL"
    assert session.scalars(text(outdated)).all() == [1]


def test_what_is_held_out_stays_the_same_when_users_come(session, chosen, tracks):
    loaded = current_catalog(chosen, fresh=True)
    histories = load_histories(session, loaded.catalog, 1_000)
    fits, users = hold_out(loaded, histories)
    assert len(fits) == USERS
    assert 10 < len(users) <= MOST_USERS
    fewer = {user: history for user, history in histories.items() if user % 2}
    _, again = hold_out(loaded, fewer)
    assert {tuple(user.held_out) for user in again} <= {tuple(user.held_out) for user in users}
    for user in users:
        assert not set(user.held_out) & set(user.fit.positions)
    learned = np.unique(np.concatenate([fit.positions for fit in fits]))
    asked = np.unique(np.concatenate([user.held_out for user in users]))
    assert np.isin(asked, learned).mean() > 0.9, "items are learned of others"


def test_too_few_users_fail_with_the_setting(session, chosen, do):
    library = add_library(session)
    add_user(session, 1, library["folk"][:12])
    item = do()
    assert (item["state"], item["error_code"]) == ("failed", "too-little-history")
    assert "MUSICSPACE_PERSONAL__COMMUNITY_MIN_USERS" in item["error_message"]
