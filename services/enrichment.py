"""Enrich tracks: predict what is missing, keep the estimate, resolve it into the track."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from core.sources import Source
from core.work import JobKind, WorkKind
from db.repositories import estimates as estimate_rows
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.estimates import Estimates, Ids
from db.repositories.tracks import ids_lacking_features, load_batch
from models.predictors.protocol import FeaturePredictor
from services.resolution import resolve


@dataclass(frozen=True, slots=True)
class EnrichSummary:
    """What became of a chunk; the counts add up to the chunk's size."""

    enriched: int
    missing: int  #: tracks that no longer exist


def enrich_tracks(session: Session, track_ids: list[int], predictor: FeaturePredictor) -> EnrichSummary:
    """Predict the nine features of the tracks at once and write estimates and resolved values in bulk.

    Measured and looked-up values stay what they are. Running it twice leaves the same values.

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
    written = store_estimates(session, Source(predictor.name), predictor.version, _ids(batch.track_id), estimates)
    return EnrichSummary(enriched=written, missing=len(track_ids) - written)


def store_estimates(session: Session, source: Source, version: str | None, track_ids: Ids, estimates: Estimates) -> int:
    """Write what a source says about tracks (ids sorted) and resolve them; returns how many of them still exist."""
    present = estimate_rows.lock_tracks(session, track_ids)
    if not len(present):
        return 0
    kept = np.isin(track_ids, present)
    estimates = Estimates(estimates.values[kept], estimates.uncertainty[kept], estimates.confidence[kept])
    estimate_rows.write_estimates(session, source, version, present, estimates)
    others = estimate_rows.read_estimates(session, present, except_source=source)
    resolved = resolve({**others, source: estimates})
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


def _ids(track_id: list[str]) -> Ids:
    return np.array(track_id, dtype=np.int64)
