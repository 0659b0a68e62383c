"""Tracks in the database as if their audio had been analyzed."""

from collections.abc import Sequence

import numpy as np
from dj_tracks import described, directions
from sqlalchemy.orm import Session

from core.audio import AudioDescription, Mode, Segment
from core.audio_records import to_record
from db.repositories.audio import AudioRow, write_rows, write_vectors

SPACE = "test-1"


def descriptions(n: int, seed: int = 0) -> list[AudioDescription]:
    """Tracks that may all follow each other: tempos lie close together, and keys are too unsure to exclude any."""
    rng = np.random.default_rng(seed)
    return [
        described(
            bpm=float(np.round(rng.uniform(119, 122), 2)),
            key=(int(rng.integers(12)), Mode.MINOR),
            clarity=0.3,
            whole={"energy": float(np.round(rng.uniform(), 3))},
            intro={"mixability": float(np.round(rng.uniform(), 3))},
        )
        for _ in range(n)
    ]


def store_analyses(
    session: Session, track_ids: Sequence[int], *, space: str = SPACE, seed: int = 0
) -> list[AudioDescription]:
    """Describe and embed tracks, and commit; returns the descriptions."""
    found = descriptions(len(track_ids), seed)
    rows = []
    for track_id, description in zip(track_ids, found, strict=True):
        record, profiles = to_record(description)
        rows.append(
            AudioRow(track_id, f"{track_id}.wav", "1", 1, 1, f"hash {track_id}", description=record, profiles=profiles)
        )
    write_rows(session, rows)
    vectors = directions(3 * len(track_ids), seed=seed).reshape(len(track_ids), 3, -1).astype("<f4")
    segments = (Segment.INTRO, Segment.OUTRO, Segment.FULL)
    write_vectors(
        session,
        space,
        {
            track_id: {segment: vector.tobytes() for segment, vector in zip(segments, row, strict=True)}
            for track_id, row in zip(track_ids, vectors, strict=True)
        },
    )
    session.commit()
    return found
