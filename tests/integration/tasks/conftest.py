"""Tracks with audio, and jobs that listen to it in this process; where models of users are kept."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from taste_library import with_storage

from core.audio_settings import EmbedSettings
from core.settings import get_settings, use_settings
from db.repositories.audio_reports import sum_results
from db.repositories.inspection import get_item
from services.audio_analysis.jobs import start_analysis
from services.audio_analysis.work_plan import Mode

# A module, not its task: looking at a task makes Celery read its settings.
from tasks import analyze


@pytest.fixture(scope="session")
def _decoders() -> Iterator[None]:
    """The decoding processes start once for all tests."""
    yield
    analyze.close_analyzer()


@pytest.fixture
def music(settings, tmp_path, _decoders):
    """A root of audio with its settings in use."""
    folder = tmp_path / "음악"
    folder.mkdir()
    audio = settings.audio.model_copy(update={"roots": [folder], "files_per_item": 4, "min_tempo_confidence": 0.0})
    use_settings(settings.model_copy(update={"audio": audio, "embed": EmbedSettings(embedder="dsp", decoders=2)}))
    return folder


@pytest.fixture
def add_track(session):
    """Insert a track with audio at a place; returns its id."""

    def add(uri):
        track_id = session.scalar(
            text("""INSERT INTO tracks (identity_key, artist, title, audio_uri)
                    VALUES (:uri, 'A', :uri, :uri) RETURNING id"""),
            {"uri": uri},
        )
        session.commit()
        return track_id

    return add


@pytest.fixture
def run(session, music):
    """Start a job over everything and do its items here; returns what became of the tracks."""

    def do(mode=Mode.CHANGED, track_ids=None):
        job_id, _ = start_analysis(session, get_settings().audio, mode=mode, track_ids=track_ids)
        session.commit()
        items = session.scalars(text("SELECT id FROM work_items WHERE job_id = :id ORDER BY id"), {"id": job_id}).all()
        session.rollback()
        for item_id in items:
            analyze.analyze.run(item_id)
            item = get_item(session, item_id)
            assert item["state"] == "done", item
            session.rollback()
        outcome = {name: n for name, n in sum_results(session, job_id).items() if n}
        session.rollback()
        return outcome

    return do


@pytest.fixture
def chosen(settings, tmp_path):
    """Settings in use under which models of users lie in a folder of the test."""
    own = with_storage(settings, tmp_path / "models")
    use_settings(own)
    return own


@pytest.fixture
def do_item(session):
    """Do the item of a job that is due, by a task in this process; returns the item as it is then."""

    def do(task, job_id):
        query = text("SELECT id FROM work_items WHERE job_id = :id AND state = 'queued'")
        item_id = session.scalar(query, {"id": job_id})
        session.commit()
        task.run(item_id)
        item = get_item(session, item_id)
        session.rollback()
        return item

    return do
