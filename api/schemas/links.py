"""Where to go on."""

from typing import Self

from pydantic import BaseModel, Field


class JobLinks(BaseModel):
    """Paths of a job."""

    job: str = Field(description="The job and its progress.")
    events: str = Field(description="Its progress as server-sent events.")

    @classmethod
    def of(cls, job_id: int) -> Self:
        """The paths of one job."""
        return cls(job=f"/api/jobs/{job_id}", events=f"/api/jobs/{job_id}/events")
