"""The event stream of a job, over a real connection: news at once, an end, and no stream that outlives its reader."""

import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from running_api import running, wait_until
from sqlalchemy import text

from api.routes import job_events
from db.repositories import work_items
from db.repositories.inspection import list_items
from db.repositories.jobs import cancel_job


@pytest.fixture
def served(api):
    with running(api) as served:
        yield served


@contextmanager
def stream(served, job_id):
    """Parsed events of a stream; comments come as `(None, text)`."""
    with (
        httpx.Client(timeout=httpx.Timeout(10)) as client,
        client.stream("GET", f"{served.url}/api/jobs/{job_id}/events") as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        yield parsed(response.iter_lines())


def parsed(lines):
    event = None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, json.loads(value)
        elif line.startswith(":"):
            yield None, value


def finish_one(session, job_id):
    [item] = list_items(session, state="queued", job_id=job_id, limit=1)
    work_items.finish(session, work_items.claim(session, item["id"], "test:1", 60), {"enriched": 1})
    session.commit()


def test_progress_comes_at_once_on_every_change_and_with_an_end(served, session, make_job):
    job_id = make_job([1, 2])
    with stream(served, job_id) as events:
        started = time.monotonic()
        assert progress_of(next(events)) == ("progress", "queued", 0)
        assert time.monotonic() - started < 1
        finish_one(session, job_id)
        assert progress_of(next(events)) == ("progress", "running", 1)
        finish_one(session, job_id)
        rest = [progress_of(event) for event in events]
    assert rest[-2:] == [("progress", "done", 2), ("end", "done", 2)]


def progress_of(event):
    name, job = event
    return name, job["state"], job["done"]


def test_a_finished_job_is_told_and_ended(served, session, make_job):
    job_id = make_job([1])
    cancel_job(session, job_id)
    session.commit()
    with stream(served, job_id) as events:
        assert [progress_of(event) for event in events] == [("progress", "cancelled", 1), ("end", "cancelled", 1)]


def test_no_news_is_no_event_but_a_comment(served, make_job, monkeypatch):
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.7)
    with stream(served, make_job([1])) as events:
        assert next(events)[0] == "progress"
        assert [next(events)[0] for _ in range(3)] == [None] * 3


def test_it_reads_from_the_database_no_more_when_the_reader_has_gone(served, make_job, monkeypatch):
    reads = count_reads(monkeypatch)
    with stream(served, make_job([1])) as events:
        next(events)
        assert served.n_requests == 1
    wait_until(lambda: served.n_requests == 0, timeout_s=3)
    after = len(reads)
    time.sleep(3 * job_events.POLL_S)
    assert len(reads) == after


def count_reads(monkeypatch):
    reads = []
    read = job_events._read

    def counted(*args):
        reads.append(args)
        return read(*args)

    monkeypatch.setattr(job_events, "_read", counted)
    return reads


def test_many_readers_leave_room_for_other_requests(served, make_job):
    job_id = make_job([1])
    with httpx.Client(timeout=10, limits=httpx.Limits(max_connections=100)) as client:
        streams = [client.stream("GET", f"{served.url}/api/jobs/{job_id}/events") for _ in range(40)]
        for opened in streams:
            opened.__enter__()
        try:
            started = time.monotonic()
            assert client.get(f"{served.url}/api/jobs/{job_id}").status_code == 200
            assert time.monotonic() - started < 2
        finally:
            for opened in streams:
                opened.__exit__(None, None, None)
    wait_until(lambda: served.n_requests == 0, timeout_s=5)


def test_a_database_that_was_away_only_pauses_it(served, session, make_job, monkeypatch):
    job_id = make_job([1])
    monkeypatch.setattr(job_events, "OUTAGE_POLL_S", 0.1)
    with stream(served, job_id) as events:
        assert progress_of(next(events)) == ("progress", "queued", 0)
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :db"
            ),
            {"db": session.scalar(text("SELECT current_database()"))},
        )
        finish_one(session, job_id)
        assert list(events)[-1][0] == "end"


def test_a_job_that_is_deleted_closes_it_without_an_end(served, session, make_job):
    job_id = make_job([1])
    with stream(served, job_id) as events:
        assert next(events)[0] == "progress"
        session.execute(text("DELETE FROM jobs"))
        session.commit()
        assert list(events) == []


def test_stopping_the_server_closes_it_without_an_end(api, make_job):
    job_id = make_job([1])
    with running(api) as served, stream(served, job_id) as events:
        next(events)
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(events))
        reader.start()
        served.stop(within_s=3)
        reader.join(timeout=3)
        assert not reader.is_alive()
        assert seen == []
