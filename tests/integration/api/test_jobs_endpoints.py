"""Jobs over HTTP: pages, progress, cancel, retry, and who may do it."""

import pytest
from sqlalchemy import text

from db.repositories import work_items
from db.repositories.inspection import list_items
from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def failed_job(session, make_job):
    """A job of two items: one done, one failed."""
    job_id = make_job([1, 2])
    first, second = (item["id"] for item in list_items(session, state=None, job_id=job_id, limit=2))
    work_items.finish(session, work_items.claim(session, first, "test:1", 60), {"enriched": 1})
    work_items.fail(session, work_items.claim(session, second, "test:1", 60), "track-missing", "no such track")
    session.commit()
    return job_id


def test_pages_go_from_the_newest_to_the_oldest(client, make_job):
    ids = [make_job([n]) for n in range(1, 4)]
    first = client.get("/api/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in first["jobs"]] == [ids[2], ids[1]]
    second = client.get("/api/jobs", params={"limit": 2, "before_id": first["next_before_id"]}).json()
    assert [job["id"] for job in second["jobs"]] == [ids[0]]
    assert second["next_before_id"] is None


def test_a_job_shows_its_progress(client, failed_job):
    job = client.get(f"/api/jobs/{failed_job}").json()
    assert job["state"] == "failed"
    assert (job["total"], job["done"]) == (2, 2)
    assert job["items"] == job["targets"] == {"done": 1, "failed": 1}
    assert job["errors"] == {"track-missing": 1}
    assert job["rate_per_s"] > 0
    assert job["eta_s"] is None
    assert job["links"] == {"job": f"/api/jobs/{failed_job}", "events": f"/api/jobs/{failed_job}/events"}


def test_cancel_ends_what_is_live_and_only_once(client, session, make_job):
    job_id = make_job([1, 2, 3])
    answer = client.post(f"/api/jobs/{job_id}/cancel").json()
    assert (answer["cancelled"], answer["job"]["state"]) == (3, "cancelled")
    again = client.post(f"/api/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")
    assert session.scalar(text("SELECT count(*) FROM work_items WHERE state = 'cancelled'")) == 3


def test_retry_queues_what_failed_and_dispatches_it(client, failed_job):
    response = client.post(f"/api/jobs/{failed_job}/retry")
    assert response.status_code == 202
    assert (response.json()["retried"], response.json()["job"]["state"]) == (1, "running")
    assert queue_depth(Queue.ENRICH) == 1
    again = client.post(f"/api/jobs/{failed_job}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")


@pytest.mark.parametrize("path", ["/api/jobs/{}", "/api/jobs/{}/events"])
def test_an_unknown_job_is_not_found(client, path):
    response = client.get(path.format(2**63 - 1))
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


def test_reads_are_open(anonymous, make_job):
    assert anonymous.get(f"/api/jobs/{make_job([1])}").status_code == 200
