"""Enrich tracks: predict what is missing, keep the estimate, resolve it into the track."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from core.settings import Settings
from core.sources import INFERRED, Source
from core.work import JobKind, WorkKind
from db.repositories import estimates as estimate_rows
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.estimates import Estimates, Ids
from db.repositories.tracks import ids_lacking_features, ids_outdated, load_batch
from models.predictors.protocol import FeaturePredictor
from services.resolution import resolve
from services.serving import ModelFolders, Serving, serving_version


@dataclass(frozen=True, slots=True)
class EnrichSummary:
    """What became of a chunk; the counts add up to the chunk's size."""

    enriched: int
    missing: int  #: tracks that no longer exist


def enrich_tracks(
    session: Session, track_ids: list[int], predictor: FeaturePredictor, *, preferred: str | None = None
) -> EnrichSummary:
    """Predict the nine features of the tracks at once and write estimates and resolved values in bulk.

    Measured and looked-up values stay what they are. Running it twice leaves the same values. `preferred` names the
    predictor in use, whose estimates go before those of others; by default it is the one that predicts here.

    Raises
    ------
    PermanentError
        `track-missing`: all of the tracks are gone.
    """
    batch = load_batch(session, track_ids)
    if not len(batch):
        raise PermanentError("track-missing", f"None of the {len(track_ids)} tracks exists any more.")
    prediction = predictor.predict(batch)
    estimates = Estimates(prediction.values, prediction.uncertainty, prediction.confidence)
    written = store_estimates(
        session,
        Source(predictor.name),
        predictor.version,
        _ids(batch.track_id),
        estimates,
        preferred=preferred or predictor.name,
    )
    return EnrichSummary(enriched=written, missing=len(track_ids) - written)


def store_estimates(
    session: Session,
    source: Source,
    version: str | None,
    track_ids: Ids,
    estimates: Estimates,
    *,
    preferred: str | None = None,
) -> int:
    """Write what a source says about tracks (ids sorted) and resolve them; returns how many of them still exist.

    `preferred` names the predictor in use, see `services.resolution`.
    """
    present = estimate_rows.lock_tracks(session, track_ids)
    if not len(present):
        return 0
    kept = np.isin(track_ids, present)
    estimates = Estimates(estimates.values[kept], estimates.uncertainty[kept], estimates.confidence[kept])
    estimate_rows.write_estimates(session, source, version, present, estimates)
    others = estimate_rows.read_estimates(session, present, except_source=source)
    resolved = resolve({**others, source: estimates}, preferred)
    metadata = {"model_version": version, "resolved_at": datetime.now(UTC).isoformat(timespec="seconds")}
    estimate_rows.write_resolved(session, present, resolved.values, resolved.confidence, resolved.sources, metadata)
    return len(present)


def measured_estimates(features: list[dict[str, float]]) -> Estimates:
    """Estimates of a source that measured: no uncertainty, full confidence; features left out are unknown."""
    estimates = Estimates.unknown(len(features))
    for row, known in enumerate(features):
        estimates.values[row] = [known.get(name, np.nan) for name in FEATURE_NAMES]
    estimates.confidence[:] = 1.0
    return estimates


def start_enrich_all(session: Session, *, predictor: str, chunk_size: int) -> tuple[int, bool]:
    """Enqueue every track that lacks a feature. Returns `(job_id, created)`; a run still live is returned instead."""
    job_id, created = create_job(session, JobKind.ENRICH_ALL, params={"predictor": predictor}, unique_key="all")
    if created:
        lacking = ids_lacking_features(session)
        enqueued = enqueue_targets(session, job_id, WorkKind.ENRICH, lacking, version=predictor, chunk_size=chunk_size)
        seal_job(session, job_id, {"lacking": len(lacking), "enqueued": enqueued})
    return job_id, created


def start_enrich_outdated(session: Session, *, serving: Serving, chunk_size: int) -> tuple[int, bool]:
    """Enqueue every track with a feature inferred by another predictor or version than the one that serves.

    Returns `(job_id, created)`; a run for the same version that is still live is returned instead. Tracks that lack
    a feature and have none inferred are left to `start_enrich_all`.
    """
    params = {"predictor": serving.name, "outdated_before": serving.version}
    job_id, created = create_job(
        session, JobKind.ENRICH_ALL, params=params, unique_key=f"outdated {serving.name} {serving.version}"
    )
    if created:
        outdated = ids_outdated(session, serving.name, serving.version, INFERRED)
        enqueued = enqueue_targets(
            session, job_id, WorkKind.ENRICH, outdated, version=serving.name, chunk_size=chunk_size
        )
        seal_job(session, job_id, {"outdated": len(outdated), "enqueued": enqueued})
    return job_id, created


def start_enrichment(session: Session, settings: Settings, *, outdated: bool) -> tuple[int, bool]:
    """What `enrich-all` asks for, of the predictor in use: every track that lacks a feature, or every outdated one."""
    predictor, chunk_size = settings.enrich.predictor, settings.enrich.chunk_size
    if not outdated:
        return start_enrich_all(session, predictor=predictor, chunk_size=chunk_size)
    serving = serving_version(session, predictor, ModelFolders.of(settings))
    return start_enrich_outdated(session, serving=serving, chunk_size=chunk_size)


def _ids(track_id: list[str]) -> Ids:
    return np.array(track_id, dtype=np.int64)
