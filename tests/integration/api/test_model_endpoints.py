"""Train, promote and roll back over HTTP."""

import pytest
from fastapi.testclient import TestClient
from small_reference import write_table
from sqlalchemy import text

from api.app import create_app
from core.settings import EnrichSettings
from models.training_data import read_reference_table
from services.serving import ModelFolders
from services.training import train_global
from services.version_training import train_version
from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def api_settings(api_settings, tmp_path):
    """With folders of this test's own, and one version that ships."""
    shared = tmp_path / "shared"
    shared.mkdir()
    write_table(shared / "tracks.parquet")
    train_global("m1", shared / "tracks.parquet", tmp_path / "shipped", lambda done, total: None)
    update = {
        "shared_data_dir": shared,
        "models_dir": tmp_path / "versions",
        "artifacts_dir": tmp_path / "shipped",
        "enrich": EnrichSettings(predictor="m1"),
    }
    return api_settings.model_copy(update=update)


@pytest.fixture
def api(api_settings):
    return create_app(api_settings)


@pytest.fixture
def trained(session, api_settings, tmp_path):
    """Train versions of M1 and return their names."""

    def run(*seeds):
        versions = []
        for seed in seeds:
            table = read_reference_table(write_table(tmp_path / f"{seed}.parquet", seed=seed))
            version = train_version(
                session,
                "m1",
                table,
                ModelFolders.of(api_settings),
                tolerance=1.0,
                on_progress=lambda done, total: None,
            )
            versions.append(version.version)
        session.commit()
        return versions

    return run


def m1(client):
    [model] = [model for model in client.get("/api/models").json()["models"] if model["name"] == "m1"]
    return model


def test_a_training_is_one_job_while_it_lives(client, session):
    first = client.post("/api/models/m1/train")
    assert first.status_code == 202
    job = first.json()
    assert (job["kind"], job["params"], job["total"]) == ("train", {"predictor": "m1", "data": "tracks.parquet"}, 1)
    assert first.headers["location"] == job["links"]["job"]
    assert queue_depth(Queue.TRAIN) == 1
    second = client.post("/api/models/m1/train", json={"data": "tracks.parquet"})
    assert (second.status_code, second.json()["id"]) == (200, job["id"])
    payload = session.scalar(text("SELECT payload FROM work_items"))
    assert payload == {"targets": [0], "version": "m1", "data": "tracks.parquet", "job_id": job["id"]}


def test_versions_are_listed_promoted_and_rolled_back(client, trained):
    shipped = m1(client)["shipped"]
    assert m1(client)["serving"] == shipped
    first, second = trained(1, 2)
    model = m1(client)
    assert (model["serving"], [row["version"] for row in model["versions"]]) == (second, [second, first])
    assert [row["state"] for row in model["versions"]] == ["promoted", "retired"]
    promoted = client.post("/api/models/m1/promote", json={"version": first, "reason": "better by ear"})
    assert (promoted.status_code, promoted.json()["serving"]) == (200, first)
    assert promoted.json()["promotions"][-1]["reason"] == "By hand: better by ear."
    again = client.post("/api/models/m1/promote", json={"version": first})
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")
    served = [client.post("/api/models/m1/rollback").json()["serving"] for _ in range(3)]
    assert served == [second, first, shipped]
    last = client.post("/api/models/m1/rollback", json={"reason": "once more"})
    assert (last.status_code, last.json()["code"]) == (409, "wrong-state")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("m9/train", None, 404, "not-found"),
        ("m9/promote", {"version": "1"}, 404, "not-found"),
        ("m9/rollback", None, 404, "not-found"),
        ("m1/promote", {"version": "9-none"}, 404, "not-found"),
        ("m1/promote", {"version": "a\0b"}, 422, "invalid-request"),
        ("m1/promote", {"version": ""}, 422, "invalid-request"),
        ("m1/promote", None, 422, "invalid-request"),
        ("m1/promote", {"version": "1", "reasons": "x"}, 422, "invalid-request"),
        ("m1/rollback", {"reason": "x" * 501}, 422, "invalid-request"),
        ("m1/train", {"data": "/etc/passwd"}, 400, "invalid-option"),
        ("m1/train", {"data": "../shipped/m1/card.json"}, 400, "invalid-option"),
        ("m1/train", {"data": "none.parquet"}, 400, "file-not-found"),
        ("m1/train", {"data": "a\0b"}, 422, "invalid-request"),
        ("m1/train", {"data": 7}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_done_is_a_problem(client, session, path, body, status, code):
    response = client.post(f"/api/models/{path}", json=body)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 0


def test_half_characters_are_refused(client):
    body = b'{"version": "1", "reason": "\\ud800"}'
    response = client.post("/api/models/m1/promote", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


def test_writes_need_the_key(anonymous):
    for path in ("train", "promote", "rollback"):
        assert anonymous.post(f"/api/models/m1/{path}", json={"version": "1"}).status_code == 401
    assert anonymous.get("/api/models").status_code == 200


def test_without_a_folder_of_tables_nothing_can_be_trained(api_settings, client):
    bare = create_app(api_settings.model_copy(update={"shared_data_dir": None}))
    response = TestClient(bare, headers=client.headers).post("/api/models/m1/train")
    assert (response.status_code, response.json()["code"]) == (500, "invalid-settings")
    assert "MUSICSPACE_SHARED_DATA_DIR" in response.json()["detail"]


def test_outdated_tracks_are_enqueued_by_parameter(client, session, make_tracks):
    make_tracks(2)
    session.execute(text("UPDATE tracks SET feature_sources = jsonb_build_object('tempo', 'm2') WHERE id = 1"))
    session.commit()
    job = client.post("/api/enrich-all", params={"outdated": True})
    assert (job.status_code, job.json()["summary"]) == (202, {"outdated": 1, "enqueued": 1})
    assert client.post("/api/enrich-all", params={"outdated": True}).status_code == 200
    assert client.post("/api/enrich-all").json()["summary"]["lacking"] == 2
