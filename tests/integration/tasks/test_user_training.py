"""Trainings of users' models as workers do them: what is stored, compared, waited for, and left alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psutil
import pytest
from sqlalchemy import text
from taste_library import add_library, add_user

from core.settings import use_settings
from core.user_models import ModelKind
from core.work import JobKind, WorkKind
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.inspection import get_item
from services.personal.gate import item_hashes
from services.personal.jobs import start_init_models, start_training
from services.personal.outdated import due_users, start_due
from services.personal.status import model_status, user_status

# Modules, not their tasks: looking at a task makes Celery read its settings.
from tasks import train_user

USER = 7


@pytest.fixture
def tracks(session, chosen):
    """The library; the user has most of the metal and played some of it."""
    library = add_library(session)
    add_user(session, USER, library["metal"][:50], played=library["metal"][:20])
    return library


@pytest.fixture
def do(session, chosen, do_item):
    """Start a training and do its item here; returns the item."""

    def start_and_do(kind, user=USER):
        job_id = start_training(session, chosen, user, kind).job_id
        session.commit()
        return do_item(train_user.train_user, job_id)

    return start_and_do


def is_held_out(track_id):
    return item_hashes(np.array([track_id]), 0)[0] % 10 == 0


def versions(session):
    found = session.execute(text("SELECT kind, state FROM user_models WHERE user_id = :id ORDER BY id"), {"id": USER})
    rows = [tuple(row) for row in found]
    session.rollback()
    return rows


@pytest.mark.parametrize("kind", list(ModelKind))
def test_a_training_stores_a_version_with_its_figures(session, tracks, do, kind):
    item = do(kind)
    assert item["state"] == "done", item
    result = item["result"]
    assert (result["trained"], result["swapped"], result["serving_auc"]) == (True, True, None)
    assert result["held_out"] > 0
    assert result["auc"] > 0.9, "tastes tell apart by sound, artists and genre"
    status = model_status(session, USER, kind)
    assert (status.state, status.why_not, status.serving.version) == ("ready", None, result["version"])
    assert status.serving.metrics["gate"]["auc"] == result["auc"]
    assert status.serving.size_bytes > 0


def test_the_next_training_is_compared_and_the_version_before_kept(session, tracks, do):
    first = do(ModelKind.M1)["result"]
    second = do(ModelKind.M1)["result"]
    assert second["serving_auc"] == pytest.approx(first["auc"])
    assert second["held_out"] == first["held_out"]
    status = model_status(session, USER, ModelKind.M1)
    assert (status.serving.version, status.previous_version) == (second["version"], first["version"])
    do(ModelKind.M1)
    assert [state for _, state in versions(session)].count("serving") == 1
    assert [state for _, state in versions(session)].count("previous") == 1


@pytest.mark.parametrize("kind", [ModelKind.M1, ModelKind.M2])
def test_a_worse_version_does_not_serve_and_the_status_says_why(session, chosen, tracks, do, kind):
    first = do(kind)["result"]
    # What is asked for stays metal; what is learned from is house by now.
    learned = [track for track in tracks["metal"][:50] if not is_held_out(track)]
    house = [track for track in tracks["house"] if not is_held_out(track)]
    for old, new in zip(learned, house, strict=False):
        session.execute(text("UPDATE playlist_tracks SET track_id = :n WHERE track_id = :o"), {"n": new, "o": old})
    session.execute(text("DELETE FROM interactions"))
    session.commit()
    second = do(kind)["result"]
    assert (second["trained"], second["swapped"]) == (True, False)
    assert second["auc"] < second["serving_auc"] - chosen.personal.gate_tolerance
    status = model_status(session, USER, kind)
    assert (status.state, status.serving.version) == ("ready", first["version"])
    assert status.why_not == second["reason"]
    assert "would be accepted" in status.why_not


@pytest.mark.parametrize("kind", [ModelKind.M1, ModelKind.M2])
def test_too_little_history_is_no_failure(session, tracks, do, kind):
    add_user(session, 8, tracks["folk"][:3])
    item = do(kind, user=8)
    assert item["state"] == "done"
    assert (item["result"]["trained"], item["result"]["swapped"]) == (False, False)
    status = model_status(session, 8, kind)
    assert (status.state, status.serving) == ("fallback", None)
    assert "3" in status.why_not


@pytest.mark.parametrize(
    ("n", "trained"),
    [(0, (False, False, False)), (4, (False, False, False)), (9, (False, True, True)), (10, (True,) * 3)],
)
def test_init_models_ends_well_for_users_of_few_tracks(session, chosen, tracks, do_item, n, trained):
    add_user(session, 8, tracks["folk"][:n])
    job_id = start_init_models(session, chosen, 8).job_id
    session.commit()
    results = [do_item(train_user.train_user, job_id)["result"] for _ in ModelKind]
    assert tuple(result["swapped"] for result in results) == trained
    assert all(str(n) in result["reason"] for result in results if not result["trained"])
    expected = ["ready" if swapped else "fallback" for swapped in trained]
    assert [status.state for status in user_status(session, 8)] == expected


@pytest.mark.parametrize("kind", list(ModelKind))
def test_a_user_who_dislikes_everything_is_told_so(session, chosen, tracks, do, kind):
    add_user(session, 8, tracks["folk"][:40], played=tracks["folk"][:40])
    session.execute(text("UPDATE interactions SET liked = -1 WHERE user_id = 8"))
    session.commit()
    result = do(kind, user=8)["result"]
    assert (result["trained"], result["swapped"]) == (False, False)


def test_a_change_is_not_forgotten_when_every_attempt_fails(session, chosen, tracks, do_item, tmp_path):
    """The storage is away for long. The job fails, and once the user was quiet another one follows."""
    (tmp_path / "file").write_text("no folder can be made below a file")
    away = chosen.personal.model_copy(
        update={"storage_url": str(tmp_path / "file" / "models"), "debounce_seconds": 0.0}
    )
    settings = chosen.model_copy(
        update={"personal": away, "ledger": chosen.ledger.model_copy(update={"max_attempts": 1})}
    )
    use_settings(settings)
    job_id = start_init_models(session, settings, USER).job_id
    session.commit()
    for kind in ModelKind:
        item = do_item(train_user.train_user, job_id)
        assert (item["state"], item["error_code"]) == ("failed", "retries-exhausted")
        assert "model-storage-unavailable" in item["error_message"]
        assert (kind is ModelKind.M3) == (due_users(session, settings) == [USER]), "not while others are being trained"
        session.rollback()
    [again] = start_due(session, settings)
    session.commit()
    use_settings(chosen)
    for _ in ModelKind:
        assert do_item(train_user.train_user, again)["result"]["swapped"]
    assert [status.state for status in user_status(session, USER)] == ["ready"] * 3


def test_of_a_short_history_nothing_is_held_out(session, tracks, do):
    add_user(session, 8, tracks["folk"][:20])
    for _ in range(2):
        result = do(ModelKind.M2, user=8)["result"]
        assert (result["swapped"], result["held_out"], result["auc"]) == (True, 0, None)


def test_tracks_that_came_a_moment_ago_are_learned_from(session, tracks, do):
    do(ModelKind.M2)
    add_user(session, 8, [])
    session.execute(
        text(
            "INSERT INTO tracks (identity_key, artist, title) SELECT 'n' || i, 'New ' || i % 3, 'Song' || i "
            "FROM generate_series(1, 40) i"
        )
    )
    session.execute(
        text(
            "INSERT INTO interactions (user_id, track_id, liked) "
            "SELECT 8, id, 1 FROM tracks WHERE identity_key LIKE 'n%'"
        )
    )
    session.commit()
    assert do(ModelKind.M2, user=8)["result"]["auc"] > 0.9


def test_m1_waits_for_tracks_that_another_job_enriches_but_not_for_ever(session, tracks, do):
    job_id, _ = create_job(session, JobKind.IMPORT)
    enqueue_targets(session, job_id, WorkKind.ENRICH, tracks["metal"][:1], version="m1", chunk_size=1)
    seal_job(session, job_id, {})
    item = do(ModelKind.M1)
    assert (item["state"], item["error_code"], item["attempts"]) == ("queued", "tracks-not-ready", 0)
    assert do(ModelKind.M2)["state"] == "done", "M2 needs no features"
    late = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    session.execute(
        text(
            "UPDATE work_items SET next_run_at = now(), "
            "payload = payload || jsonb_build_object('deadline', CAST(:d AS text)) WHERE id = :id"
        ),
        {"id": item["id"], "d": late},
    )
    session.commit()
    train_user.train_user.run(item["id"])
    assert get_item(session, item["id"])["state"] == "done"
    assert model_status(session, USER, ModelKind.M1).state == "outdated", "it is trained again once they are ready"


def test_m1_goes_on_as_soon_as_the_tracks_are_ready_or_given_up(session, tracks, do):
    job_id, _ = create_job(session, JobKind.IMPORT)
    enqueue_targets(session, job_id, WorkKind.ENRICH, tracks["metal"][:1], version="m1", chunk_size=1)
    seal_job(session, job_id, {})
    item = do(ModelKind.M1)
    session.execute(text("DELETE FROM live_targets WHERE kind = 'enrich'"))
    session.execute(text("UPDATE work_items SET next_run_at = now() WHERE id = :id"), {"id": item["id"]})
    session.commit()
    train_user.train_user.run(item["id"])
    assert get_item(session, item["id"])["result"]["swapped"]
    session.rollback()
    assert model_status(session, USER, ModelKind.M1).state == "ready"


def test_a_user_removed_meanwhile_leaves_nothing(session, chosen, tracks, do_item):
    job_id = start_training(session, chosen, USER, ModelKind.M1).job_id
    session.commit()
    for table in ("personalized_users", "interactions", "playlists"):
        session.execute(text(f"DELETE FROM {table} WHERE user_id = :id"), {"id": USER})
    session.execute(text("DELETE FROM users WHERE id = :id"), {"id": USER})
    session.commit()
    item = do_item(train_user.train_user, job_id)
    assert (item["state"], item["error_code"]) == ("failed", "not-found")
    assert versions(session) == []


def test_all_three_are_ready_after_init_models(session, chosen, tracks, do_item):
    job_id = start_init_models(session, chosen, USER).job_id
    session.commit()
    for _ in ModelKind:
        assert do_item(train_user.train_user, job_id)["result"]["swapped"]
    assert [status.state for status in user_status(session, USER)] == ["ready"] * 3
    assert session.scalar(text("SELECT finished_at FROM jobs WHERE id = :id"), {"id": job_id}) is not None


def test_memory_does_not_grow_with_users(session, tracks, do):
    """Thirty trainings in one process; the first nine fill caches."""
    process, sizes = psutil.Process(), []
    for number in range(30):
        user = 100 + number
        own = tracks["folk"][number % 20 :] + tracks["house"][: number % 30]
        add_user(session, user, own)
        assert do(list(ModelKind)[number % 3], user=user)["result"]["swapped"]
        sizes.append(process.memory_info().rss / 2**20)
    assert sizes[-1] - sizes[8] < 20, sizes
