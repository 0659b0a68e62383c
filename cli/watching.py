"""Follow a job to its end with a progress bar."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.console import progress_bar

if TYPE_CHECKING:
    from core.settings import Settings
    from db.repositories.jobs import JobProgress

POLL_S = 0.2


def follow_job(settings: "Settings", job_id: int, *, quiet: bool = False) -> "JobProgress":
    """Wait until the job has finished and return its last state. Ctrl-C leaves the job as it is."""
    from db.engine import open_session
    from services.job_control import get_job

    def look() -> "JobProgress":
        with open_session(settings.required_database_url) as session:
            return get_job(session, job_id)

    with progress_bar(quiet=quiet) as progress:
        bar = progress.add_task(f"Job {job_id}", total=None, note="")
        return _follow(look, lambda job: progress.update(bar, completed=job.done, total=job.total, note=_note(job)))


def _follow(look: "Callable[[], JobProgress]", show: "Callable[[JobProgress], None]") -> "JobProgress":
    while True:
        job = look()
        show(job)
        if job.finished_at is not None:
            return job
        time.sleep(POLL_S)


def _note(job: "JobProgress") -> str:
    errors = sum(job.errors.values())
    rate = f"{job.rate_per_s:,.0f} tracks/s" if job.rate_per_s else ""
    return f"{rate}  {errors} failed" if errors else rate
