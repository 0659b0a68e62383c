"""Forgetting a user: nothing is left in any table or file, others keep all of theirs, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from known_users import (
    files_with,
    fill,
    import_words,
    ledger_counts,
    store_model,
    tables_with,
)
from sqlalchemy import text

from core.errors import PermanentError
from core.settings import use_settings
from core.user_models import ModelKind, UserModelState
from core.work import JobKind, WorkKind
from db.engine import open_session
from db.repositories import user_data, work_items
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.inspection import get_item
from db.repositories.jobs import job_progress
from services.job_control import replay
from services.personal.forgetting import read_deletion, start_forgetting
from services.personal.outdated import start_outdated_community

# A module, not its task: pytest looks at every name of this file, and looking at a task makes Celery read its settings.
from tasks import forget_user

WORD, OTHER = "geheimnis", "nachbar"


@pytest.fixture
def root(settings, tmp_path):
    """The folder of models, of this test's own."""
    use_settings(settings.model_copy(update={"models_dir": tmp_path}))
    return tmp_path / "personal"


@pytest.fixture
def own(settings, tmp_path, root):
    """The settings that name that folder."""
    return settings.model_copy(update={"models_dir": tmp_path})


@pytest.fixture
def two_users(session, own):
    fill(session, own, 7, word=WORD)
    fill(session, own, 8, word=OTHER)


def ask(session, user=7):
    job_id, created = start_forgetting(session, user)
    session.commit()
    assert created
    return job_id, session.scalar(text("SELECT id FROM work_items WHERE job_id = :id"), {"id": job_id})


def forget(session, user=7):
    """Ask, do the work in this process, and return the receipt."""
    _, item_id = ask(session, user)
    session.rollback()
    forget_user.forget_user.run(item_id)
    item = get_item(session, item_id)
    assert item["state"] == "done", item
    session.rollback()
    return read_deletion(session, user).receipt


def test_nothing_of_the_user_is_left_and_others_keep_theirs(session, two_users, root):
    others = {name: tables_with(session, OTHER) for name in ("before",)}
    tracks = session.scalar(text("SELECT count(*) FROM tracks"))
    counts, n_files = ledger_counts(session), len(files_with(root, OTHER))
    assert tables_with(session, WORD) >= {"playlists", "interaction_events", "dj_feedback", "jobs", "work_items"}
    assert len(files_with(root, WORD)) == n_files == 6
    session.rollback()
    receipt = forget(session)
    assert tables_with(session, WORD) == set()
    assert files_with(root, WORD) == []
    assert user_data.rows_left(session, 7) == {}
    assert not list(root.glob("*/7"))
    assert tables_with(session, OTHER) == others["before"]
    assert len(files_with(root, OTHER)) == n_files
    assert session.scalar(text("SELECT count(*) FROM tracks")) == tracks
    assert ledger_counts(session) == counts, "the history of the ledger adds up as before"
    assert receipt["rows"] == {
        "playlist_tracks": 2,
        "playlists": 1,
        "interaction_events": 2,
        "interactions": 2,
        "personalized_users": 1,
        "user_models": 6,
        "dj_feedback": 1,
        "live_targets": 0,
        "users": 1,
    }


def test_the_receipt_tells_what_went_and_what_is_kept(session, own, two_users, root):
    size = sum(path.stat().st_size for path in root.glob("*/7/**/*") if path.is_file())
    version = store_model(session, own, None, ModelKind.M3, "everybody").rsplit("/", 1)[1]
    session.commit()
    receipt = forget(session)
    assert (receipt["user_id"], receipt["files"], receipt["bytes"]) == (7, 12, size)
    assert receipt["scrubbed"] == {"jobs": 1, "work_items": 2, "attempts": 2}
    assert [kept["what"] for kept in receipt["remains"]] == [
        "tracks",
        "ledger",
        "receipt",
        f"community model {version}",
    ]
    deletion = read_deletion(session, 7)
    assert job_progress(session, deletion.job_id).summary == deletion.receipt == receipt


def test_a_file_of_others_beside_a_model_does_not_save_it(session, two_users, root):
    folders = [path.parent for path in root.glob("*/7/*/files.json")]
    for folder in folders:
        (folder / ".DS_Store").write_bytes(b"x")
    receipt = forget(session)
    assert files_with(root, WORD) == []
    assert receipt["files"] == 2 * len(folders) == 12
    assert [path.name for path in sorted(root.glob("*/7/*/*"))] == [".DS_Store"] * 6


