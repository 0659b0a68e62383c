"""Remove a user over HTTP, and read the receipt."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from core.settings import use_settings
from tasks import forget_user
from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def api_settings(api_settings, tmp_path):
    """With a folder of models of this test's own."""
    chosen = api_settings.model_copy(update={"models_dir": tmp_path})
    use_settings(chosen)
    return chosen


@pytest.fixture
def api(api_settings):
    return create_app(api_settings)


@pytest.fixture
def user(client):
    """A user with a playlist."""
    tracks = {"user_id": 7, "name": "Geheimnis", "tracks": [{"artist": "IU", "title": "Lilac"}]}
    assert client.post("/api/playlists/import", json=tracks).status_code == 202
    return 7


def work_off(session, job_id):
    item_id = session.scalar(text("SELECT id FROM work_items WHERE job_id = :id"), {"id": job_id})
    session.rollback()
    forget_user.forget_user.run(item_id)


def test_a_user_is_removed_by_a_job_with_a_receipt(client, session, user):
    answer = client.delete(f"/api/users/{user}")
    assert answer.status_code == 202
    job = answer.json()
    assert (job["kind"], job["user_id"], job["params"], job["total"]) == ("forget-user", None, {"user_id": 7}, 1)
    assert answer.headers["location"] == job["links"]["job"]
    assert queue_depth(Queue.MAINTENANCE) == 1
    waiting = client.get(f"/api/users/{user}/deletion").json()
    assert (waiting["job"]["id"], waiting["job"]["state"], waiting["receipt"]) == (job["id"], "queued", None)
    work_off(session, job["id"])
    done = client.get(f"/api/users/{user}/deletion").json()
    assert (done["job"]["state"], done["receipt"]["rows"]["playlists"]) == ("done", 1)
    assert done["receipt"]["cancelled_jobs"] == 1
    assert done["job"]["summary"] == client.get(job["links"]["job"]).json()["summary"]
    assert "Geheimnis" not in client.get("/api/jobs").text
    assert "Geheimnis" not in client.get("/api/work-items").text


def test_no_training_starts_while_a_user_is_removed(client, user):
    client.delete(f"/api/users/{user}")
    refused = client.post("/api/init-models", json={"user_id": user})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")


def test_asked_twice_it_is_the_same_job(client, user):
    first, second = client.delete(f"/api/users/{user}"), client.delete(f"/api/users/{user}")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]


def test_a_removed_user_is_unknown_until_they_come_back(client, session, user):
    work_off(session, client.delete(f"/api/users/{user}").json()["id"])
    gone = client.delete(f"/api/users/{user}")
    assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
    assert client.get(f"/api/users/{user}/deletion").status_code == 200, "the receipt stays"
    asked = client.post("/api/recommend", json={"user_id": user})
    assert (asked.status_code, asked.json()["code"]) == (404, "not-found")
    assert client.get(f"/api/users/{user}/models").status_code == 404
    again = {"user_id": user, "name": "Neu", "tracks": [{"artist": "IU", "title": "Lilac"}]}
    imported = client.post("/api/playlists/import", json=again).json()
    assert (imported["new_tracks"], imported["added_to_playlist"]) == (0, 1), "tracks are the library's"
    assert client.delete(f"/api/users/{user}").status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "99", 404, "not-found"),
        ("GET", "99/deletion", 404, "not-found"),
        ("DELETE", "x", 422, "invalid-request"),
        ("DELETE", "-1", 422, "invalid-request"),
        ("DELETE", str(2**63), 422, "invalid-request"),
    ],
)
def test_what_cannot_be_done_is_a_problem(client, method, path, status, code):
    answer = client.request(method, f"/api/users/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_removal_needs_the_key(anonymous: TestClient, client, user):
    assert anonymous.delete(f"/api/users/{user}").status_code == 401
    assert client.get(f"/api/users/{user}/deletion").status_code == 404
