"""Bulk reads and writes of estimates and resolved features: one COPY and one statement a batch, never one a row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES, N_FEATURES
from db.binary_copy import copy_into, encode

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

_UNCERTAINTIES = tuple(f"{name}_uncertainty" for name in FEATURE_NAMES)
_ESTIMATE_COLUMNS = (*FEATURE_NAMES, *_UNCERTAINTIES, "confidence")


@dataclass(frozen=True, slots=True)
class Estimates:
    """What one source says about n tracks: values and uncertainties [n, 9] and confidence [n]; NaN is unknown."""

    values: Floats
    uncertainty: Floats
    confidence: Floats

    @classmethod
    def unknown(cls, n: int) -> "Estimates":
        """n tracks the source says nothing about."""
        return cls(*(np.full(shape, np.nan, np.float32) for shape in ((n, N_FEATURES), (n, N_FEATURES), (n,))))


def lock_tracks(session: Session, track_ids: Ids) -> Ids:
    """Lock the tracks that exist, in the order of their ids, and return those ids, sorted.

    Whoever writes estimates locks first: two sources that resolve a track at once would else overwrite each other.
    """
    ids = session.scalars(
        text("SELECT id FROM tracks WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"), {"ids": track_ids.tolist()}
    )
    return np.fromiter(ids, np.int64)


def read_estimates(session: Session, track_ids: Ids, *, except_source: str) -> dict[str, Estimates]:
    """The estimates of every other source, aligned with the sorted `track_ids`."""
    rows = session.execute(
        text(f"""
            SELECT track_id, source, {", ".join(_ESTIMATE_COLUMNS)} FROM track_estimates
            WHERE track_id = ANY(:ids) AND source <> :source
        """),
        {"ids": track_ids.tolist(), "source": except_source},
    )
    found: dict[str, Estimates] = {}
    for track_id, source, *numbers in rows:
        estimates = found.setdefault(source, Estimates.unknown(len(track_ids)))
        row = int(np.searchsorted(track_ids, track_id))
        estimates.values[row] = numbers[:N_FEATURES]
        estimates.uncertainty[row] = numbers[N_FEATURES:-1]
        estimates.confidence[row] = numbers[-1]
    return found


def write_estimates(
    session: Session,
    source: str,
    model_version: str | None,
    track_ids: Ids,
    estimates: Estimates,
    evidence: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Insert or replace what `source` says about the tracks; `revision` counts the replacements.

    `evidence` holds a JSON object for each track: why the source says so.
    """
    columns = ", ".join(_ESTIMATE_COLUMNS)
    session.execute(
        text(f"""
            CREATE TEMPORARY TABLE IF NOT EXISTS stage_estimates
            (track_id bigint, {", ".join(f"{name} real" for name in _ESTIMATE_COLUMNS)}) ON COMMIT DELETE ROWS
        """)
    )
    copy_into(
        session,
        f"COPY stage_estimates (track_id, {columns}) FROM STDIN (FORMAT binary)",
        encode([track_ids, *estimates.values.T, *estimates.uncertainty.T, estimates.confidence]),
    )
    session.execute(
        text(f"""
            INSERT INTO track_estimates (track_id, source, model_version, evidence, {columns})
            SELECT track_id, :source, :version, why.evidence, {_nulls_for_nan(_ESTIMATE_COLUMNS)}
            FROM stage_estimates LEFT JOIN ({_EVIDENCE if evidence is not None else _NO_EVIDENCE}) why USING (track_id)
            ON CONFLICT (track_id, source) DO UPDATE SET
                {", ".join(f"{name} = excluded.{name}" for name in _ESTIMATE_COLUMNS)},
                evidence = excluded.evidence, model_version = excluded.model_version,
                revision = track_estimates.revision + 1, updated_at = now()
        """),
        {"source": source, "version": model_version} | _evidence_parameters(track_ids, evidence),
    )
    session.execute(text("TRUNCATE stage_estimates"))


def ids_estimated(session: Session, source: str, track_ids: Sequence[int]) -> Ids:
    """Those of the tracks that the source said something about, sorted."""
    ids = session.scalars(
        text("SELECT track_id FROM track_estimates WHERE source = :source AND track_id = ANY(:ids) ORDER BY track_id"),
        {"source": source, "ids": list(track_ids)},
    )
    return np.fromiter(ids, np.int64)


def delete_estimates(session: Session, source: str, track_ids: Ids) -> None:
    """Forget what the source said. The tracks' resolved features stay what they are."""
    session.execute(
        text("DELETE FROM track_estimates WHERE source = :source AND track_id = ANY(:ids)"),
        {"source": source, "ids": track_ids.tolist()},
    )


_EVIDENCE = """
    SELECT track_id, evidence
    FROM unnest(CAST(:evidence_of AS bigint[]), CAST(:evidence AS text[])::jsonb[]) AS given (track_id, evidence)
"""
_NO_EVIDENCE = "SELECT NULL::bigint AS track_id, NULL::jsonb AS evidence LIMIT 0"


def _evidence_parameters(track_ids: Ids, evidence: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    if evidence is None:
        return {}
    return {
        "evidence_of": track_ids.tolist(),
        "evidence": [json.dumps(entry, ensure_ascii=False) for entry in evidence],
    }


def write_resolved(
    session: Session,
    track_ids: Ids,
    values: Floats,
    confidence: Floats,
    sources: Sequence[Sequence[str | None]],
    metadata: dict[str, Any],
) -> None:
    """Write resolved features into `tracks`.

    Parameters
    ----------
    values
        float32 [n, 9]; NaN where no source knows the feature.
    confidence
        float32 [n], kept in `external_metadata` with `metadata`.
    sources
        n rows of nine source names, `None` where unknown.
    """
    patterns = {tuple(row): index for index, row in enumerate(dict.fromkeys(tuple(row) for row in sources))}
    pattern = np.fromiter((patterns[tuple(row)] for row in sources), np.int16, len(sources))
    session.execute(
        text(f"""
            CREATE TEMPORARY TABLE IF NOT EXISTS stage_resolved
            (track_id bigint, pattern smallint, confidence real, {", ".join(f"{name} real" for name in FEATURE_NAMES)})
            ON COMMIT DELETE ROWS
        """)
    )
    copy_into(
        session,
        f"COPY stage_resolved (track_id, pattern, confidence, {', '.join(FEATURE_NAMES)}) FROM STDIN (FORMAT binary)",
        encode([track_ids, pattern, confidence, *values.T]),
    )
    session.execute(
        text(f"""
            UPDATE tracks t SET {", ".join(f"{name} = NULLIF(s.{name}, 'NaN')" for name in FEATURE_NAMES)},
                feature_sources = p.sources,
                external_metadata = t.external_metadata || jsonb_build_object('audio_features',
                    CAST(:metadata AS jsonb) || jsonb_build_object('confidence', round(s.confidence::numeric, 3)))
            FROM stage_resolved s
            JOIN jsonb_array_elements(CAST(:patterns AS jsonb)) WITH ORDINALITY AS p (sources, number)
              ON p.number = s.pattern + 1
            WHERE t.id = s.track_id
        """),
        {"metadata": json.dumps(metadata), "patterns": json.dumps([_named(row) for row in patterns])},
    )
    session.execute(text("TRUNCATE stage_resolved"))


def _named(sources: Sequence[str | None]) -> dict[str, str]:
    return {name: source for name, source in zip(FEATURE_NAMES, sources, strict=True) if source is not None}


def _nulls_for_nan(columns: Sequence[str]) -> str:
    return ", ".join(f"NULLIF({name}, 'NaN')" for name in columns)