def test_one_removal_is_live_at_a_time(session, two_users):
    first = start_forgetting(session, 7)
    session.commit()
    assert start_forgetting(session, 7) == (first[0], False)
    assert start_forgetting(session, 8)[1]
    assert read_deletion(session, 7).receipt is None


def test_a_stranger_is_not_found(session):
    with pytest.raises(PermanentError, match="no user 99"):
        start_forgetting(session, 99)
    with pytest.raises(PermanentError, match="Nobody asked"):
        read_deletion(session, 99)


def test_a_listener_of_the_dj_without_an_account_is_forgotten(session, own, two_users):
    session.execute(text("UPDATE dj_feedback SET user_id = 0 WHERE user_id = 8"))
    session.commit()
    assert forget(session, 0)["rows"]["dj_feedback"] == 1
    assert "dj_feedback" not in tables_with(session, OTHER)


def test_asked_again_the_user_is_unknown(session, two_users):
    forget(session)
    with pytest.raises(PermanentError, match="no user 7"):
        start_forgetting(session, 7)


def test_live_jobs_are_cancelled_and_what_others_waited_for_is_enriched(session, own):
    import_words(session, 7, WORD)
    session.commit()
    import_words(session, 8, OTHER)  # Leaves the tracks to the import of 7, which enriches them already.
    session.commit()
    assert session.scalar(text("SELECT count(DISTINCT job_id) FROM work_items")) == 1
    held = work_items.claim(session, session.scalar(text("SELECT min(id) FROM work_items")), "test", 60)
    session.commit()
    assert forget(session)["cancelled_jobs"] == 1
    with pytest.raises(work_items.StaleClaimError):
        work_items.finish(session, held, {})
    session.rollback()
    waiting = session.execute(
        text("""SELECT j.kind, sum(w.size) FROM work_items w JOIN jobs j ON j.id = w.job_id
                WHERE w.state = 'queued' GROUP BY 1""")
    ).all()
    assert [tuple(row) for row in waiting] == [("enrich-all", 2)]


def enqueue_training(session, user=7):
    job_id, _ = create_job(session, JobKind.TRAIN_MODEL, user_id=user)
    enqueue_targets(session, job_id, WorkKind.TRAIN_USER, [user], version="m1", chunk_size=1)
    seal_job(session, job_id, {})
    item = session.scalar(text("SELECT id FROM work_items WHERE job_id = :id"), {"id": job_id})
    held = work_items.claim(session, item, "trainer", 60)
    session.commit()
    return held


def test_a_training_that_ends_after_the_removal_brings_nothing_back(session, own, two_users, root, database_url):
    held = enqueue_training(session)
    with open_session(database_url) as trainer:
        forget(session)
        with pytest.raises(PermanentError, match="no user 7 any more"):
            store_model(trainer, own, 7, ModelKind.M1, WORD)
        trainer.rollback()
        with pytest.raises(work_items.StaleClaimError):
            work_items.finish(trainer, held, {"word": WORD})
    assert tables_with(session, WORD) == set()
    assert files_with(root, WORD) == []


def blocked_backends(session):
    session.rollback()
    return session.scalar(
        text("""SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0""")
    )


def wait_until_blocked(session, n=1):
    end = time.monotonic() + 20
    while blocked_backends(session) < n:
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.05)


def test_a_training_that_is_about_to_commit_is_waited_for_and_removed(session, own, two_users, root, database_url):
    _, item_id = ask(session)
    session.rollback()
    with open_session(database_url) as trainer, ThreadPoolExecutor(1) as pool:
        path = store_model(trainer, own, 7, ModelKind.M1, f"late {WORD}")
        removal = pool.submit(forget_user.forget_user.run, item_id)
        wait_until_blocked(session)
        trainer.commit()
        removal.result(timeout=30)
    assert not (root / path).exists()
    assert tables_with(session, WORD) == set()
    assert files_with(root, WORD) == []
    assert read_deletion(session, 7).receipt["rows"]["user_models"] == 7


