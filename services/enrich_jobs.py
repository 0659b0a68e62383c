"""Start jobs that enrich many tracks of the library at once."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from core.settings import Settings
from core.sources import INFERRED, PREDICTORS
from core.work import JobKind, WorkKind
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.tracks import ids_inferred, ids_lacking_features, ids_outdated
from services.serving import ModelFolders, Serving, serving_version


class Scope(StrEnum):
    """Which tracks of the library are enriched."""

    LACKING = "lacking"  #: Those that lack a feature.
    OUTDATED = "outdated"  #: Those with a feature that another predictor, or an older version, inferred.
    INFERRED = "inferred"  #: Those with any inferred feature, for instance because a reference table was loaded.


def start_enrichment(session: Session, settings: Settings, scope: Scope) -> tuple[int, bool]:
    """Enqueue the tracks of a scope for the predictor in use.

    Returns `(job_id, created)`; a run of the same scope that is still live is returned instead.
    """
    predictor, chunk_size = settings.enrich.predictor, settings.enrich.chunk_size
    if scope is Scope.LACKING:
        return start_enrich_all(session, predictor=predictor, chunk_size=chunk_size)
    if scope is Scope.INFERRED:
        return start_enrich_inferred(session, predictor=predictor, chunk_size=chunk_size)
    serving = serving_version(session, predictor, ModelFolders.of(settings))
    return start_enrich_outdated(session, serving=serving, chunk_size=chunk_size)


def start_enrich_all(session: Session, *, predictor: str, chunk_size: int) -> tuple[int, bool]:
    """Enqueue every track that lacks a feature."""
    return _start(session, Scope.LACKING, predictor, chunk_size, ids_lacking_features, unique_key="all")


def start_enrich_inferred(session: Session, *, predictor: str, chunk_size: int) -> tuple[int, bool]:
    """Enqueue every track with an inferred feature."""
    return _start(session, Scope.INFERRED, predictor, chunk_size, lambda own: ids_inferred(own, INFERRED))


def start_enrich_outdated(session: Session, *, serving: Serving, chunk_size: int) -> tuple[int, bool]:
    """Enqueue every track with a feature inferred by another predictor or version than the one that serves.

    Tracks that lack a feature and have none inferred are left to `start_enrich_all`.
    """
    return _start(
        session,
        Scope.OUTDATED,
        serving.name,
        chunk_size,
        lambda own: ids_outdated(own, serving.name, serving.version, PREDICTORS),
        unique_key=f"outdated {serving.name} {serving.version}",
        params={"outdated_before": serving.version},
    )


def _start(
    session: Session,
    scope: Scope,
    predictor: str,
    chunk_size: int,
    find: Callable[[Session], list[int]],
    *,
    unique_key: str | None = None,
    params: dict[str, Any] | None = None,
) -> tuple[int, bool]:
    job_id, created = create_job(
        session,
        JobKind.ENRICH_ALL,
        params={"predictor": predictor} | (params or {}),
        unique_key=unique_key or str(scope),
    )
    if created:
        found = find(session)
        enqueued = enqueue_targets(session, job_id, WorkKind.ENRICH, found, version=predictor, chunk_size=chunk_size)
        seal_job(session, job_id, {str(scope): len(found), "enqueued": enqueued})
    return job_id, created
