"""The clean-up of models: what goes, what stays, and that rows and files agree wherever it is cut short."""

import os
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from planted_models import plant, plant_files, plant_row
from sqlalchemy import text

from core.errors import ConfigurationError, PermanentError, RetryableError
from core.personal_settings import PersonalSettings
from core.settings import use_settings
from core.user_models import ModelKind
from db.engine import open_session
from db.repositories import user_models
from integrations.model_storage import ModelStorage
from models.recommenders.protocol import TrainedModel
from services.personal import life
from services.personal.cleanup import CleanUp, Found, clean_up
from services.personal.cleanup_report import CleanUpReport
from tasks import maintenance
from tasks.publishing import queue_depth
from tasks.queues import Queue

OLD, NEW = timedelta(hours=2), timedelta(minutes=30)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def storage(root):
    return ModelStorage(str(root))


@pytest.fixture
def clean(database_url, storage):
    def run(days=90, **options):
        report = CleanUpReport(options.get("dry_run", False), days)
        with open_session(database_url) as own:
            for finding in clean_up(own, CleanUp(storage, days, **options)):
                own.commit()
                report.add(finding)
        return report

    return run


def found(report):
    return {what: [finding.path for finding in report.of(what)] for what in Found if report.of(what)}


def rows(session):
    session.rollback()
    return dict(session.execute(text("SELECT path, state FROM user_models")).all())


def folders(storage):
    return {folder.path for folder in storage.list()}


