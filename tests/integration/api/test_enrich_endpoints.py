"""Enrich everything, see how far it is, read a track."""

import numpy as np
import pytest
from sqlalchemy import text

from core.features import FEATURE_NAMES
from core.sources import Source
from db.repositories.estimates import Estimates
from services.enrichment import measured_estimates, store_estimates
from tasks.publishing import queue_depth
from tasks.queues import Queue


def test_one_run_at_a_time(client, make_tracks):
    make_tracks(25)
    first = client.post("/api/enrich-all")
    assert first.status_code == 202
    assert first.json()["summary"] == {"lacking": 25, "enqueued": 25}
    assert first.headers["location"] == first.json()["links"]["job"]
    assert queue_depth(Queue.ENRICH) == 3
    second = client.post("/api/enrich-all")
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])


def test_nothing_to_enrich_is_a_finished_job(client):
    assert client.post("/api/enrich-all").json()["state"] == "done"


def test_the_status_counts_tracks_and_work(client, make_tracks, session):
    track_ids = make_tracks(3)
    client.post("/api/enrich-all")
    store_estimates(session, Source.M1, "1.0", np.array(track_ids[:1]), guesses(1))
    session.commit()
    status = client.get("/api/enrich-status").json()
    assert (status["tracks"], status["complete"], status["lacking"], status["waiting"]) == (3, 1, 2, 3)
    assert status["estimates_by_source"] == {"m1": 1}
    assert (status["failed"], status["rate_per_s"], status["eta_s"]) == (0, None, None)


def guesses(n):
    values = np.full((n, 9), 0.123456, np.float32)
    values[:, FEATURE_NAMES.index("tempo")] = 118.0449
    return Estimates(values, np.full((n, 9), 0.2512, np.float32), np.full(n, 0.71234, np.float32))


@pytest.fixture
def track_id(make_tracks, session):
    """A track with a measured energy and guesses for the rest."""
    [track_id] = make_tracks(1)
    ids = np.array([track_id])
    store_estimates(session, Source.M1, "1.0", ids, guesses(1))
    store_estimates(session, Source.IMPORT, None, ids, measured_estimates([{"energy": 0.9}]))
    session.commit()
    return track_id


def test_a_track_shows_where_each_feature_came_from(client, track_id):
    track = client.get(f"/api/tracks/{track_id}").json()
    assert (track["artist"], track["title"], track["genres"]) == ("Artist 1", "Song", [])
    assert tuple(track["features"]) == FEATURE_NAMES
    tempo, energy = track["features"]["tempo"], track["features"]["energy"]
    assert tempo.pop("updated_at")
    assert tempo == {
        "value": 118.0,
        "unit": "BPM",
        "source": "m1",
        "uncertainty": 0.3,
        "interval": [117.8, 118.3],
        "confidence": 0.712,
        "model_version": "1.0",
        "route": None,
    }
    assert (energy["value"], energy["source"], energy["confidence"]) == (0.9, "import", 1.0)
    assert (energy["uncertainty"], energy["interval"]) == (None, None)
    assert (energy["model_version"], energy["unit"]) == (None, None)
    assert track["features"]["valence"]["value"] == 0.123
    assert track["features"]["valence"]["interval"] == [0.0, 0.375], "an interval ends where the range ends"


def test_a_track_nobody_knows_has_features_without_values(client, make_tracks):
    [track_id] = make_tracks(1)
    features = client.get(f"/api/tracks/{track_id}").json()["features"]
    assert features["loudness"] == {
        "value": None,
        "unit": "dB",
        "source": None,
        "uncertainty": None,
        "interval": None,
        "confidence": None,
        "model_version": None,
        "updated_at": None,
        "route": None,
    }


def test_a_track_shows_its_metadata_and_how_complete_it_is(client, session, make_tracks):
    [track_id] = make_tracks(1)
    metadata = (
        "genres = '{pop,rock}', moods = '{calm}', duration_ms = 200000, track_number = 4, album_total_tracks = 12"
    )
    session.execute(text(f"UPDATE tracks SET {metadata}"))
    session.commit()
    track = client.get(f"/api/tracks/{track_id}").json()
    assert (track["moods"], track["track_number"], track["album_total_tracks"]) == (["calm"], 4, 12)
    assert track["metadata_completeness"] == 0.657


def test_text_of_every_script_comes_back_as_it_was(client, session, track_id):
    session.execute(text("UPDATE tracks SET artist = '볼빨간사춘기', title = 'Lời ru 🎶 \u200d', genres = '{인디}'"))
    session.commit()
    track = client.get(f"/api/tracks/{track_id}").json()
    assert (track["artist"], track["title"], track["genres"]) == ("볼빨간사춘기", "Lời ru 🎶 \u200d", ["인디"])


def test_an_unknown_track_is_not_found(client):
    response = client.get("/api/tracks/1")
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
