"""The training of what users have in common: validated, merged by weights of its own, and enough users only."""

import numpy as np
import pytest
from sqlalchemy import text
from taste_library import TASTES, add_library, add_user, with_storage

from core.settings import use_settings
from core.user_models import ModelKind
from db.repositories.inspection import get_item
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
def chosen(settings, tmp_path):
    own = with_storage(settings, tmp_path / "models")
    use_settings(own)
    return own


@pytest.fixture
def tracks(session, chosen):
    """Users of each taste, with tracks of their own choice."""
    library, chance = add_library(session), np.random.default_rng(1)
    for user in range(1, USERS + 1):
        own = library[TASTES[user % len(TASTES)]]
        chosen_tracks = chance.choice(own, 25, replace=False).tolist()
        add_user(session, user, chosen_tracks, played=chosen_tracks[:10])
    return library


def do(session):
    job_id = start_community_training(session).job_id
    session.commit()
    item_id = session.scalar(text("SELECT id FROM work_items WHERE job_id = :id"), {"id": job_id})
    session.commit()
    train_community.train_community.run(item_id)
    item = get_item(session, item_id)
    session.rollback()
    return item


def test_it_serves_everybody_with_weights_and_figures(session, chosen, tracks):
    item = do(session)
    assert item["state"] == "done", item
    result = item["result"]
    assert (result["swapped"], result["users"], result["serving_ndcg"]) == (True, USERS, None)
    assert result["ndcg"] > 0.1
    row = life.serving(session, None, ModelKind.M3)
    assert (row.user_id, row.version) == (None, result["version"])
    assert row.path == f"m3/community/{row.version}"
    assert row.metrics["gate"]["ndcg"] == result["ndcg"]
    weights = read_weights(life.load_files(life.storage_of(chosen), row)[MERGE_FILE].decode())
    assert sum(weights.of(ModelKind).values()) == pytest.approx(1, abs=1e-3)
    assert weights.provenance["users"] == result["validation_users"]


def test_the_next_one_is_compared_with_the_one_that_serves(session, chosen, tracks):
    first = do(session)["result"]
    second = do(session)["result"]
    # Between the two every play has become some seconds older.
    assert second["serving_ndcg"] == pytest.approx(first["ndcg"], abs=0.05)
    good_enough = second["ndcg"] >= second["serving_ndcg"] - chosen.personal.gate_tolerance
    assert second["swapped"] == good_enough
    serving = life.serving(session, None, ModelKind.M3).version
    assert serving == (second if good_enough else first)["version"]


@pytest.fixture
def nothing_is_good_enough(chosen):
    """Settings under which every new version counts as too bad: how bad a small one really is depends on chance."""

    def use():
        strict = chosen.personal.model_copy(update={"gate_tolerance": -1.0})
        use_settings(chosen.model_copy(update={"personal": strict}))

    return use


def test_a_worse_one_does_not_serve(session, chosen, tracks, nothing_is_good_enough):
    first = do(session)["result"]
    nothing_is_good_enough()
    second = do(session)["result"]
    assert second["ndcg"] is not None
    assert not second["swapped"]
    assert "would be accepted" in second["reason"]
    assert life.serving(session, None, ModelKind.M3).version == first["version"]


def test_a_worse_one_serves_where_the_old_one_knows_a_user_who_was_removed(
    session, chosen, tracks, nothing_is_good_enough
):
    first = do(session)["result"]
    start_forgetting(session, USERS)
    session.commit()
    forget_user.forget_user.run(session.scalar(text("SELECT id FROM work_items WHERE kind = 'forget-user'")))
    session.rollback()
    nothing_is_good_enough()
    second = do(session)["result"]
    assert (second["swapped"], "removed" in second["reason"]) == (True, True)
    states = dict(session.execute(text("SELECT version, state FROM user_models WHERE user_id IS NULL")).all())
    assert states == {first["version"]: "deleting", second["version"]: "serving"}


def test_the_first_m3_of_a_user_is_compared_with_what_users_have_in_common(session, chosen, tracks):
    do(session)
    add_user(session, USERS + 1, tracks["metal"][:50], played=tracks["metal"][:20])
    result = train_user_model(session, chosen, USERS + 1, ModelKind.M3)
    session.commit()
    assert result["serving_auc"] > 0.8, "what users have in common knows metal from the rest"
    assert result["swapped"] == (result["auc"] >= result["serving_auc"] - chosen.personal.gate_tolerance)
    assert (life.serving(session, USERS + 1, ModelKind.M3) is not None) == result["swapped"]


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


def test_too_few_users_fail_with_the_setting(session, chosen):
    library = add_library(session)
    add_user(session, 1, library["folk"][:12])
    item = do(session)
    assert (item["state"], item["error_code"]) == ("failed", "too-little-history")
    assert "MUSICSPACE_PERSONAL__COMMUNITY_MIN_USERS" in item["error_message"]
