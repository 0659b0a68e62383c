"""Work items over HTTP: lists, one with its attempts, replay."""

import pytest

from db.repositories import work_items
from db.repositories.inspection import list_items
from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def failed_item(session, make_job):
    job_id = make_job([7, 8], chunk_size=2)
    [item] = list_items(session, state=None, job_id=job_id, limit=2)
    held = work_items.claim(session, item["id"], "test:1", 60)
    work_items.fail(session, held, "track-missing", "그런 곡이 없습니다")
    session.commit()
    return item["id"]


def test_items_are_listed_by_state_and_job(client, failed_item, make_job):
    waiting = make_job([1, 2, 3])
    failed = client.get("/api/work-items", params={"state": "failed"}).json()["work_items"]
    assert [item["id"] for item in failed] == [failed_item]
    of_job = client.get("/api/work-items", params={"job_id": waiting, "limit": 2}).json()
    assert [item["state"] for item in of_job["work_items"]] == ["queued", "queued"]
    rest = client.get("/api/work-items", params={"job_id": waiting, "after_id": of_job["next_after_id"]}).json()
    assert (len(rest["work_items"]), rest["next_after_id"]) == (1, None)
    assert client.get("/api/work-items", params={"state": "quarantined"}).json()["work_items"] == []


def test_an_item_shows_its_attempts(client, failed_item):
    item = client.get(f"/api/work-items/{failed_item}").json()
    assert item["payload"] == {"targets": [7, 8], "version": "m1"}
    assert item["error_message"] == "그런 곡이 없습니다"
    [attempt] = item["attempt_history"]
    assert (attempt["outcome"], attempt["error_code"], attempt["worker"]) == ("failed", "track-missing", "test:1")


def test_replay_queues_and_dispatches_it_once(client, failed_item):
    response = client.post(f"/api/work-items/{failed_item}/replay")
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert queue_depth(Queue.ENRICH) == 1
    again = client.post(f"/api/work-items/{failed_item}/replay")
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")


def test_replay_gives_way_to_other_work_on_the_same_tracks(client, failed_item, make_job):
    make_job([8])
    response = client.post(f"/api/work-items/{failed_item}/replay")
    assert (response.status_code, response.json()["code"]) == (409, "wrong-state")


def test_an_unknown_item_is_not_found(client):
    for response in (client.get("/api/work-items/5"), client.post("/api/work-items/5/replay")):
        assert (response.status_code, response.json()["code"]) == (404, "not-found")
