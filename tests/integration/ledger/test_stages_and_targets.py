"""Stages are released by whoever ends the last item before them; a target is never under the same live work twice."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from core.work import JobKind, JobState, WorkKind, WorkState
from db.engine import open_session
from db.repositories import work_items
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.inspection import list_items
from db.repositories.jobs import job_progress


def finish(session, item_id):
    held = work_items.claim(session, item_id, "test:1", 60)
    assert held is not None
    work_items.finish(session, held, {})
    session.commit()


def states(session, job_id):
    return [(item["stage"], item["state"]) for item in list_items(session, state=None, job_id=job_id, limit=99)]


def test_a_stage_waits_for_the_one_before_it(session, make_job):
    job_id = make_job([1, 2], [1, 2])
    items = [item["id"] for item in list_items(session, state=None, job_id=job_id, limit=9)]
    finish(session, items[0])
    assert states(session, job_id)[2:] == [(1, WorkState.WAITING)] * 2
    finish(session, items[1])
    assert states(session, job_id)[2:] == [(1, WorkState.QUEUED)] * 2
    finish(session, items[2])
    assert job_progress(session, job_id).state == JobState.RUNNING
    finish(session, items[3])
    assert job_progress(session, job_id).state == JobState.DONE


def test_a_failed_item_does_not_hold_the_next_stage_back(session, make_job):
    job_id = make_job([1], [1])
    first, second = (item["id"] for item in list_items(session, state=None, job_id=job_id, limit=9))
    held = work_items.claim(session, first, "test:1", 60)
    work_items.fail(session, held, "track-missing", "gone")
    session.commit()
    finish(session, second)
    assert job_progress(session, job_id).state == JobState.FAILED


def test_the_last_two_items_of_a_stage_ending_at_once_release_it(session, make_job, database_url):
    for attempt in range(5):
        job_id = make_job([1, 2], [1], version=f"v{attempt}-")
        items = [item["id"] for item in list_items(session, state=WorkState.QUEUED, job_id=job_id, limit=9)]

        def end(item_id):
            with open_session(database_url) as own:
                finish(own, item_id)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(end, items))
        assert states(session, job_id)[2] == (1, WorkState.QUEUED)
        session.commit()


def test_targets_under_live_work_are_left_out(session, make_job):
    first, second = make_job([1, 2, 3]), make_job([2, 3, 4])
    assert job_progress(session, first).total == 3
    assert job_progress(session, second).total == 1
    assert job_progress(session, make_job([1, 2, 3, 4])).state == JobState.DONE
    for item in list_items(session, state=None, job_id=first, limit=9):
        finish(session, item["id"])
    assert job_progress(session, make_job([1, 2, 3, 4])).total == 3


def test_two_enqueuers_at_once_share_no_target(session, database_url):
    def enqueue(_):
        with open_session(database_url) as own:
            job_id, _ = create_job(own, JobKind.ENRICH_ALL)
            n = enqueue_targets(own, job_id, WorkKind.ENRICH, range(500), version="m1", chunk_size=7)
            seal_job(own, job_id, {})
            own.commit()
            return n

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(enqueue, range(4))) == 500
    assert session.execute(text("SELECT sum(size), count(*) FROM work_items")).one() == (500, 72)


def test_a_unique_job_is_returned_while_it_lives(session):
    job_id, created = create_job(session, JobKind.ENRICH_ALL, unique_key="all")
    assert created
    assert create_job(session, JobKind.ENRICH_ALL, unique_key="all") == (job_id, False)
    seal_job(session, job_id, {})
    assert create_job(session, JobKind.ENRICH_ALL, unique_key="all")[1]