def test_a_training_that_stores_while_the_rows_go_finds_no_user(session, own, two_users, root, database_url):
    with open_session(database_url) as remover, ThreadPoolExecutor(1) as pool:
        user_data.lock_user(remover, 7)
        user_data.scrub_jobs(remover, 7)

        def train():
            with open_session(database_url) as trainer:
                store_model(trainer, own, 7, ModelKind.M1, "late")
                trainer.commit()

        training = pool.submit(train)
        wait_until_blocked(session)
        user_data.remove_rows(remover, 7)
        remover.commit()
        with pytest.raises(PermanentError, match="no user 7 any more"):
            training.result(timeout=30)
    assert files_with(root, "late") == []
    assert user_data.rows_left(session, 7) == {}


def test_a_user_that_is_written_about_for_long_is_tried_again_without_an_attempt(
    session, own, two_users, database_url, monkeypatch
):
    monkeypatch.setattr(user_data, "LOCK_WAIT_S", 0.1)
    _, item_id = ask(session)
    session.rollback()
    with open_session(database_url) as importer:
        import_words(importer, 7, WORD)
        forget_user.forget_user.run(item_id)
        item = get_item(session, item_id)
        assert (item["state"], item["error_code"], item["attempts"]) == ("queued", "user-busy", 0)
        importer.commit()
    session.rollback()
    time.sleep(0.15)
    forget_user.forget_user.run(item_id)
    assert get_item(session, item_id)["state"] == "done"
    assert tables_with(session, WORD) == set()


def test_an_import_during_the_removal_makes_a_new_user(session, own, two_users, database_url):
    with open_session(database_url) as remover, ThreadPoolExecutor(1) as pool:
        user_data.lock_user(remover, 7)

        def again():
            with open_session(database_url) as importer:
                import_words(importer, 7, "neuanfang")
                importer.commit()

        importing = pool.submit(again)
        wait_until_blocked(session)
        user_data.scrub_jobs(remover, 7)
        user_data.remove_rows(remover, 7)
        remover.commit()
        importing.result(timeout=30)
    assert tables_with(session, WORD) == set()
    assert session.scalars(text("SELECT name FROM playlists WHERE user_id = 7")).all() == ["neuanfang"]


