"""Write what was heard: descriptions, vectors and measured features, in the transaction that ends the item."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.audio import DESCRIPTORS_VERSION
from core.sources import Source as FeatureSource
from db.repositories import audio as audio_rows
from db.repositories import estimates as estimate_rows
from db.repositories.audio import AudioRow
from db.repositories.estimates import Estimates
from services.audio_analysis.hearing import Heard
from services.audio_analysis.measured import evidence, measured_features
from services.audio_analysis.work_plan import Plan, Source
from services.enrichment import store_estimates
from services.routing import Preference


def store_heard(
    session: Session, plan: Plan, heard: Heard, *, space: str, preference: Preference, min_tempo_confidence: float
) -> dict[str, int]:
    """Write everything for the tracks that still exist and whose audio was not moved meanwhile; counts by outcome."""
    current = audio_rows.lock_tracks_at(session, {id_: track.audio_uri for id_, track in plan.stored.items()})
    rows = [row for row in [*plan.failures, *heard.rows] if row.track_id in current]
    without_audio = [track_id for track_id in plan.without_audio if track_id in current]
    audio_rows.forget_rows(session, without_audio)
    audio_rows.forget_vectors(session, [row.track_id for row in rows if _is_other_content(plan, row)])
    audio_rows.write_rows(session, rows)
    vectors = {track_id: own for track_id, own in heard.vectors.items() if track_id in current}
    audio_rows.write_vectors(session, space, vectors)
    copied = _copy(session, plan, current, rows)
    touched = [source for source in plan.touched if source.track_id in current]
    _touch(session, touched)
    _measure(session, [*rows, *copied], without_audio, preference, min_tempo_confidence)
    described = Counter(row.error_code is None for row in rows)
    return {
        "analyzed": described[True],
        "failed": described[False] + sum(row.error_code is not None for row in copied),
        "copied": sum(row.error_code is None for row in copied),
        "unchanged": plan.unchanged + len(touched),
        "unreachable": plan.unreachable,
        "without_audio": len(without_audio),
    }


def _is_other_content(plan: Plan, row: AudioRow) -> bool:
    return plan.stored[row.track_id].content_hash != row.content_hash


def _copy(session: Session, plan: Plan, current: set[int], rows: Sequence[AudioRow]) -> list[AudioRow]:
    """Give tracks what is stored of others with the same content, or the error that this item met with it."""
    wanted = [(source, twin) for source, twin in plan.copies if source.track_id in current]
    descriptions = audio_rows.read_descriptions(session, [twin for _, twin in wanted])
    errors = {row.track_id: row for row in rows if row.error_code is not None}
    copied: list[AudioRow] = []
    for source, twin in wanted:
        if twin in descriptions:
            description, profiles = descriptions[twin]
            copied.append(replace(source.row, description=description, profiles=profiles))
        elif twin in errors:
            error = errors[twin]
            copied.append(replace(source.row, error_code=error.error_code, error_message=error.error_message))
    audio_rows.forget_vectors(session, [row.track_id for row in copied])
    audio_rows.write_rows(session, copied)
    audio_rows.copy_vectors(session, {source.track_id: twin for source, twin in wanted if twin in descriptions})
    return copied


def _touch(session: Session, touched: Iterable[Source]) -> None:
    states = {source.track_id: (source.uri, source.row.size_bytes, source.row.mtime_ns) for source in touched}
    if states:
        audio_rows.touch_rows(session, states)


def _measure(
    session: Session,
    rows: Sequence[AudioRow],
    without_audio: Sequence[int],
    preference: Preference,
    min_tempo_confidence: float,
) -> None:
    """Make the descriptions measured features, and withdraw those of files that cannot be heard any more."""
    described: list[tuple[int, dict[str, Any]]] = sorted(
        ((row.track_id, row.description) for row in rows if row.description is not None), key=lambda pair: pair[0]
    )
    if described:
        descriptions = [description for _, description in described]
        store_estimates(
            session,
            FeatureSource.AUDIO,
            DESCRIPTORS_VERSION,
            np.array([track_id for track_id, _ in described], dtype=np.int64),
            measured_features(descriptions, min_tempo_confidence),
            preference=preference,
            evidence=[evidence(description, DESCRIPTORS_VERSION) for description in descriptions],
        )
    _withdraw(session, [*without_audio, *(row.track_id for row in rows if row.description is None)], preference)


def _withdraw(session: Session, track_ids: Sequence[int], preference: Preference) -> None:
    held = estimate_rows.ids_estimated(session, FeatureSource.AUDIO, track_ids)
    if len(held):
        # First estimates that say nothing, by which the tracks are resolved anew.
        store_estimates(session, FeatureSource.AUDIO, None, held, Estimates.unknown(len(held)), preference=preference)
        estimate_rows.delete_estimates(session, FeatureSource.AUDIO, held)
