"""Audio over the API: jobs that listen, descriptors, errors, counts."""

import json

import pytest
from fastapi.testclient import TestClient
from running_api import KEY_HEADERS
from sqlalchemy import text

from api.app import create_app
from api.schemas.audio import _DESCRIPTION_EXAMPLE
from core.audio_settings import AudioSettings


@pytest.fixture
def audio_client(api_settings, tmp_path):
    audio = AudioSettings(roots=[tmp_path])
    return TestClient(create_app(api_settings.model_copy(update={"audio": audio})), headers=KEY_HEADERS)


@pytest.fixture
def track_ids(make_tracks, session):
    """Three tracks: one analyzed, one whose file is bad, one that nobody listened to yet; a fourth has no audio."""
    ids = make_tracks(4)
    session.execute(text("UPDATE tracks SET audio_uri = id || '.mp3' WHERE id <> :last"), {"last": ids[3]})
    session.execute(
        text("""
            INSERT INTO audio_descriptors (track_id, uri, version, error_code, error_message, description, profiles)
            VALUES (:good, :good || '.mp3', '1', NULL, NULL, CAST(:description AS jsonb), ''),
                   (:bad, :bad || '.mp3', '1', 'audio-corrupt', 'It breaks off.', NULL, NULL)
        """),
        {"good": ids[0], "bad": ids[1], "description": json.dumps(_DESCRIPTION_EXAMPLE)},
    )
    session.execute(text("INSERT INTO embeddings VALUES (:id, 'dsp-1', 'full', '')"), {"id": ids[0]})
    session.commit()
    return ids


def test_without_roots_the_setting_is_named(client):
    response = client.post("/api/audio/analyze", json={})
    assert (response.status_code, response.json()["code"]) == (409, "audio-disabled")
    assert "MUSICSPACE_AUDIO__ROOTS" in response.json()["detail"]


def test_a_run_over_everything_is_started_once(audio_client, session, track_ids):
    started = audio_client.post("/api/audio/analyze", json={})
    assert (started.status_code, started.json()["kind"], started.json()["total"]) == (202, "analyze", 3)
    again = audio_client.post("/api/audio/analyze", json={})
    assert (again.status_code, again.json()["id"]) == (200, started.json()["id"])
    chosen = audio_client.post("/api/audio/analyze", json={"track_ids": [track_ids[1]], "mode": "retry-failed"})
    assert (chosen.status_code, chosen.json()["total"]) == (202, 1)
    assert chosen.headers["Location"] == chosen.json()["links"]["job"]


@pytest.mark.parametrize(
    "body", [{"mode": "some"}, {"track_ids": []}, {"track_ids": [0]}, {"tracks": [1]}, {"track_ids": ["x"]}]
)
def test_odd_requests_are_refused(audio_client, body):
    assert audio_client.post("/api/audio/analyze", json=body).status_code == 422


def test_only_holders_of_the_key_start_work(anonymous):
    assert anonymous.post("/api/audio/analyze", json={}).status_code == 401


def test_a_track_shows_its_descriptors_or_its_error(client, track_ids):
    good, bad, new, silent = (client.get(f"/api/tracks/{track_id}/audio") for track_id in track_ids)
    assert good.status_code == 200
    assert (good.json()["state"], good.json()["spaces"]) == ("analyzed", ["dsp-1"])
    assert good.json()["description"]["tempo"]["bpm"] == 128.02
    shown = bad.json()
    assert (shown["state"], shown["error_code"], shown["description"]) == ("failed", "audio-corrupt", None)
    for response in (new, silent):
        assert (response.status_code, response.json()["code"]) == (409, "audio-not-analyzed")
    assert client.get("/api/tracks/999999/audio").json()["code"] == "not-found"


def test_the_status_counts_each_track_with_audio_once(client, session, track_ids):
    status = client.get("/api/audio/status").json()
    assert status == {
        "tracks": 3,
        "analyzed": 1,
        "failed": 1,
        "lacking": 1,
        "failed_by_code": {"audio-corrupt": 1},
        "embedded_by_space": {"dsp-1": 1},
        "waiting": 0,
        "rate_per_s": None,
    }
    session.execute(text("UPDATE tracks SET audio_uri = 'moved.mp3' WHERE audio_uri IS NOT NULL"))
    session.commit()
    status = client.get("/api/audio/status").json()
    assert (status["tracks"], status["lacking"], status["failed_by_code"]) == (3, 3, {})
