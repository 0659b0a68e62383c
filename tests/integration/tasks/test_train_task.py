"""Training jobs: one a predictor, tables within the shared folder, MLflow told after the commit and only then."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from small_reference import write_table
from sqlalchemy import text

from core.errors import PermanentError
from core.settings import use_settings
from db.engine import open_session
from db.repositories import work_items
from db.repositories.inspection import get_item
from db.repositories.jobs import cancel_job
from services import tracking
from services.job_control import replay
from services.train_jobs import start_training

# A module, not its task: pytest looks at every name of this file, and looking at a task makes Celery read its settings.
from tasks import train


@pytest.fixture
def tracked(settings, tmp_path, monkeypatch):
    """Folders of this test's own, and what MLflow is told."""
    (tmp_path / "shared").mkdir()
    write_table(tmp_path / "shared" / "tracks.parquet")
    folders = {"shared_data_dir": tmp_path / "shared", "models_dir": tmp_path / "models", "artifacts_dir": tmp_path}
    use_settings(settings.model_copy(update={**folders, "mlflow_tracking_uri": "http://127.0.0.1:9"}))
    told = []
    monkeypatch.setattr(tracking, "log_run", lambda uri, run: told.append((uri, run.tags["state"])))
    return told


def enqueue(session, data="tracks.parquet"):
    job_id, _ = start_training(session, "m1", Path(data))
    session.commit()
    return job_id, session.scalar(text("SELECT id FROM work_items WHERE job_id = :id"), {"id": job_id})


def item(session, item_id):
    session.rollback()
    return get_item(session, item_id)


def test_a_training_is_recorded_with_its_job_and_then_told(session, tracked):
    job_id, item_id = enqueue(session)
    train.train_global.run(item_id)
    result = item(session, item_id)["result"]
    assert (result["state"], result["known"], result["name"]) == ("promoted", False, "m1")
    row = session.execute(text("SELECT version, state, job_id FROM model_versions")).one()
    assert tuple(row) == (result["version"], "promoted", job_id)
    assert tracked == [("http://127.0.0.1:9", "promoted")]
    train.train_global.run(item_id)
    assert len(tracked) == 1, "a second delivery does nothing"


def test_a_training_that_was_cancelled_meanwhile_is_neither_recorded_nor_told(session, tracked, monkeypatch):
    job_id, item_id = enqueue(session)
    finish = work_items.finish

    def cancel_first(own, held, result):
        with open_session(str(own.get_bind().url.render_as_string(hide_password=False))) as other:
            cancel_job(other, job_id)
            other.commit()
        finish(own, held, result)

    monkeypatch.setattr(work_items, "finish", cancel_first)
    train.train_global.run(item_id)
    assert item(session, item_id)["state"] == "cancelled"
    assert session.scalar(text("SELECT count(*) FROM model_versions")) == 0
    assert tracked == []


@pytest.mark.parametrize(
    ("data", "code"),
    [("none.parquet", "file-not-found"), ("../shared/tracks.csv", "file-not-found"), ("..", "invalid-option")],
)
def test_a_table_that_cannot_be_had_fails_the_item(session, tracked, data, code):
    _, item_id = enqueue(session, data)
    train.train_global.run(item_id)
    failed = item(session, item_id)
    assert (failed["state"], failed["error_code"]) == ("failed", code)
    assert tracked == []


def test_requests_at_once_share_one_job(database_url):
    def request(_):
        with open_session(database_url) as own:
            started = start_training(own, "m1", Path("tracks.parquet"))
            own.commit()
            return started

    with ThreadPoolExecutor(6) as pool:
        started = list(pool.map(request, range(6)))
    assert len({job_id for job_id, _ in started}) == 1
    assert sum(created for _, created in started) == 1


def test_a_replayed_training_keeps_a_new_one_away(session, tracked):
    _, item_id = enqueue(session, "none.parquet")
    train.train_global.run(item_id)
    session.rollback()
    replay(session, item_id)
    session.commit()
    with pytest.raises(PermanentError, match="replayed training of m1"):
        start_training(session, "m1", Path("tracks.parquet"))
    session.rollback()
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 1


def test_two_predictors_are_trained_side_by_side(session, monkeypatch):
    from models.registry import PREDICTORS

    monkeypatch.setitem(PREDICTORS, "m2", PREDICTORS["m1"])
    jobs = {start_training(session, name, Path("tracks.parquet")) for name in ("m1", "m2")}
    assert len(jobs) == 2
    assert all(created for _, created in jobs)
