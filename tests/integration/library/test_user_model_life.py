"""Models of users: stored, compared, used, rolled back, by several at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.errors import PermanentError, RetryableError
from core.user_models import ModelKind
from db.engine import open_session
from db.repositories import user_data, user_models
from db.repositories.user_models import touch_all
from integrations.model_storage import ModelStorage
from models.recommenders.protocol import TrainedModel
from services.personal import life
from services.personal.life import Verdict


@pytest.fixture
def storage(tmp_path):
    return ModelStorage(str(tmp_path / "models"))


@pytest.fixture
def user(session):
    session.execute(text("INSERT INTO users (id) VALUES (1), (2)"))
    session.commit()
    return 1


def trained(content=b"1", kind=ModelKind.M1, **metrics):
    return TrainedModel(kind, f"{kind}-1", {"model.npz": content}, metrics)


def states(session, user_id=1):
    query = "SELECT state, version FROM user_models WHERE user_id IS NOT DISTINCT FROM :id ORDER BY id"
    return [tuple(row) for row in session.execute(text(query), {"id": user_id})]


def store(session, storage, content=b"1", user_id=1, gate=None, kind=ModelKind.M1):
    stored = life.store_version(session, storage, user_id, trained(content, kind), gate)
    session.commit()
    return stored


def folders(storage):
    return sorted(folder.path for folder in storage.list())


def age(session, hours):
    session.execute(text("UPDATE user_models SET last_used_at = now() - make_interval(hours => :n)"), {"n": hours})
    session.commit()


def test_a_stored_version_serves_and_can_be_loaded(session, storage, user):
    stored = life.store_version(session, storage, user, trained(b"abc", fitted=12))
    session.commit()
    row = life.serving(session, user, ModelKind.M1)
    assert (row, row.version, row.metrics) == (stored.row, stored.version, {"fitted": 12})
    assert row.version.startswith("m1-1-")
    assert row.path == f"m1/1/{row.version}"
    assert life.load_files(storage, row) == {"model.npz": b"abc"}
    [folder] = storage.list()
    assert row.size_bytes == folder.size_bytes
    assert life.serving(session, user, ModelKind.M2) is None
    assert life.serving(session, 2, ModelKind.M1) is None


def test_one_serves_one_is_kept_and_older_ones_go(session, storage, user):
    first, second, third = (store(session, storage, content).version for content in (b"1", b"2", b"3"))
    assert states(session) == [("deleting", first), ("previous", second), ("serving", third)]
    fourth = store(session, storage, b"4").version
    assert states(session) == [("deleting", second), ("previous", third), ("serving", fourth)]
    assert folders(storage) == sorted(f"m1/1/{version}" for version in (second, third, fourth))


def test_being_trained_anew_is_no_use(session, storage, user):
    store(session, storage, b"1")
    age(session, hours=2000)
    before = life.serving(session, user, ModelKind.M1).last_used_at
    store(session, storage, b"2")
    assert life.serving(session, user, ModelKind.M1).last_used_at == before
    touch_all(session, user)
    assert life.serving(session, user, ModelKind.M1).last_used_at > before


def test_what_all_users_have_in_common_has_versions_of_its_own(session, storage, user):
    own = store(session, storage, kind=ModelKind.M3)
    common = [store(session, storage, content, None, kind=ModelKind.M3) for content in (b"2", b"3")]
    assert life.serving(session, None, ModelKind.M3).path == f"m3/community/{common[1].version}"
    assert life.serving(session, user, ModelKind.M3).version == own.version
    assert [state for state, _ in states(session, None)] == ["previous", "serving"]


def test_the_same_content_twice_is_two_versions(session, storage, user):
    assert store(session, storage).version != store(session, storage).version


def test_the_gate_sees_what_was_written_and_decides(session, storage, user):
    seen = []

    def gate(files):
        seen.append(files)
        return Verdict(files["model.npz"] != b"worse", "AUC 0.6, that of the one that serves is 0.7.", {"auc": 0.6})

    assert store(session, storage, b"better", gate=gate).row.metrics == {"auc": 0.6}
    turned_down = store(session, storage, b"worse", gate=gate)
    assert (turned_down.row, turned_down.reason) == (None, "AUC 0.6, that of the one that serves is 0.7.")
    assert seen == [{"model.npz": b"better"}, {"model.npz": b"worse"}]
    assert len(states(session)) == len(folders(storage)) == 1


def test_a_gate_that_cannot_load_the_model_leaves_nothing(session, storage, user):
    def gate(files):
        raise PermanentError("user-model-corrupt", "The model has no modes.")

    with pytest.raises(PermanentError, match="no modes"):
        life.store_version(session, storage, user, trained(), gate)
    session.rollback()
    assert (states(session), folders(storage)) == ([], [])


def test_a_user_who_is_gone_gets_no_model(session, storage, user):
    with pytest.raises(PermanentError, match="no user 77") as failure:
        life.store_version(session, storage, 77, trained())
    session.rollback()
    assert failure.value.code == "not-found"
    assert folders(storage) == []


def test_a_user_who_is_removed_meanwhile_gets_no_model(session, storage, user, database_url):
    """The training waits for the removal, whose end it then sees."""
    results = []

    def train():
        with open_session(database_url) as own:
            try:
                life.store_version(own, storage, user, trained())
                own.commit()
            except PermanentError as error:
                results.append(error.code)

    session.execute(text("DELETE FROM users WHERE id = 1"))
    thread = threading.Thread(target=train)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    session.commit()
    thread.join(20)
    assert (results, folders(storage)) == (["not-found"], [])


def test_what_is_rolled_back_leaves_files_and_no_row(session, storage, user):
    life.store_version(session, storage, user, trained())
    session.rollback()
    assert (states(session), len(folders(storage))) == ([], 1)


def test_a_storage_that_is_away_leaves_the_one_that_serves(session, storage, user, tmp_path):
    version = store(session, storage).version
    (tmp_path / "models").rename(tmp_path / "away")
    (tmp_path / "models").write_text("no folder")
    with pytest.raises(RetryableError) as failure:
        life.store_version(session, storage, user, trained(b"2"))
    session.rollback()
    assert failure.value.code == "model-storage-unavailable"
    assert states(session) == [("serving", version)]


def test_roll_backs_go_to_and_fro(session, storage, user):
    first, second = store(session, storage, b"1"), store(session, storage, b"2")
    back = life.roll_back(session, storage, user, ModelKind.M1)
    session.commit()
    assert (back.version, back.state, life.load_files(storage, back)) == (first.version, "serving", {"model.npz": b"1"})
    assert states(session) == [("serving", first.version), ("previous", second.version)]
    assert life.roll_back(session, storage, user, ModelKind.M1).version == second.version
    session.commit()
    third = store(session, storage, b"3")
    assert states(session) == [
        ("deleting", first.version),
        ("previous", second.version),
        ("serving", third.version),
    ]


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_kept_version_there_is_no_way_back(session, storage, user, n):
    for _ in range(n):
        store(session, storage)
    with pytest.raises(PermanentError, match="m1 of user 1") as failure:
        life.roll_back(session, storage, user, ModelKind.M1)
    assert failure.value.code == "model-missing"


def test_no_way_back_to_what_cannot_be_loaded(session, storage, user, tmp_path):
    first, second = store(session, storage, b"1"), store(session, storage, b"2")
    (tmp_path / "models" / first.row.path / "model.npz").write_bytes(b"x")
    with pytest.raises(PermanentError) as failure:
        life.roll_back(session, storage, user, ModelKind.M1)
    session.commit()
    assert failure.value.code == "user-model-corrupt"
    assert states(session) == [("previous", first.version), ("serving", second.version)]


def test_trainings_at_once_come_one_after_the_other(storage, user, session, database_url):
    """Each gate sees the version that its own takes the place of; none is lost, none serves beside another."""
    compared = []

    def train(content):
        with open_session(database_url) as own:

            def gate(files):
                serving = life.serving(own, user, ModelKind.M1)
                compared.append((serving and serving.version, files["model.npz"]))
                return Verdict(True, "")

            outcome = life.store_version(own, storage, user, trained(content), gate)
            own.commit()
            versions[content] = outcome.version

    versions = {}
    threads = [threading.Thread(target=train, args=(str(n).encode(),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    order = [versions[content] for _, content in compared]
    assert [before for before, _ in compared] == [None, *order[:-1]]
    assert states(session)[-2:] == [("previous", order[-2]), ("serving", order[-1])]
    assert sorted(version for _, version in states(session)) == sorted(order[-3:])


def test_use_is_noted_once_an_hour(session, storage, user):
    row = store(session, storage).row
    written = text("SELECT xmin::text, last_used_at FROM user_models")
    before = session.execute(written).one()
    assert life.touch(session, row.id)
    session.commit()
    assert session.execute(written).one() == before
    age(session, 2)
    assert life.touch(session, row.id)
    session.commit()
    after = session.execute(written).one()
    assert (after.xmin != before.xmin, abs(after.last_used_at - before.last_used_at) < timedelta(minutes=1)) == (
        True,
        True,
    )
    assert life.touch(session, row.id)
    session.commit()
    assert session.execute(written).one() == after


@pytest.mark.parametrize("hours", [0, 2])
def test_what_is_gone_or_going_is_not_used(session, storage, user, hours):
    row = store(session, storage).row
    age(session, hours)
    session.execute(text("UPDATE user_models SET state = 'deleting'"))
    assert not life.touch(session, row.id)
    session.execute(text("DELETE FROM user_models"))
    assert not life.touch(session, row.id)


@pytest.mark.parametrize(
    ("change", "usable"),
    [("UPDATE user_models SET state = 'deleting'", False), ("UPDATE user_models SET last_used_at = now()", True)],
)
def test_use_that_waits_for_a_change_sees_it(session, storage, user, database_url, change, usable):
    """A statement that began before the change reads the row as it was; its UPDATE must not."""
    row = store(session, storage).row
    age(session, 2)
    results = []

    def use():
        with open_session(database_url) as own:
            results.append(life.touch(own, row.id))
            own.commit()

    session.execute(text(change))
    thread = threading.Thread(target=use)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    session.commit()
    thread.join(20)
    assert results == [usable]


@pytest.mark.parametrize("change_all", [touch_all, user_data.retire_models])
def test_an_answer_that_uses_several_models_and_who_changes_them_all_do_not_block_each_other(
    session, storage, user, database_url, change_all
):
    # Rows lie in the order in which they came, which is not that in which an answer uses them.
    for kind in reversed(ModelKind):
        store(session, storage, kind=kind)
    age(session, hours=3)
    rows = [life.serving(session, user, kind) for kind in ModelKind]
    session.rollback()
    with open_session(database_url) as answering, ThreadPoolExecutor(1) as pool:
        assert life.touch(answering, rows[0].id)

        def change():
            with open_session(database_url) as own:
                change_all(own, user)
                own.commit()

        changing = pool.submit(change)
        end = time.monotonic() + 30
        waiting = "datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        blocked = text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")
        while not session.scalar(blocked):
            assert time.monotonic() < end, "nobody waits"
            session.rollback()
            time.sleep(0.02)
        assert all(life.touch(answering, row.id) for row in rows[1:])
        answering.commit()
        changing.result(timeout=30)


@pytest.mark.parametrize("user_id", [1, None])
def test_models_of_a_user_are_found_without_looking_at_those_of_all(session, storage, user, user_id):
    """What is asked for at every answer, and for each user of a clean-up."""
    store(session, storage, user_id=user_id)
    session.execute(text("INSERT INTO users (id) SELECT generate_series(3, 3000)"))
    session.execute(
        text("""
            INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes)
            SELECT id, 'm1', 'a', 'serving', 'm1/' || id || '/a', '0', 1 FROM users WHERE id > 2
        """)
    )
    session.commit()
    session.execute(text("ANALYZE user_models"))
    session.commit()
    life.serving(session, user_id, ModelKind.M1)
    user_models.marked(session, user_id, ModelKind.M1)
    user_models.mark_unused(session, user_id, ModelKind.M1, 1)
    scans = "SELECT seq_scan, idx_scan > 0 FROM pg_stat_xact_user_tables WHERE relname = 'user_models'"
    assert tuple(session.execute(text(scans)).one()) == (0, True)
