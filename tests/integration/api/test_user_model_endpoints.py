"""Models of users over HTTP: start trainings, see how they stand."""

import pytest
from sqlalchemy import text

from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def user(session, make_tracks):
    """User 123 with twelve tracks in a playlist, none with features."""
    session.execute(text("INSERT INTO users VALUES (123)"))
    playlist = session.scalar(text("INSERT INTO playlists (user_id, name) VALUES (123, 'a') RETURNING id"))
    session.execute(
        text("INSERT INTO playlist_tracks SELECT :p, t, t FROM unnest(CAST(:tracks AS bigint[])) t"),
        {"p": playlist, "tracks": make_tracks(12)},
    )
    session.commit()
    return 123


def test_init_models_starts_one_job(client, anonymous, user):
    assert anonymous.post("/api/init-models", json={"user_id": user}).status_code == 401
    first = client.post("/api/init-models", json={"user_id": user})
    job = first.json()
    assert first.status_code == 202
    assert first.headers["location"] == job["links"]["job"]
    assert (job["kind"], job["user_id"], job["summary"]["enqueued"]) == ("init-models", user, 12)
    assert job["items"] == {"queued": 2, "waiting": 3}
    assert queue_depth(Queue.ENRICH) == 2
    assert queue_depth(Queue.PERSONAL) == 0
    second = client.post("/api/init-models", json={"user_id": user})
    assert (second.status_code, second.json()["id"]) == (200, job["id"])


@pytest.mark.parametrize("kind", ["m1", "m2", "m3"])
def test_a_model_is_trained_by_one_job(client, user, kind):
    first = client.post(f"/api/{kind}/train", json={"user_id": user})
    assert (first.status_code, first.json()["kind"], first.json()["params"]) == (202, "train-model", {"model": kind})
    assert queue_depth(Queue.PERSONAL) == 1
    second = client.post(f"/api/{kind}/train", json={"user_id": user})
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    status = client.get(f"/api/{kind}/status/{user}").json()
    assert (status["kind"], status["state"], status["job_id"]) == (kind, "training", first.json()["id"])


def test_m3_of_nobody_is_what_users_have_in_common(client):
    first = client.post("/api/m3/train", json={})
    assert (first.status_code, first.json()["params"]) == (202, {"model": "m3", "of": "community"})
    assert queue_depth(Queue.TRAIN) == 1
    assert client.post("/api/m3/train", json={}).status_code == 200


def test_models_of_a_user_are_listed(client, session, user):
    session.execute(
        text("""
            INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes, metrics)
            VALUES (123, 'm1', 'v2', 'serving', 'm1/123/v2', '', 2048, '{"gate": {"auc": 0.8}}'),
                   (123, 'm1', 'v1', 'previous', 'm1/123/v1', '', 1024, '{}')
        """)
    )
    session.execute(text("INSERT INTO personalized_users (user_id) VALUES (123)"))
    session.commit()
    models = client.get("/api/users/123/models").json()
    assert models["user_id"] == 123
    m1, m2, m3 = models["models"]
    assert (m1["state"], m1["version"], m1["previous_version"], m1["size_bytes"]) == ("ready", "v2", "v1", 2048)
    assert m1["metrics"] == {"gate": {"auc": 0.8}}
    assert m1["trained_at"]
    assert (m2["state"], m2["version"], m3["state"]) == ("none", None, "none")
    session.execute(text("UPDATE personalized_users SET outdated_at = now()"))
    session.commit()
    assert client.get("/api/m1/status/123").json()["state"] == "outdated"
    assert client.get("/api/m2/status/123").json()["state"] == "none"


@pytest.mark.parametrize("path", ["/api/users/9/models", "/api/m1/status/9"])
def test_a_user_nobody_knows_has_no_models(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/api/init-models", "/api/m1/train", "/api/m2/train", "/api/m3/train"])
def test_a_user_nobody_knows_is_not_trained(client, session, path):
    response = client.post(path, json={"user_id": 9})
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 0


@pytest.mark.parametrize("user_id", [0, -1, "123", 1.5, None, 2**63, True])
def test_odd_users_are_refused(client, user_id):
    assert client.post("/api/init-models", json={"user_id": user_id}).status_code == 422


def test_odd_kinds_are_refused(client):
    assert client.get("/api/m4/status/123").status_code == 422
    assert client.get("/api/m1/status/0").status_code == 422
