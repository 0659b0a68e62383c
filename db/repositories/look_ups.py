"""Which tracks a provider could be asked about, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES, N_FEATURES
from core.providers import SOURCE_OF, Provider, Question
from core.sources import INFERRED

# What an answer is kept under: tracks that share it share the answer.
_SUBJECTS = {Provider.RECCOBEATS: "t.spotify_id", Provider.GEMINI: "t.identity_key"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A track, the question about it, and the subject that its answer is kept under."""

    track_id: int
    subject: str
    question: Question


def questions(session: Session, provider: Provider, track_ids: Sequence[int]) -> list[Asked]:
    """The questions about those of the tracks that exist and have a subject, in the order of their ids."""
    rows = session.execute(
        text(f"""
            SELECT t.id, {_SUBJECTS[provider]} AS subject, t.artist, t.title, t.album, t.duration_ms, t.release_year,
                t.spotify_id, t.isrc
            FROM tracks t WHERE t.id = ANY(:ids) AND {_SUBJECTS[provider]} IS NOT NULL ORDER BY t.id
        """),
        {"ids": list(track_ids)},
    )
    return [Asked(track_id, subject, Question(str(track_id), *rest)) for track_id, subject, *rest in rows]


def ids_worth_asking(
    session: Session, provider: Provider, variant: str, track_ids: Sequence[int] | None = None
) -> list[int]:
    """Tracks, among the given ones or all, with an inferred feature that the provider has not been asked about.

    Left out are tracks that it answered before, and those of which it lately said that it does not know them.
    """
    among = "" if track_ids is None else "AND t.id = ANY(:ids)"
    parameters: dict[str, Any] = {
        "provider": provider,
        "variant": variant,
        "source": SOURCE_OF[provider],
        "inferred": list(INFERRED),
    }
    query = text(f"""
        SELECT t.id FROM tracks t
        WHERE {_SUBJECTS[provider]} IS NOT NULL {among}
          AND EXISTS (SELECT FROM jsonb_each_text(t.feature_sources) f (feature, source)
                      WHERE f.source = ANY(:inferred))
          AND NOT EXISTS (SELECT FROM track_estimates e WHERE e.track_id = t.id AND e.source = :source)
          AND NOT EXISTS (SELECT FROM lookup_cache c
                          WHERE c.provider = :provider AND c.variant = :variant AND c.subject = {_SUBJECTS[provider]}
                            AND c.answer IS NULL AND c.expires_at > now())
        ORDER BY t.id
    """)
    return list(session.scalars(query, parameters | ({} if track_ids is None else {"ids": list(track_ids)})))


def uncertainties(session: Session, track_ids: Sequence[int], source: str) -> NDArray[np.float32]:
    """How uncertain a source is about each track, [n, 9] in the order given; NaN where it said nothing."""
    rows = session.execute(
        text(f"""
            SELECT track_id, {", ".join(f"{name}_uncertainty" for name in FEATURE_NAMES)} FROM track_estimates
            WHERE track_id = ANY(:ids) AND source = :source
        """),
        {"ids": list(track_ids), "source": source},
    )
    known = {track_id: numbers for track_id, *numbers in rows}
    nothing = [None] * N_FEATURES
    return np.array([known.get(track_id, nothing) for track_id in track_ids], dtype=np.float32).reshape(-1, N_FEATURES)


def targets_of_job(session: Session, job_id: int, kind: str) -> list[int]:
    """The targets of a job's items of one kind."""
    return list(
        session.scalars(
            text("""
                SELECT DISTINCT CAST(target AS bigint)
                FROM work_items, jsonb_array_elements(payload->'targets') AS target
                WHERE job_id = :job_id AND kind = :kind ORDER BY 1
            """),
            {"job_id": job_id, "kind": kind},
        )
    )


def note_in_summary(session: Session, job_id: int, note: str) -> None:
    """Add a JSON object to the summary of a job."""
    session.execute(
        text("UPDATE jobs SET summary = summary || CAST(:note AS jsonb) WHERE id = :job_id"),
        {"job_id": job_id, "note": note},
    )


def count_items(session: Session, job_id: int, kind: str, version: str) -> int:
    """How many items of one kind and version a job has, whatever became of them."""
    return int(
        session.execute(
            text("""
                SELECT count(*) FROM work_items
                WHERE job_id = :job_id AND kind = :kind AND payload->>'version' = :version
            """),
            {"job_id": job_id, "kind": kind, "version": version},
        ).scalar_one()
    )


def count_queued(session: Session, kind: str, version: str) -> int:
    """How many items of one kind and version wait, in all jobs."""
    return int(
        session.execute(
            text("""
                SELECT count(*) FROM work_items
                WHERE state = 'queued' AND kind = :kind AND payload->>'version' = :version
            """),
            {"kind": kind, "version": version},
        ).scalar_one()
    )
