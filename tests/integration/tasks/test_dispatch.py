"""The dispatcher against a real broker: every due item gets a message, a lost message comes back, none is doubled."""

import base64
import json
import time

import pytest
import redis
from celery import Celery
from sqlalchemy import text

from core.errors import RetryableError
from core.settings import LedgerSettings
from db.repositories import work_items
from db.repositories.inspection import list_items

# Modules, not tasks: pytest looks at every name of this file, and looking at a task makes Celery read its settings.
from tasks import maintenance, publishing
from tasks.app import app
from tasks.publishing import dispatch, queue_depth, ring
from tasks.queues import Queue


@pytest.fixture
def broker(settings, redis_url):
    """The test's broker; the application reads its URL from the settings on first use."""
    app.finalize()
    with redis.Redis.from_url(redis_url) as client:
        yield client


def item_ids_in(broker):
    ids = []
    for message in broker.lrange(str(Queue.ENRICH), 0, -1):
        body = json.loads(message)
        assert body["headers"]["task"] == "musicspace.enrich"
        (item_id,), kwargs, _ = json.loads(base64.b64decode(body["body"]))
        assert kwargs == {}, "a message carries the item's id and nothing else"
        ids.append(item_id)
    return sorted(ids)


def test_each_due_item_gets_one_message(session, make_job, broker, settings):
    job_id = make_job(list(range(1, 21)))
    assert (dispatch(settings).sent, dispatch(settings).sent) == (20, 0)
    assert item_ids_in(broker) == [item["id"] for item in list_items(session, state=None, job_id=job_id, limit=99)]


def test_the_window_bounds_the_queue(make_job, broker, settings):
    make_job(list(range(1, 21)))
    narrow = settings.model_copy(update={"ledger": LedgerSettings(window=5)})
    assert [dispatch(narrow).sent for _ in range(3)] == [5, 0, 0]
    assert queue_depth(Queue.ENRICH) == 5


def test_a_worker_may_ring_for_the_queue_alone_that_it_works_on(make_job, broker, settings):
    make_job(list(range(1, 21)))
    ring(settings, [Queue.PERSONAL])
    assert queue_depth(Queue.ENRICH) == 0
    ring(settings, [Queue.ENRICH])
    assert queue_depth(Queue.ENRICH) == 20


def test_messages_lost_by_the_broker_are_sent_again(make_job, broker, settings):
    make_job(list(range(1, 21)))
    dispatch(settings)
    broker.flushall()
    assert dispatch(settings).resent == 0, "they may still be on their way"
    time.sleep(settings.ledger.redispatch_seconds + 0.1)
    assert dispatch(settings).resent == 20
    assert queue_depth(Queue.ENRICH) == 20


def test_a_long_queue_is_not_filled_with_duplicates(make_job, broker, settings):
    make_job(list(range(1, 21)))
    dispatch(settings)
    time.sleep(settings.ledger.redispatch_seconds + 0.1)
    assert dispatch(settings).resent == 0
    for _ in range(3):
        broker.rpop(str(Queue.ENRICH))
    assert dispatch(settings).resent == 3
    assert queue_depth(Queue.ENRICH) == 20


def test_a_broker_that_is_away_costs_seconds_and_loses_nothing(
    session, make_job, broker, settings, tmp_path, monkeypatch
):
    job_id = make_job([1, 2, 3])
    away = Celery(broker=f"redis+socket://{tmp_path}/none.sock?virtual_host=0")
    away.conf.broker_transport_options = app.conf.broker_transport_options
    monkeypatch.setattr(publishing, "app", away)
    started = time.monotonic()
    with pytest.raises(RetryableError, match="broker does not answer"):
        dispatch(settings)
    ring(settings)
    maintenance.dispatch_due.run()
    assert time.monotonic() - started < 10
    assert session.scalar(text("SELECT count(*) FROM work_items WHERE dispatched_at IS NOT NULL")) == 0
    assert len(list_items(session, state=None, job_id=job_id, limit=9)) == 3


def test_the_task_recovers_lost_items_and_sends_them_again(session, make_job, broker, settings):
    job_id = make_job([1])
    item_id = list_items(session, state=None, job_id=job_id, limit=1)[0]["id"]
    assert work_items.claim(session, item_id, "test:1", 0.01) is not None
    session.commit()
    time.sleep(0.05)
    maintenance.dispatch_due.run()
    assert item_ids_in(broker) == [item_id]
    session.rollback()
    assert work_items.claim(session, item_id, "test:2", 60) is not None
