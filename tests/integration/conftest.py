"""Helpers of the integration suite: tracks to work on and jobs that work on them."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.work import JobKind, WorkKind
from db.repositories.enqueue import create_job, enqueue_targets, seal_job

MakeTracks = Callable[[int], list[int]]
MakeJob = Callable[..., int]


@pytest.fixture
def make_tracks(session: Session) -> MakeTracks:
    """Insert n tracks with artist and title alone; returns their ids."""

    def make(n: int) -> list[int]:
        ids = session.scalars(
            text("""
                INSERT INTO tracks (identity_key, artist, title)
                SELECT 'artist ' || i || '|song', 'Artist ' || i, 'Song' FROM generate_series(1, :n) i RETURNING id
            """),
            {"n": n},
        ).all()
        session.commit()
        return list(ids)

    return make


@pytest.fixture
def make_job(session: Session) -> MakeJob:
    """Enqueue a job over targets, one stage after the other; returns its id."""

    def make(*stages: list[int], chunk_size: int = 1, version: str = "m1") -> int:
        job_id, _ = create_job(session, JobKind.ENRICH_ALL)
        for stage, targets in enumerate(stages):
            enqueue_targets(
                session,
                job_id,
                WorkKind.ENRICH,
                targets,
                version=f"{version}{stage or ''}",
                chunk_size=chunk_size,
                stage=stage,
            )
        seal_job(session, job_id, {})
        session.commit()
        return job_id

    return make
