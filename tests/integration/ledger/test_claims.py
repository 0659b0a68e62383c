"""Claim, lease, fence, finish: who may work on an item, and whose results count."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.work import JobState, WorkState
from db.engine import open_session
from db.repositories import work_items
from db.repositories.dispatch import quarantine_lost, requeue_lost
from db.repositories.inspection import get_item, list_items
from db.repositories.jobs import cancel_job, job_progress, replay_items, troubled_items
from db.repositories.work_items import Claim, StaleClaimError


def the_item(session: Session, job_id: int) -> int:
    return int(list_items(session, state=None, job_id=job_id, limit=1)[0]["id"])


def claim(session: Session, item_id: int, lease_s: float = 60) -> Claim:
    held = work_items.claim(session, item_id, "test:1", lease_s)
    session.commit()
    assert held is not None
    return held


def expire(session: Session, item_id: int) -> None:
    session.execute(text("UPDATE work_items SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": item_id})
    session.commit()


def state_of(session: Session, item_id: int) -> str:
    item = get_item(session, item_id)
    assert item is not None
    return str(item["state"])


def test_only_one_of_many_claimers_gets_the_item(session, make_job, database_url):
    item_id = the_item(session, make_job([1]))

    def try_claim(number: int) -> bool:
        with open_session(database_url) as own:
            held = work_items.claim(own, item_id, f"test:{number}", 60)
            own.commit()
            return held is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_claim, range(8))) == 1


def test_a_done_item_is_not_claimed_again(session, make_job):
    item_id = the_item(session, make_job([1]))
    work_items.finish(session, claim(session, item_id), {"enriched": 1})
    session.commit()
    assert work_items.claim(session, item_id, "test:2", 60) is None


def test_a_stale_worker_commits_nothing(session, make_job):
    item_id = the_item(session, make_job([1]))
    stale = claim(session, item_id)
    expire(session, item_id)
    assert requeue_lost(session, max_losses=3, limit=10) == 1
    session.commit()
    fresh = claim(session, item_id)
    assert fresh.fence == stale.fence + 1

    with pytest.raises(StaleClaimError):
        work_items.finish(session, stale, {})
    session.rollback()
    assert not work_items.extend_lease(session, stale, 60)
    work_items.finish(session, fresh, {})
    session.commit()
    history = get_item(session, item_id)["attempt_history"]
    assert [attempt["outcome"] for attempt in history] == ["lost", "done"]


def test_a_kept_lease_is_not_taken_away(session, make_job):
    item_id = the_item(session, make_job([1]))
    held = claim(session, item_id, lease_s=0.01)
    assert work_items.extend_lease(session, held, 60)
    session.commit()
    assert requeue_lost(session, max_losses=3, limit=10) == 0


def test_an_item_whose_worker_died_three_times_is_quarantined_and_can_be_replayed(session, make_job):
    job_id = make_job([1])
    item_id = the_item(session, job_id)
    for _ in range(3):
        claim(session, item_id)
        expire(session, item_id)
        requeue_lost(session, max_losses=3, limit=10)
        quarantine_lost(session, max_losses=3, limit=10)
        session.commit()
    assert state_of(session, item_id) == WorkState.QUARANTINED
    progress = job_progress(session, job_id)
    assert (progress.state, progress.errors) == (JobState.FAILED, {"worker-lost": 1})

    assert replay_items(session, job_id, [item_id]) == [item_id]
    session.commit()
    work_items.finish(session, claim(session, item_id), {})
    session.commit()
    assert job_progress(session, job_id).state == JobState.DONE


def test_an_item_waiting_for_its_retry_is_not_claimed_early(session, make_job):
    item_id = the_item(session, make_job([1]))
    work_items.retry_later(session, claim(session, item_id), 60, "database-unavailable", "gone")
    session.commit()
    assert work_items.claim(session, item_id, "test:1", 60) is None
    assert state_of(session, item_id) == WorkState.QUEUED


def test_cancel_sticks(session, make_job):
    job_id = make_job([1, 2, 3])
    running = claim(session, the_item(session, job_id))
    assert cancel_job(session, job_id) == 3
    session.commit()
    with pytest.raises(StaleClaimError):
        work_items.finish(session, running, {})
    session.rollback()
    with pytest.raises(StaleClaimError):
        work_items.retry_later(session, running, 0, "database-unavailable", "gone")
    session.rollback()
    for item in list_items(session, state=None, job_id=job_id, limit=10):
        assert item["state"] == WorkState.CANCELLED
        assert work_items.claim(session, item["id"], "test:1", 60) is None
    assert troubled_items(session, job_id) == []
    assert job_progress(session, job_id).state == JobState.CANCELLED


def test_cancel_and_finish_at_once_never_deadlock(session, make_job, database_url):
    job_id = make_job(list(range(1, 41)))
    held = [claim(session, item["id"]) for item in list_items(session, state=None, job_id=job_id, limit=40)]

    def finish(item: Claim) -> str:
        with open_session(database_url) as own:
            try:
                work_items.finish(own, item, {})
                own.commit()
            except StaleClaimError:
                return "stale"
            return "done"

    with ThreadPoolExecutor(9) as pool:
        outcomes = [pool.submit(finish, item) for item in held]
        with open_session(database_url) as own:
            cancelled = cancel_job(own, job_id)
            own.commit()
    ended = [outcome.result() for outcome in outcomes]
    assert ended.count("stale") == cancelled
    assert job_progress(session, job_id).finished_at is not None