# Kills the process after so many calls of a function, as `kill -9` does.
KILLED = """
import os, signal, sys
from core.settings import get_settings
from db.repositories import user_data
from integrations.model_storage import ModelStorage
from integrations.model_storage.local import LocalPlace
from services.personal import forgetting
from tasks import forget_user

owners = {"forgetting": forgetting, "user_data": user_data, "ModelStorage": ModelStorage, "LocalPlace": LocalPlace}
owner = owners[sys.argv[2]]
function, left = getattr(owner, sys.argv[3]), [int(sys.argv[4])]

def killing(*arguments):
    result = function(*arguments)
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, sys.argv[3], killing)
forget_user.forget_user.run(int(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("owner", "function", "call"),
    [
        ("forgetting", "stop_work", 1),
        ("forgetting", "note_files", 1),
        ("ModelStorage", "delete", 1),
        ("LocalPlace", "_remove_if_empty", 4),
        ("forgetting", "remove_folders", 1),
        ("forgetting", "stop_work", 2),
        ("user_data", "remove_rows", 1),
        ("user_data", "scrub_jobs", 1),
        ("forgetting", "remove_everything", 1),
    ],
)
def test_a_removal_that_is_killed_goes_on_to_the_end(session, own, two_users, root, owner, function, call):
    enqueue_training(session)
    _, item_id = ask(session)
    session.rollback()
    environment = os.environ | {
        "MUSICSPACE_DATABASE_URL": own.database_url,
        "MUSICSPACE_REDIS_URL": own.redis_url,
        "MUSICSPACE_MODELS_DIR": str(own.models_dir),
    }
    command = [sys.executable, "-c", KILLED, str(item_id), owner, function, str(call)]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert get_item(session, item_id)["state"] == "running"
    # What the dispatcher does once the lease ran out.
    session.execute(text("UPDATE work_items SET state = 'queued', lease_until = NULL WHERE id = :id"), {"id": item_id})
    session.commit()
    forget_user.forget_user.run(item_id)
    assert get_item(session, item_id)["state"] == "done", get_item(session, item_id)
    assert tables_with(session, WORD) == set()
    assert files_with(root, WORD) == []
    receipt = read_deletion(session, 7).receipt
    assert (receipt["files"], receipt["cancelled_jobs"], receipt["rows"]["user_models"]) == (12, 1, 6)
    assert len(files_with(root, OTHER)) == 6


def test_a_storage_that_is_away_is_tried_again(session, own, two_users, root):
    _, item_id = ask(session)
    root.rename(root.with_name("away"))
    root.write_text("no folder")
    forget_user.forget_user.run(item_id)
    item = get_item(session, item_id)
    assert (item["state"], item["error_code"]) == ("queued", "model-storage-unavailable")
    serving = text("SELECT count(*) FROM user_models WHERE user_id = 7 AND state <> 'deleting'")
    assert session.scalar(serving) == 0, "no model serves any more"
    session.rollback()
    root.unlink()
    root.with_name("away").rename(root)
    time.sleep(0.05)
    forget_user.forget_user.run(item_id)
    assert get_item(session, item_id)["state"] == "done"
    assert files_with(root, WORD) == []


def test_something_that_stays_is_told_and_nothing_is_done(session, own, two_users):
    session.execute(text("CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"))
    session.execute(text("CREATE TRIGGER stay BEFORE DELETE ON dj_feedback FOR EACH ROW EXECUTE FUNCTION stay()"))
    session.commit()
    _, item_id = ask(session)
    forget_user.forget_user.run(item_id)
    item = get_item(session, item_id)
    assert (item["state"], item["error_code"]) == ("queued", "user-data-left")
    assert "1 rows of dj_feedback" in item["error_message"]
    assert session.scalar(text("SELECT count(*) FROM playlists WHERE user_id = 7")) == 1


def test_a_replayed_removal_keeps_a_new_one_away(session, own, two_users):
    job_id, item_id = ask(session)
    held = work_items.claim(session, item_id, "test", 60)
    work_items.fail(session, held, "unexpected", "broken")
    replay(session, item_id)
    session.commit()
    with pytest.raises(PermanentError, match="replayed removal of user 7"):
        start_forgetting(session, 7)
    session.rollback()
    assert read_deletion(session, 7).job_id == job_id


LONGEST_S = 3600.0


def store_community(session, settings, hours):
    """A version of what all users have in common, trained so many hours from now."""
    path = store_model(session, settings, None, ModelKind.M3, "everybody")
    query = text("UPDATE user_models SET trained_at = now() + make_interval(hours => :hours) WHERE path = :path")
    session.execute(query, {"hours": hours, "path": path})
    session.commit()


def community_states(session):
    session.rollback()
    query = text("SELECT state FROM user_models WHERE user_id IS NULL ORDER BY id")
    return session.scalars(query).all()


def test_a_community_that_knows_a_removed_user_is_trained_anew_and_does_not_come_back(session, own, two_users):
    store_community(session, own, 0)
    assert not user_data.community_knows_removed(session, LONGEST_S)
    forget(session)
    assert user_data.community_knows_removed(session, LONGEST_S)
    store_community(session, own, 2)
    assert user_data.community_knows_removed(session, LONGEST_S), "the version before is kept for a roll-back"
    user_data.retire_community(session, LONGEST_S, [UserModelState.PREVIOUS])
    session.commit()
    assert community_states(session) == ["deleting", "serving"]
    assert not user_data.community_knows_removed(session, LONGEST_S)


def test_a_community_that_cannot_be_trained_anew_goes_with_the_user(session, own, two_users):
    store_community(session, own, 0)
    assert start_outdated_community(session, own) == []
    assert community_states(session) == ["serving"], "two users are too few, but nobody was removed"
    forget(session)
    assert start_outdated_community(session, own) == []
    session.commit()
    assert community_states(session) == ["deleting"]


def test_jobs_of_the_user_stay_without_words(session, two_users):
    job_id = session.scalar(text("SELECT id FROM jobs WHERE user_id = 7"))
    before = job_progress(session, job_id)
    forget(session)
    after = job_progress(session, job_id)
    assert (after.user_id, after.params, after.summary) == (None, {}, {})
    assert (after.state, after.items, after.targets, after.errors) == (
        before.state,
        before.items,
        before.targets,
        before.errors,
    )
