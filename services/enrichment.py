"""Enrich tracks: predict what is missing, keep the estimate, resolve it into the track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from core.sources import Source
from core.tracks import TrackBatch
from db.repositories import estimates as estimate_rows
from db.repositories.estimates import Estimates, Ids
from db.repositories.tracks import load_batch
from models.predictors.protocol import FeaturePredictor
from services.resolution import resolve
from services.routing import Preference, route

if TYPE_CHECKING:
    from models.routing.protocol import Strategy


@dataclass(frozen=True, slots=True)
class EnrichSummary:
    """What became of a chunk; `enriched` and `missing` add up to the chunk's size."""

    enriched: int
    missing: int  #: tracks that no longer exist
    matched: int = 0  #: of the enriched ones, those found in the reference table


@dataclass(frozen=True, slots=True)
class Matching:
    """How tracks are looked for in the reference table."""

    near: bool  #: Whether spellings may differ.


def enrich_tracks(
    session: Session,
    track_ids: list[int],
    predictor: FeaturePredictor,
    *,
    preferred: str | None = None,
    routing: "Strategy | None" = None,
    matching: Matching | None = None,
) -> EnrichSummary:
    """Look the tracks up in the reference table, predict all others at once, and write the values in bulk.

    Measured and looked-up values stay what they are. Running it twice leaves the same values. `preferred` names the
    predictor in use, whose estimates go before those of others; by default it is the one that predicts here. Without
    `matching` the reference table is left alone.

    Raises
    ------
    PermanentError
        `track-missing`: all of the tracks are gone.
    """
    preference = Preference(preferred or predictor.name, routing)
    matched = _match(session, track_ids, preference, matching)
    batch = load_batch(session, sorted(set(track_ids) - matched))
    if not len(batch) and not matched:
        raise PermanentError("track-missing", f"None of the {len(track_ids)} tracks exists any more.")
    written = _predict(session, batch, predictor, preference) if len(batch) else 0
    enriched = written + len(matched)
    return EnrichSummary(enriched=enriched, missing=len(track_ids) - enriched, matched=len(matched))


def _match(session: Session, track_ids: list[int], preference: Preference, matching: Matching | None) -> set[int]:
    """Store what the reference table knows; returns the tracks of which it knows all nine features."""
    if matching is None:
        return set()
    from services.reference.matching import match_tracks

    found = match_tracks(session, track_ids, near=matching.near)
    if not len(found.track_ids):
        return set()
    estimates = known_estimates(found.values, np.array([entry["score"] for entry in found.evidence], np.float32))
    store_estimates(
        session, Source.REFERENCE, None, found.track_ids, estimates, preference=preference, evidence=found.evidence
    )
    return set(found.track_ids[~np.isnan(found.values).any(axis=1)].tolist())


def _predict(session: Session, batch: TrackBatch, predictor: FeaturePredictor, preference: Preference) -> int:
    prediction = predictor.predict(batch)
    estimates = Estimates(prediction.values, prediction.uncertainty, prediction.confidence)
    return store_estimates(
        session, Source(predictor.name), predictor.version, _ids(batch.track_id), estimates, preference=preference
    )


def store_estimates(
    session: Session,
    source: Source,
    version: str | None,
    track_ids: Ids,
    estimates: Estimates,
    *,
    preference: Preference | None = None,
    evidence: Sequence[Mapping[str, Any]] | None = None,
) -> int:
    """Write what a source says about tracks (ids sorted) and resolve them; returns how many of them still exist.

    `preference` says whom to believe among those that infer, see `services.resolution`; `evidence` is a JSON object for
    each track.
    """
    present = estimate_rows.lock_tracks(session, track_ids)
    if not len(present):
        return 0
    kept = np.isin(track_ids, present)
    estimates = Estimates(estimates.values[kept], estimates.uncertainty[kept], estimates.confidence[kept])
    if evidence is not None:
        evidence = [entry for entry, exists in zip(evidence, kept, strict=True) if exists]
    estimate_rows.write_estimates(session, source, version, present, estimates, evidence)
    others = estimate_rows.read_estimates(session, present, except_source=source)
    known: Mapping[str, Estimates] = {**others, source: estimates}
    if preference is not None:
        known = route(session, present, known, preference)
    resolved = resolve(known, preference.predictor if preference else None)
    metadata = {"model_version": version, "resolved_at": datetime.now(UTC).isoformat(timespec="seconds")}
    estimate_rows.write_resolved(session, present, resolved.values, resolved.confidence, resolved.sources, metadata)
    return len(present)


def known_estimates(values: NDArray[np.float32], confidence: NDArray[np.float32]) -> Estimates:
    """Estimates [n, 9] of a source that knows: an uncertainty of zero where there is a value."""
    return Estimates(values, np.where(np.isnan(values), values, np.float32(0)), confidence)


def measured_estimates(features: list[dict[str, float]]) -> Estimates:
    """Estimates of a source that measured: no uncertainty, full confidence; features left out are unknown."""
    estimates = Estimates.unknown(len(features))
    for row, known in enumerate(features):
        estimates.values[row] = [known.get(name, np.nan) for name in FEATURE_NAMES]
    estimates.confidence[:] = 1.0
    return estimates


def _ids(track_id: list[str]) -> Ids:
    return np.array(track_id, dtype=np.int64)
