"""Follow a job to its end with a progress bar."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.console import progress_bar
from core.work import JobKind, WorkKind

if TYPE_CHECKING:
    from core.settings import Settings
    from db.repositories.jobs import JobProgress

POLL_S = 0.2

# What a worker must be able to do so that a job of each kind ends.
KINDS_OF_WORK = {
    JobKind.IMPORT: [WorkKind.ENRICH, WorkKind.PLAN_LOOK_UPS],
    JobKind.ENRICH_ALL: [WorkKind.ENRICH],
    JobKind.LOOK_UP: [WorkKind.LOOK_UP],
    JobKind.ANALYZE: [WorkKind.ANALYZE],
    JobKind.TRAIN: [WorkKind.TRAIN_GLOBAL],
    JobKind.INIT_MODELS: [WorkKind.ENRICH, WorkKind.TRAIN_USER],
    JobKind.TRAIN_MODEL: [WorkKind.TRAIN_USER, WorkKind.TRAIN_COMMUNITY],
    JobKind.FORGET_USER: [WorkKind.FORGET_USER],
}


def complete_job(
    settings: "Settings", job_id: int, *, quiet: bool = False, along: Sequence[JobKind] = ()
) -> "JobProgress":
    """Wait until the job has finished, with a worker of our own where no other is at work; returns its last state.

    Jobs of the kinds in `along` are worked on meanwhile. Ctrl-C leaves the job as it is; `musicspace job watch` goes on
    with it.
    """
    from cli.temporary_worker import worker_at_hand

    job = _look(settings, job_id)
    if job.finished_at is not None:
        return job
    kinds = [kind for of_job in (JobKind(job.kind), *along) for kind in KINDS_OF_WORK[of_job]]
    with worker_at_hand(settings, kinds) as worker, progress_bar(quiet=quiet) as progress:
        bar = progress.add_task(f"Job {job_id}", total=None, note="")
        while job.finished_at is None:
            progress.update(bar, completed=job.done, total=job.total, note=_note(job))
            worker.ensure()
            time.sleep(POLL_S)
            job = _look(settings, job_id)
        progress.update(bar, completed=job.done, total=job.total, note=_note(job))
    return job


def _look(settings: "Settings", job_id: int) -> "JobProgress":
    from db.engine import open_session
    from services.job_control import get_job

    with open_session(settings.required_database_url) as session:
        return get_job(session, job_id)


def _note(job: "JobProgress") -> str:
    errors = sum(job.errors.values())
    rate = f"{job.rate_per_s:,.0f} tracks/s" if job.rate_per_s and job.kind != JobKind.TRAIN else ""
    return f"{rate}  {errors} failed" if errors else rate