def tree(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def agree(session, storage):
    """No file without a row, no row without files, none on its way out."""
    assert set(rows(session)) == folders(storage)
    assert all(folder.whole for folder in storage.list())
    assert "deleting" not in rows(session).values()
    assert list(storage.unfinished(datetime.now(UTC) - timedelta(hours=1))) == []


def test_unused_models_go_and_used_ones_stay(session, storage, root, clean):
    plant(session, root, "m1/1/a", unused_days=89.9)
    plant(session, root, "m2/1/a", unused_days=90.1)
    plant(session, root, "m1/2/a", unused_days=300)
    plant(session, root, "m1/2/b", unused_days=100, state="previous")
    # Of one user and kind, one that is used keeps the other.
    plant(session, root, "m3/2/a", unused_days=1)
    plant(session, root, "m3/2/b", unused_days=300, state="previous")
    plant(session, root, "m1/3/a", unused_days=300)
    plant(session, root, "m1/3/b", unused_days=1, state="previous")
    plant(session, root, "m3/community/a", unused_days=300)
    session.commit()
    report = clean()
    assert found(report) == {Found.UNUSED: ["m2/1/a", "m1/2/a", "m1/2/b"]}
    assert folders(storage) == {"m1/1/a", "m3/2/a", "m3/2/b", "m1/3/a", "m1/3/b", "m3/community/a"}
    agree(session, storage)
    assert (report.freed_bytes, report.removed_by_kind()) == (300, {"m1": 2, "m2": 1})
    assert found(clean()) == {}


def test_days_are_those_that_were_asked_for(session, storage, root, clean):
    plant(session, root, "m1/1/a", unused_days=3)
    plant(session, root, "m1/2/a")
    session.commit()
    assert found(clean(4)) == {}
    assert found(clean(2)) == {Found.UNUSED: ["m1/1/a"]}


@pytest.mark.parametrize("days", [0, -1, 36_501, 2**31, 2**70])
def test_days_that_cannot_be_meant_are_refused(storage, days):
    with pytest.raises(PermanentError, match=r"at least 1 day and at most 36,500, not") as refusal:
        CleanUp(storage, days)
    assert refusal.value.code == "invalid-option"


def test_a_century_is_the_longest(session, storage, root, clean):
    plant(session, root, "m1/1/a", unused_days=100)
    session.commit()
    assert found(clean(36_500)) == {}


def everything(session, root):
    """One of each thing that a clean-up finds, beside models in use."""
    for user in range(1, 4):
        for kind in ModelKind:
            plant(session, root, f"{kind}/{user}/a")
    for user in (4, 5):
        plant(session, root, f"m1/{user}/a", unused_days=100)
        plant(session, root, f"m1/{user}/b", unused_days=100, state="previous")
    plant(session, root, "m1/1/z", state="deleting")
    plant_row(session, "m1/1/y", "0", state="deleting")
    plant_row(session, "m1/6/a", "0")
    plant_files(root, "m1/1/orphan", age=OLD)
    plant_files(root, "m3/9/orphan", age=OLD)
    plant_files(root, "m3/9/young", age=NEW)
    plant_files(root, ".staging-old", age=OLD)
    plant_files(root, ".staging-young", age=NEW)
    (root / "photo.jpg").write_bytes(b"dear")
    session.execute(text("INSERT INTO personalized_users (user_id) SELECT id FROM users"))
    session.commit()


FOUND = {
    Found.DANGLING: ["m1/6/a"],
    Found.ORPHAN: ["m1/1/orphan", "m3/9/orphan"],
    Found.UNFINISHED: [".staging-old"],
    Found.MARKED: ["m1/1/z", "m1/1/y"],
    Found.UNUSED: ["m1/4/a", "m1/4/b", "m1/5/a", "m1/5/b"],
    Found.STRANGER: ["photo.jpg"],
}


def test_a_dry_run_tells_what_a_real_one_does_and_changes_nothing(session, storage, root, clean):
    everything(session, root)
    contents = text("SELECT * FROM user_models ORDER BY id")
    before = (session.execute(contents).all(), tree(root))
    dry = clean(dry_run=True)
    session.rollback()
    assert (session.execute(contents).all(), tree(root)) == before
    assert found(dry) == FOUND
    real = clean()
    assert found(real) == FOUND
    assert {**dry.as_json(), "dry_run": False} == real.as_json()
    assert real.as_json()["unused"] == {"count": 4, "bytes": 400, "paths": FOUND[Found.UNUSED]}
    assert set(rows(session)) == folders(storage) - {"m3/9/young"}
    assert found(clean()) == {Found.STRANGER: ["photo.jpg"]}
    assert sorted(path.name for path in root.glob(".*")) == [".staging-young"]


def test_cut_short_after_any_step_the_next_run_finishes(session, storage, root, clean, database_url, tmp_path):
    """What was not committed is lost, as in a crash; what was done to files is done."""
    steps = 0
    while True:
        steps += 1
        with open_session(database_url) as own:
            session.execute(text("TRUNCATE user_models, personalized_users"))
            session.commit()
            own_root = tmp_path / f"models-{steps}"
            everything(session, own_root)
            plan = CleanUp(ModelStorage(str(own_root)), 90)
            ended = True
            for step, _ in enumerate(clean_up(own, plan), start=1):
                # What others may use at this moment has its files, whether or not this step is ever committed.
                usable = {path for path, state in rows(session).items() if state != "deleting"}
                assert usable <= {folder.path for folder in plan.storage.list() if folder.whole} | {"m1/6/a"}
                if step == steps:
                    ended = False
                    break
                own.commit()
        report = CleanUpReport(False, 90)
        with open_session(database_url) as own:
            for finding in clean_up(own, plan):
                own.commit()
                report.add(finding)
        remaining = {folder.path for folder in plan.storage.list()}
        assert (
            set(rows(session))
            == remaining - {"m3/9/young"}
            == {f"{kind}/{n}/a" for kind in ModelKind for n in (1, 2, 3)}
        )
        assert found(report)[Found.STRANGER] == ["photo.jpg"]
        if ended:
            break
    assert steps > 15


def test_a_version_without_files_gives_way_to_the_one_before(session, storage, root, clean):
    plant_row(session, "m1/1/b", "0")
    plant(session, root, "m1/1/a", state="previous")
    plant(session, root, "m1/2/b")
    plant_row(session, "m1/2/a", "0", state="previous")
    plant_row(session, "m1/3/b", "0")
    plant_row(session, "m1/3/a", "0", state="previous")
    plant_row(session, "m3/community/b", "0")
    session.execute(text("INSERT INTO personalized_users (user_id) SELECT id FROM users WHERE id <> 2"))
    session.commit()
    report = clean()
    assert sorted(found(report)[Found.DANGLING]) == ["m1/1/b", "m1/2/a", "m1/3/a", "m1/3/b", "m3/community/b"]
    assert rows(session) == {"m1/1/a": "serving", "m1/2/b": "serving"}
    outdated = session.scalars(text("SELECT user_id FROM personalized_users WHERE outdated_at IS NOT NULL"))
    assert sorted(outdated) == [1, 3]
    agree(session, storage)


def test_a_folder_without_manifest_is_no_model(session, storage, root, clean):
    """As a writer to S3 leaves it that was killed, or somebody's slip."""
    plant(session, root, "m1/1/a")
    plant(session, root, "m1/2/a")
    plant_files(root, "m1/1/b", age=OLD)
    for path in ("m1/1/b", "m1/2/a"):
        (root / path / "files.json").unlink()
    (root / "m1/1/b/words.json").touch()
    session.commit()
    assert found(clean()) == {Found.DANGLING: ["m1/2/a"]}
    plant_files(root, "m1/1/c", age=OLD)
    assert found(clean()) == {Found.ORPHAN: ["m1/1/c"]}
    assert folders(storage) == {"m1/1/a", "m1/1/b"}


def test_what_is_used_after_it_was_chosen_stays(session, storage, root, database_url):
    ids = [plant(session, root, f"m1/{user}/a", unused_days=100) for user in (1, 2, 3)]
    session.commit()
    with open_session(database_url) as own:
        steps = clean_up(own, CleanUp(storage, 90))
        for finding in steps:
            own.commit()
            if finding is not None:
                break
        assert (finding.what, finding.path) == (Found.UNUSED, "m1/1/a")
        assert life.touch(session, ids[1])
        session.commit()
        rest = [finding.path for finding in steps if own.commit() is None and finding is not None]
    assert rest == ["m1/3/a"]
    assert rows(session) == {"m1/2/a": "serving"}
    agree(session, storage)


def test_what_somebody_is_changing_is_left_to_the_next_run(session, storage, root, clean):
    """A training that has written its files and not committed holds the lock, however long it takes."""
    plant(session, root, "m1/1/a", unused_days=100)
    plant(session, root, "m1/2/a")
    session.commit()
    outcome = life.store_version(session, storage, 1, TrainedModel(ModelKind.M1, "m1-1", {"model.npz": b"1"}))
    for path in (root / outcome.row.path).iterdir():
        os.utime(path, (0, 0))
    os.utime(root / outcome.row.path, (0, 0))
    assert found(clean()) == {}
    session.commit()
    assert rows(session) == {"m1/1/a": "previous", outcome.row.path: "serving", "m1/2/a": "serving"}
    agree(session, storage)


def test_runs_at_once_do_no_harm(session, storage, root, clean):
    for user in range(1, 41):
        plant(session, root, f"m1/{user}/a", unused_days=100 if user % 4 else 0)
        plant_files(root, f"m2/{user}/orphan", age=OLD)
    session.commit()
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(clean())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(reports) == 3
    # What one has marked another may finish; whoever does tells it, and nobody else.
    removed = Counter(
        finding.path for report in reports for what in (Found.UNUSED, Found.MARKED) for finding in report.of(what)
    )
    assert removed == Counter(f"m1/{user}/a" for user in range(1, 41) if user % 4)
    agree(session, storage)
    assert found(clean()) == {}


def test_nothing_outside_of_the_root_is_touched(session, storage, root, clean, tmp_path):
    plant(session, root, "m1/1/a")
    outside = tmp_path / "outside"
    plant_files(outside, "a", age=OLD)
    plant_files(outside, "1/a", age=OLD)
    (root / "m1/2").symlink_to(outside)
    (root / "m2").symlink_to(outside)
    (root / "m1/1/b").symlink_to(outside / "a")
    plant_row(session, "m1/2/a", "0", unused_days=100)
    plant_row(session, "m2/1/a", "0", unused_days=100)
    plant_row(session, "m1/3/a", "0", state="deleting")
    (root / "m1/3").symlink_to(outside)
    session.commit()
    before = tree(outside)
    report = found(clean())
    assert sorted(report[Found.STRANGER]) == ["m1/1/b", "m1/2", "m1/3", "m2"]
    assert sorted(report[Found.DANGLING]) == ["m1/2/a", "m2/1/a"]
    assert tree(outside) == before
    assert [path.is_symlink() for path in (root / "m1/2", root / "m2", root / "m1/1/b", root / "m1/3")] == [True] * 4
    agree(session, storage)


def test_a_database_and_a_storage_that_know_nothing_of_each_other_are_left_alone(session, root, clean, storage):
    """An empty folder may be a drive that is not mounted; foreign models may be another installation's."""
    plant_row(session, "m1/1/a", "0", unused_days=100)
    session.commit()
    with pytest.raises(ConfigurationError, match="STORAGE_URL") as failure:
        clean()
    assert failure.value.code == "invalid-settings"
    plant_files(root, "m1/1/b", age=OLD)
    with pytest.raises(ConfigurationError):
        clean()
    assert (rows(session), folders(storage)) == ({"m1/1/a": "serving"}, {"m1/1/b"})
    assert found(clean(allow_unrelated=True)) == {Found.DANGLING: ["m1/1/a"], Found.ORPHAN: ["m1/1/b"]}
    assert found(clean()) == {}


def test_a_storage_that_does_not_answer_loses_nothing(session, root, clean, storage):
    plant(session, root, "m1/1/a", unused_days=100)
    session.commit()
    root.rename(root.parent / "away")
    root.write_text("no folder")
    with pytest.raises(RetryableError) as failure:
        clean()
    assert failure.value.code == "model-storage-unavailable"
    assert rows(session) == {"m1/1/a": "serving"}


def test_a_version_on_its_way_out_is_finished_by_the_next_training(session, storage, root):
    for content in (b"1", b"2", b"3", b"4"):
        life.store_version(session, storage, None, TrainedModel(ModelKind.M3, "m3-1", {"model.npz": content}))
        session.commit()
    assert len(user_models.all_marked(session)) == 1
    assert set(rows(session)) == folders(storage)


def test_a_night_is_cut_into_messages_that_finish_it(session, settings, storage, root, monkeypatch):

    use_settings(settings.model_copy(update={"personal": PersonalSettings(storage_url=str(root), unused_days=10)}))
    for user in range(1, 6):
        plant(session, root, f"m1/{user}/a", unused_days=11 if user > 1 else 0)
    session.commit()
    maintenance.app.finalize()
    monkeypatch.setattr(maintenance, "_SLICE_S", 0.0)
    runs = 0
    while runs == 0 or queue_depth(Queue.MAINTENANCE) == runs:
        maintenance.clean_up_models()
        runs += 1
        assert runs < 50
    assert runs == 5
    assert rows(session) == {"m1/1/a": "serving"}
    assert folders(storage) == {"m1/1/a"}
    counted = "SELECT models, removed FROM model_usage_days WHERE kind = 'm1'"
    assert session.execute(text(counted)).one() == (1, 4)
