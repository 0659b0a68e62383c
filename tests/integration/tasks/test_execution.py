"""One work item from claim to end: success, every class of error, a database that goes away."""

import numpy as np
import pytest
from sqlalchemy import text

from core.errors import ConfigurationError, NotNowError, PermanentError, RetryableError
from core.settings import get_settings
from core.work import WorkState
from db.binary_copy import copy_into, encode
from db.engine import open_session
from db.repositories.inspection import get_item, list_items
from db.repositories.jobs import cancel_job
from tasks.execution import run_work_item


@pytest.fixture
def item_id(session, make_job):
    return list_items(session, state=None, job_id=make_job([1]), limit=1)[0]["id"]


def run(item_id, settings, work):
    run_work_item(item_id, work, settings)


def raises(error):
    def work(session, payload):
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        raise error

    return work


def outcome(session, item_id):
    session.rollback()
    item = get_item(session, item_id)
    return item["state"], item["error_code"], [attempt["outcome"] for attempt in item["attempt_history"]]


def test_results_and_end_are_committed_together(session, item_id, settings):
    def work(own, payload):
        own.execute(text("INSERT INTO users (id) VALUES (:id)"), {"id": payload["targets"][0]})
        return {"enriched": 1}

    run(item_id, settings, work)
    assert outcome(session, item_id) == (WorkState.DONE, None, ["done"])
    assert session.scalar(text("SELECT count(*) FROM users")) == 1
    run(item_id, settings, raises(AssertionError("a second delivery must not run")))
    assert outcome(session, item_id) == (WorkState.DONE, None, ["done"])


@pytest.mark.parametrize(
    ("error", "state", "code", "attempt"),
    [
        (
            RetryableError("broker-unavailable", "soon", retry_after_s=60),
            WorkState.QUEUED,
            "broker-unavailable",
            "retry",
        ),
        (PermanentError("track-missing", "no such track"), WorkState.FAILED, "track-missing", "failed"),
        (ConfigurationError("artifact-missing", "train first"), WorkState.FAILED, "artifact-missing", "failed"),
        (ZeroDivisionError("a bug"), WorkState.FAILED, "unexpected", "failed"),
    ],
)
def test_an_error_is_recorded_by_its_class_and_leaves_no_half_result(
    session, item_id, settings, error, state, code, attempt
):
    run(item_id, settings, raises(error))
    assert outcome(session, item_id) == (state, code, [attempt])
    assert session.scalar(text("SELECT count(*) FROM users")) == 0


def test_waiting_for_a_provider_is_no_attempt(session, item_id, settings):
    once = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"max_attempts": 1})})
    for _ in range(3):
        session.execute(text("UPDATE work_items SET next_run_at = now()"))
        session.commit()
        run(item_id, once, raises(NotNowError("a limit", 30.0)))
        assert outcome(session, item_id) == (WorkState.QUEUED, "provider-not-now", [])
    row = session.execute(
        text("SELECT attempts, fence, next_run_at - clock_timestamp() AS wait, lease_until FROM work_items")
    ).one()
    assert (row.attempts, row.fence, row.lease_until) == (0, 3, None)
    assert 25 < row.wait.total_seconds() <= 30
    assert session.scalar(text("SELECT count(*) FROM users")) == 0


def test_work_that_is_not_needed_ends_well_when_retries_run_out(session, item_id, settings):
    once = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"max_attempts": 1})})

    def give_up(own, payload):
        own.execute(text("INSERT INTO users (id) VALUES (7)"))
        return {"unanswered": len(payload["targets"])}

    broken = raises(RetryableError("broker-unavailable", "soon"))
    assert run_work_item(item_id, broken, once, give_up=give_up)
    assert outcome(session, item_id) == (WorkState.DONE, None, ["done"])
    assert session.scalar(text("SELECT array_agg(id) FROM users")) == [7]


def test_giving_up_may_fail_like_any_work(session, item_id, settings):
    once = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"max_attempts": 1})})
    broken = raises(RetryableError("broker-unavailable", "soon"))
    give_up = raises(ConfigurationError("artifact-missing", "reinstall"))
    assert not run_work_item(item_id, broken, once, give_up=give_up)
    assert outcome(session, item_id) == (WorkState.FAILED, "artifact-missing", ["failed"])
    assert session.scalar(text("SELECT count(*) FROM users")) == 0


def test_a_bug_is_not_given_up_on(session, item_id, settings):
    once = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"max_attempts": 1})})
    assert not run_work_item(item_id, raises(ZeroDivisionError("a bug")), once, give_up=lambda *_: {})
    assert outcome(session, item_id) == (WorkState.FAILED, "unexpected", ["failed"])


def test_retries_run_out(session, item_id, settings):
    once = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"max_attempts": 2})})
    for _ in range(2):
        session.execute(text("UPDATE work_items SET next_run_at = now()"))
        session.commit()
        run(item_id, once, raises(RetryableError("broker-unavailable", "soon", retry_after_s=0)))
    assert outcome(session, item_id) == (WorkState.FAILED, "retries-exhausted", ["retry", "failed"])


def lose_connection_in_a_statement(own, payload):
    own.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    return {}


def lose_connection_in_a_copy(own, payload):
    own.execute(text("CREATE TEMPORARY TABLE stage (n bigint)"))
    pid = own.scalar(text("SELECT pg_backend_pid()"))
    with open_session(get_settings().required_database_url) as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    copy_into(own, "COPY stage FROM STDIN (FORMAT binary)", encode([np.arange(9)]))
    return {}


@pytest.mark.parametrize("work", [lose_connection_in_a_statement, lose_connection_in_a_copy])
def test_a_connection_lost_in_the_middle_becomes_a_retry(session, item_id, settings, work):
    run(item_id, settings, work)
    assert outcome(session, item_id) == (WorkState.QUEUED, "database-unavailable", ["retry"])


def test_work_cancelled_meanwhile_is_rolled_back(session, item_id, settings):
    def work(own, payload):
        own.execute(text("INSERT INTO users (id) VALUES (1)"))
        job_id = session.scalar(text("SELECT job_id FROM work_items WHERE id = :id"), {"id": item_id})
        cancel_job(session, job_id)
        session.commit()
        return {}

    run(item_id, settings, work)
    assert outcome(session, item_id) == (WorkState.CANCELLED, None, ["cancelled"])
    assert session.scalar(text("SELECT count(*) FROM users")) == 0


def test_a_long_work_keeps_its_lease(session, item_id, settings):
    def work(own, payload):
        own.execute(text("SELECT pg_sleep(1.5)"))
        seconds = session.scalar(
            text("SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM work_items WHERE id = :id"),
            {"id": item_id},
        )
        return {"left": float(seconds)}

    short = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"lease_seconds": 1.0})})
    run(item_id, short, work)
    session.rollback()
    item = get_item(session, item_id)
    assert item["state"] == WorkState.DONE
    assert item["result"]["left"] > 0
