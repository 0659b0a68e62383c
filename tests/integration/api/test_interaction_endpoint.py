"""Interactions over HTTP: what is taken, what is told, what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.personal_settings import RecommendSettings
from core.settings import Settings

EVENT = {"event_id": "e1", "user_id": 123, "kind": "play", "occurred_at": "2026-05-04T09:30:00+02:00"}


@pytest.fixture
def api_settings(api_settings: Settings) -> Settings:
    return api_settings.model_copy(update={"recommend": RecommendSettings(max_events=50)})


def test_events_are_kept_once_and_bad_ones_told(client, anonymous, make_tracks, session):
    a, b = make_tracks(2)
    events = [
        EVENT | {"track_id": a},
        EVENT | {"track_id": 10**12, "event_id": "e2"},
        EVENT | {"track_id": b, "event_id": "e3", "kind": "like"},
    ]
    assert anonymous.post("/api/interactions", json={"events": events}).status_code == 401
    response = client.post("/api/interactions", json={"events": events})
    assert response.status_code == 200
    told = response.json()
    assert (told["accepted"], told["duplicates"]) == (2, 0)
    assert [(each["index"], each["event_id"], each["reason"]) for each in told["rejected"]] == [
        (1, "e2", "unknown-track")
    ]
    again = client.post("/api/interactions", json={"events": events}).json()
    assert (again["accepted"], again["duplicates"], len(again["rejected"])) == (0, 2, 1)
    rows = session.execute(text("SELECT user_id, track_id, plays, liked, last_played_at FROM interactions ORDER BY 2"))
    assert rows.all() == [(123, a, 1, 0, datetime(2026, 5, 4, 7, 30, tzinfo=UTC)), (123, b, 0, 1, None)]


def test_a_track_may_be_named_by_its_spotify_id(client, make_tracks, session):
    [a] = make_tracks(1)
    session.execute(text("UPDATE tracks SET spotify_id = '4uLU6hMCjMI75M1A2tKUQC'"))
    session.commit()
    event = EVENT | {"spotify_id": "4uLU6hMCjMI75M1A2tKUQC"}
    assert client.post("/api/interactions", json={"events": [event]}).json()["accepted"] == 1
    assert session.scalar(text("SELECT track_id FROM interactions")) == a


FUTURE = (datetime.now(UTC) + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"occurred_at": "2026-05-04T09:30:00"}, "occurred_at", "timezone"),
        ({"occurred_at": FUTURE}, "occurred_at", "future"),
        ({"occurred_at": "1902-05-04T09:30:00Z"}, "occurred_at", "1970"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "1970"),
        ({"occurred_at": "yesterday"}, "occurred_at", "datetime"),
        ({"event_id": "x" * 201}, "event_id", "200 characters"),
        ({"event_id": ""}, "event_id", "1 character"),
        ({"event_id": "a\x00b"}, "event_id", "pattern"),
        ({"event_id": "곡"}, "event_id", "pattern"),
        ({"kind": "dance"}, "kind", "'play'"),
        ({"user_id": 0}, "user_id", "greater"),
        ({"user_id": 2**63}, "user_id", "less"),
        ({"track_id": None}, "0", "either by track_id or by spotify_id"),
        ({"spotify_id": "abc"}, "0", "either by track_id or by spotify_id"),
        ({"spotify_id": "a\x00", "track_id": None}, "spotify_id", "pattern"),
        ({"more": 1}, "more", "not permitted"),
    ],
)
def test_a_bad_event_names_its_place_and_nothing_is_kept(client, make_tracks, session, change, field, words):
    [a] = make_tracks(1)
    good = EVENT | {"track_id": a}
    response = client.post("/api/interactions", json={"events": [good | change, good | {"event_id": "e9"}]})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid-request")
    assert problem["errors"][0]["field"].startswith("body.events.0")
    assert problem["errors"][0]["field"].endswith(field)
    assert words in problem["detail"]
    assert session.scalar(text("SELECT count(*) FROM interaction_events")) == 0


def test_too_many_events_are_refused_with_the_setting(client, make_tracks):
    [a] = make_tracks(1)
    events = [EVENT | {"track_id": a, "event_id": str(number)} for number in range(51)]
    response = client.post("/api/interactions", json={"events": events})
    assert (response.status_code, response.json()["code"]) == (413, "file-too-large")
    assert "MUSICSPACE_RECOMMEND__MAX_EVENTS" in response.json()["detail"]
    assert client.post("/api/interactions", json={"events": []}).status_code == 422
