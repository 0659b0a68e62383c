"""POST /api/playlists/import: both content types, what is reported, what is refused."""

import json

import httpx
import pytest
from fastapi.testclient import TestClient
from running_api import KEY_HEADERS, running
from sqlalchemy import text

from api.app import create_app
from core.settings import ImportSettings
from services import importing
from services.playlists.reader import MAX_NAME_LENGTH
from tasks.publishing import queue_depth
from tasks.queues import Queue

URL = "/api/playlists/import"
CSV = "Track Name,Artist Name(s)\nFeeling Good,Nina Simone\n밤편지,아이유\n"


def post_file(client, content=CSV, filename="아침.csv", user_id="1", **fields):
    data = content.encode() if isinstance(content, str) else content
    return client.post(URL, files={"file": (filename, data)}, data={"user_id": user_id, **fields})


def post_tracks(client, tracks, user_id=1, name="Morning"):
    return client.post(URL, json={"user_id": user_id, "name": name, "tracks": tracks})


def count(session, table):
    session.rollback()
    return session.scalar(text(f"SELECT count(*) FROM {table}"))


def test_a_file_is_imported_and_its_enrichment_dispatched(client, session):
    response = post_file(client)
    assert response.status_code == 202, response.text
    accepted = response.json()
    assert (accepted["playlist"], accepted["new_tracks"], accepted["enqueued"]) == ("아침", 2, 2)
    assert response.headers["location"] == accepted["links"]["job"] == f"/api/jobs/{accepted['job_id']}"
    assert client.get(accepted["links"]["job"]).json()["summary"]["new_tracks"] == 2
    assert session.scalars(text("SELECT artist FROM tracks ORDER BY id")).all() == ["Nina Simone", "아이유"]
    assert queue_depth(Queue.ENRICH) == 1


def test_importing_it_again_adds_nothing(client, session):
    post_file(client)
    again = post_file(client).json()
    assert (again["new_tracks"], again["known_tracks"], again["added_to_playlist"]) == (0, 2, 0)
    assert (again["enqueued"], again["in_progress"], again["shared_jobs"]) == (0, 2, [1])
    assert count(session, "playlist_tracks") == 2


def test_a_given_name_wins_and_a_blank_one_does_not_count(client):
    assert post_file(client, name=" 밤 ").json()["playlist"] == "밤"
    assert post_file(client, name=" ").json()["playlist"] == "아침"


def test_a_family_of_emoji_is_a_name(client):
    assert post_file(client, name="👨‍👩‍👧").json()["playlist"] == "👨‍👩‍👧"


def test_the_longest_names_fit_the_index(client, session):
    widest = "".join(chr(0x20000 + i) for i in range(MAX_NAME_LENGTH))
    assert post_file(client, name=widest).status_code == 202
    named = json.dumps({"name": widest + "x" * 100, "tracks": [{"artist": "A", "title": "B"}]})
    assert post_file(client, named, "a.json").json()["playlist"] == widest[:-1] + "…"
    assert count(session, "playlists") == 2


def test_bad_rows_are_reported_with_line_and_reason(client, session):
    response = post_file(client, "artist,title\nIU,\nIU,Palette\nIU,Palette\n")
    accepted = response.json()
    assert (accepted["rows"], accepted["rejected"]) == (3, 2)
    assert accepted["rejects"] == {"blank-title": 1, "duplicate": 1}
    assert [(row["line"], row["reason"]) for row in accepted["rejected_rows"]] == [(2, "blank-title"), (4, "duplicate")]
    assert count(session, "tracks") == 1


def test_only_the_first_hundred_rejects_come_back(client):
    accepted = post_tracks(client, [{"artist": "IU", "title": "Palette"}, *[{}] * 150]).json()
    assert (accepted["rejected"], len(accepted["rejected_rows"])) == (150, 100)


def test_tracks_come_as_json(client, session):
    tracks = [{"artist": "아이유", "title": "밤편지", "energy": 0.25, "tempo": 118.0}, {"artist": "B", "title": "C"}]
    accepted = post_tracks(client, tracks, name="새벽").json()
    assert (accepted["playlist"], accepted["new_tracks"], accepted["measured"]) == ("새벽", 2, 1)
    assert session.scalar(text("SELECT name FROM playlists")) == "새벽"


@pytest.mark.parametrize(
    ("content", "filename", "status", "code"),
    [
        (b"", "a.csv", 400, "file-empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.csv", 400, "file-not-a-playlist"),
        (b"a,b\n1,2\n", "a.csv", 400, "file-not-a-playlist"),
        (b'{"tracks": [', "a.json", 400, "file-not-a-playlist"),
        (b"[" * 100_000, "a.json", 400, "file-not-a-playlist"),
        (b"artist,title\n,\nIU,\n", "a.csv", 422, "no-usable-rows"),
        (b"artist,title\n", "a.csv", 422, "no-usable-rows"),
    ],
)
def test_an_unusable_file_is_one_error_and_changes_nothing(client, session, content, filename, status, code):
    response = post_file(client, content, filename)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (count(session, "tracks"), count(session, "jobs")) == (0, 0)


def test_rejects_of_a_file_without_usable_rows_come_with_the_error(client):
    problem = post_file(client, "artist,title\nIU,\n").json()
    assert [(row["line"], row["reason"]) for row in problem["rejects"]] == [(2, "blank-title")]


def test_limits_on_rows_and_bytes(api_settings):
    small = api_settings.model_copy(update={"imports": ImportSettings(max_bytes=1000, max_rows=2)})
    client = TestClient(create_app(small), headers=KEY_HEADERS)
    too_many = post_tracks(client, [{"artist": "a", "title": str(n)} for n in range(3)])
    assert (too_many.status_code, too_many.json()["code"]) == (413, "file-too-large")
    assert "MUSICSPACE_IMPORTS__MAX_ROWS" in too_many.json()["detail"]
    too_large = post_file(client, "x" * 2000)
    assert (too_large.status_code, too_large.json()["code"]) == (413, "file-too-large")
    assert "MUSICSPACE_IMPORTS__MAX_BYTES" in too_large.json()["detail"]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_a_body_over_the_limit_is_cut_off_on_the_wire(api_settings, announced, content_type):
    small = api_settings.model_copy(update={"imports": ImportSettings(max_bytes=100_000)})
    form_start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = form_start + b"x" * 20_000_000
    with running(create_app(small)) as served:
        response = httpx.post(
            served.url + URL,
            content=body if announced else (body[at : at + 50_000] for at in range(0, len(body), 50_000)),
            headers={**KEY_HEADERS, "content-type": content_type},
        )
    assert (response.status_code, response.json()["code"]) == (413, "file-too-large")


def test_a_database_that_goes_away_is_a_503_and_imports_nothing(client, session, monkeypatch):
    real = importing.import_playlist

    def cut(own, *args, **kwargs):
        summary = real(own, *args, **kwargs)
        own.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return summary

    monkeypatch.setattr(importing, "import_playlist", cut)
    response = post_file(client)
    assert (response.status_code, response.json()["code"]) == (503, "database-unavailable")
    assert int(response.headers["retry-after"]) > 0
    assert (count(session, "tracks"), count(session, "jobs")) == (0, 0)
