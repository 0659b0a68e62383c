"""Alive and ready: each check really fails when its part does, and none takes long."""

import time

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from db.repositories import heartbeats
from tasks.queues import Queue

AT_WORK = {"dispatcher", *(f"worker:{queue}" for queue in Queue)}


@pytest.fixture
def workers(session):
    """A worker for each queue and the dispatcher, alive a moment ago."""
    for queue in Queue:
        heartbeats.beat(session, f"{queue}@test", [queue], 1)
    heartbeats.beat(session, heartbeats.DISPATCHER, [], 1)
    session.commit()


def ask(settings):
    started = time.monotonic()
    response = TestClient(create_app(settings)).get("/readyz")
    assert time.monotonic() - started < 4, "a load balancer does not wait"
    body = response.json()
    assert response.status_code == (200 if body["ready"] else 503)
    return {name for name, check in body["checks"].items() if not check["ok"]}, body["checks"]


def test_alive_asks_nobody(api_settings):
    nowhere = api_settings.model_copy(update={"database_url": "postgresql://u@127.0.0.1:1/x"})
    response = TestClient(create_app(nowhere)).get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_ready_when_everything_is(api_settings, workers):
    failed, checks = ask(api_settings)
    assert not failed
    assert set(checks) == {"postgres", "schema", "broker", *AT_WORK}
    assert checks["postgres"]["detail"].startswith("PostgreSQL")


def test_each_queue_needs_a_worker_with_a_fresh_heartbeat(api_settings, workers, session):
    session.execute(
        text("UPDATE worker_heartbeats SET beat_at = now() - make_interval(secs => :age) WHERE worker = 'enrich@test'"),
        {"age": api_settings.worker.dead_after_seconds + 1},
    )
    session.commit()
    assert ask(api_settings)[0] == {"worker:enrich"}


def test_the_dispatcher_must_have_run_lately(api_settings, workers, session):
    heartbeats.remove(session, heartbeats.DISPATCHER)
    session.commit()
    assert ask(api_settings)[0] == {"dispatcher"}


def test_a_broker_that_is_away(api_settings, workers, tmp_path):
    nowhere = api_settings.model_copy(update={"redis_url": f"unix://{tmp_path}/none.sock"})
    assert ask(nowhere)[0] == {"broker"}


def test_a_database_that_is_away(api_settings, tmp_path):
    nowhere = api_settings.model_copy(update={"database_url": f"postgresql://u@/x?host={tmp_path}"})
    failed, checks = ask(nowhere)
    assert failed == {"postgres", "schema", *AT_WORK}
    assert "does not answer" in checks["schema"]["detail"]


def test_a_database_without_our_schema(api_settings, empty_database_url):
    empty = api_settings.model_copy(update={"database_url": empty_database_url})
    failed, checks = ask(empty)
    assert failed == {"schema", *AT_WORK}
    assert "musicspace db upgrade" in checks["schema"]["detail"]


def test_a_database_that_hangs_takes_three_seconds_at_most(api_settings, workers, database_url):
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE worker_heartbeats IN ACCESS EXCLUSIVE MODE")
        failed, checks = ask(api_settings)
    assert failed == AT_WORK
    assert checks["worker:enrich"]["detail"] == "no answer within 3 s"
