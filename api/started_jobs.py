"""The answer of an endpoint that starts a job."""

from typing import Annotated

from fastapi import BackgroundTasks, Depends, Response

from api.dependencies import AppSettings, DatabaseSession
from api.schemas.jobs import Job
from services.job_control import get_job
from tasks.publishing import ring


class JobAnswer:
    """Commits what the endpoint did, has the work dispatched, and answers with the job."""

    def __init__(
        self, session: DatabaseSession, settings: AppSettings, background: BackgroundTasks, response: Response
    ) -> None:
        self._session = session
        self._settings = settings
        self._background = background
        self._response = response

    def __call__(self, job_id: int, created: bool) -> Job:
        """The job, with its address in `Location`; status 200 instead of 202 where it was live already."""
        job = Job.of(get_job(self._session, job_id))
        self._session.commit()
        if created:
            self._background.add_task(ring, self._settings)
        else:
            self._response.status_code = 200
        self._response.headers["Location"] = job.links.job
        return job


AnswerWithJob = Annotated[JobAnswer, Depends()]
