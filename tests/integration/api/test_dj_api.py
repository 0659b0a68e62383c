"""The DJ over HTTP: recommendations and sets over analyzed tracks, and feedback."""

import pytest
from sqlalchemy import text
from stored_audio import SPACE, store_analyses

N = 25


@pytest.fixture
def library(session, make_tracks):
    """Analyzed tracks, and one that is not."""
    ids = make_tracks(N + 1)
    store_analyses(session, ids[:N])
    return ids


@pytest.fixture
def playlist(session, library):
    """A playlist of five tracks."""
    session.execute(text("INSERT INTO users (id) VALUES (7)"))
    playlist_id = session.scalar(text("INSERT INTO playlists (user_id, name) VALUES (7, '내 목록') RETURNING id"))
    for position, track_id in enumerate(library[:5]):
        session.execute(
            text("INSERT INTO playlist_tracks VALUES (:playlist, :track, :position)"),
            {"playlist": playlist_id, "track": track_id, "position": position},
        )
    session.commit()
    return playlist_id


def recommend(client, **body):
    return client.post("/api/dj/recommend", json=body)


def test_recommendations_hold_names_and_terms_and_need_no_key(anonymous, library):
    response = recommend(anonymous, current_track_id=library[0], goal="up", top_k=5)
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["space"], found["tracks"]) == (SPACE, N)
    assert len(found["suggestions"]) == 5
    scores = [each["score"] for each in found["suggestions"]]
    assert scores == sorted(scores, reverse=True)
    for each in found["suggestions"]:
        assert each["track_id"] in library[1:N]
        assert (each["artist"], each["title"]) == (f"Artist {library.index(each['track_id']) + 1}", "Song")
        assert each["terms"].keys() == each["weights"].keys()
        assert each["transition"] is None


def test_history_candidates_and_simulation(client, library):
    everything = recommend(client, current_track_id=library[0], top_k=100).json()["suggestions"]
    assert len(everything) == N - 1
    played = [each["track_id"] for each in everything[:3]]
    rest = recommend(client, current_track_id=library[0], top_k=100, history=played, simulate=2, candidate_k=50).json()
    assert {each["track_id"] for each in rest["suggestions"]} == {each["track_id"] for each in everything[3:]}
    assert sum(each["transition"] is not None for each in rest["suggestions"]) == 2


def test_a_playlist_is_a_crate(client, library, playlist):
    found = recommend(client, current_track_id=library[10], playlist_id=playlist, top_k=10).json()
    assert {each["track_id"] for each in found["suggestions"]} == set(library[:5])
    planned = client.post("/api/dj/session", json={"minutes": 10, "playlist_id": playlist}).json()
    assert {each["track_id"] for each in planned["tracks"]} <= set(library[:5])


def test_a_set_follows_its_arc(anonymous, library):
    body = {"minutes": 20, "arc": "build-peak-release", "start_track_id": library[3]}
    planned = anonymous.post("/api/dj/session", json=body).json()
    ids = [each["track_id"] for each in planned["tracks"]]
    assert ids[0] == library[3]
    assert len(set(ids)) == len(ids) > 2
    assert planned["tracks"][0]["suggestion"] is None
    assert planned["tracks"][1]["suggestion"]["terms"]
    assert planned["seconds"] == pytest.approx(1200, rel=0.25)
    assert anonymous.post("/api/dj/session", json=body).json() == planned


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current_track_id": 10**9}, 404, "not-found"),
        ({"current_track_id": "last"}, 409, "audio-not-analyzed"),
        ({"current_track_id": "first", "playlist_id": 10**9}, 404, "not-found"),
        ({"current_track_id": "first", "goal": "sideways"}, 422, "invalid-request"),
        ({"current_track_id": 0}, 422, "invalid-request"),
        ({"current_track_id": 2**63}, 422, "invalid-request"),
        ({"current_track_id": "first", "history": [1] * 1001}, 422, "invalid-request"),
        ({"current_track_id": "first", "candidates": 5}, 422, "invalid-request"),
        ({"current_track_id": "first", "bpm_tolerance": "NaN"}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_recommended_is_told(client, library, body, status, code):
    places = {"first": library[0], "last": library[-1]}
    response = recommend(
        client, **(body | {"current_track_id": places.get(body["current_track_id"], body["current_track_id"])})
    )
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_without_any_analysis(client, make_tracks):
    (track_id,) = make_tracks(1)
    assert recommend(client, current_track_id=track_id).json()["code"] == "audio-not-analyzed"
    assert client.post("/api/dj/session", json={}).json()["code"] == "audio-not-analyzed"


def test_feedback_is_a_write_and_stored_once(client, anonymous, library, session):
    events = [
        {
            "event_id": f"e{number}",
            "current_track_id": library[0],
            "next_track_id": library[number],
            "action": "like",
            "terms": {"key": 0.5},
        }
        for number in (1, 2)
    ]
    assert anonymous.post("/api/dj/feedback", json={"events": events}).status_code == 401
    assert client.post("/api/dj/feedback", json={"events": events}).json() == {
        "stored": 2,
        "known": 0,
        "unknown_tracks": [],
    }
    unknown = events[0] | {"event_id": "e3", "next_track_id": 10**9}
    told = client.post("/api/dj/feedback", json={"events": [*events, unknown]}).json()
    assert told == {"stored": 0, "known": 2, "unknown_tracks": ["e3"]}
    assert session.execute(text("SELECT event_id, action, goal FROM dj_feedback ORDER BY 1")).all() == [
        ("e1", "like", "maintain"),
        ("e2", "like", "maintain"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "dance"},
        {"event_id": ""},
        {"event_id": "a\x00b"},
        {"terms": {"key": 2}},
        {"terms": {"$x": 0.5}},
        {"played_seconds": -1},
        {"more": 1},
    ],
)
def test_odd_events_are_refused(client, library, session, change):
    event = {"event_id": "e", "current_track_id": library[0], "next_track_id": library[1], "action": "play"}
    assert client.post("/api/dj/feedback", json={"events": [event | change]}).status_code == 422
    assert session.scalar(text("SELECT count(*) FROM dj_feedback")) == 0
