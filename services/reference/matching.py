"""Find tracks in the reference table: by Spotify id, by ISRC, by artist, title and duration, and by near misses."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.features import N_FEATURES
from core.identity import key_halves
from db.repositories import reference
from db.repositories.reference import NearRow, ReferenceDetails, TrackColumns
from models.matching.choice import Candidate, Choice, choose_exact
from models.matching.durations import closeness, durations_agree
from models.matching.scoring import THRESHOLDS, Thresholds, same_performer, same_version
from services.reference.near_matching import find_near

#: What a match by key is worth where a duration is unknown, and where it is as far away as allowed.
_KEY_WITHOUT_DURATION, _KEY_AT_TOLERANCE = 0.85, 0.9


@dataclass(frozen=True, slots=True)
class Match:
    """A track found in the reference table."""

    row: int  #: Of the track, among those asked for.
    reference_id: int
    spotify_id: str | None  #: Of the reference.
    method: str  #: "spotify-id", "isrc", "key" or "near".
    score: float  #: 0..1
    duration_difference_ms: int | None
    margin: float | None  #: By how much the next recording's score is lower; `None` where it was not asked for.
    values: NDArray[np.float32]  #: [9]

    @property
    def evidence(self) -> dict[str, Any]:
        """What is stored with the values."""
        return {
            "method": self.method,
            "score": round(self.score, 3),
            "reference_id": self.reference_id,
            "spotify_id": self.spotify_id,
            "duration_difference_ms": self.duration_difference_ms,
            "margin": None if self.margin is None else round(self.margin, 3),
        }


@dataclass(frozen=True, slots=True)
class ReferenceMatches:
    """The tracks that were found, in the order of their ids."""

    track_ids: NDArray[np.int64]  #: [n], ascending
    values: NDArray[np.float32]  #: [n, 9]; NaN where the reference lacks the feature.
    evidence: list[dict[str, Any]]


def match_tracks(session: Session, track_ids: Sequence[int], near: bool) -> ReferenceMatches:
    """Look tracks up in the reference table; `near` also admits spellings that differ.

    Where the table is empty, one cheap query says so.
    """
    state = reference.reference_state(session)
    if not state.loaded:
        return _matches_of([], [])
    tracks = reference.load_track_columns(session, track_ids)
    return _matches_of(tracks.track_ids, match_references(session, tracks, near=near, state=state))


def match_references(
    session: Session,
    tracks: TrackColumns,
    *,
    near: bool = True,
    thresholds: Thresholds = THRESHOLDS,
    state: reference.ReferenceState | None = None,
) -> list[Match]:
    """Look tracks up by their columns; each is tried by the surest method first.

    Returns
    -------
    The matches, by row. Tracks without one are left out.
    """
    state = state or reference.reference_state(session)
    if not state.loaded or not len(tracks):
        return []
    keys = [key_halves(artist, title) for artist, title in zip(tracks.artist, tracks.title, strict=True)]
    found = {match.row: match for match in _by_spotify_id(session, tracks)}
    found |= {match.row: match for match in _by_isrc(session, tracks, keys, _rest(tracks, found))}
    found |= {match.row: match for match in _by_key(session, tracks, keys, _rest(tracks, found))}
    if near:
        choices = find_near(session, state, tracks, keys, _rest(tracks, found), thresholds)
        found |= {row: _match(row, "near", choice, details) for row, (choice, details) in choices.items()}
    return [found[row] for row in sorted(found)]


def _matches_of(track_ids: Sequence[int], matches: Sequence[Match]) -> ReferenceMatches:
    values = np.full((len(matches), N_FEATURES), np.nan, np.float32)
    for row, match in enumerate(matches):
        values[row] = match.values
    ids = np.array([track_ids[match.row] for match in matches], np.int64)
    return ReferenceMatches(ids, values, [match.evidence for match in matches])


def _rest(tracks: TrackColumns, found: dict[int, Match]) -> list[int]:
    return [row for row in range(len(tracks)) if row not in found]


def _by_spotify_id(session: Session, tracks: TrackColumns) -> list[Match]:
    asked = [(row, spotify_id) for row, spotify_id in enumerate(tracks.spotify_id) if spotify_id]
    if not asked:
        return []
    rows = reference.by_spotify_id(session, *zip(*asked, strict=True))
    details = reference.load_details(session, [row.reference_id for row in rows])
    return [
        _match(row.n, "spotify-id", Choice(_candidate(row, details, _difference(tracks, row), 1.0), 1.0), details)
        for row in rows
    ]


def _by_isrc(
    session: Session, tracks: TrackColumns, keys: Sequence[tuple[str, str]], rest: Sequence[int]
) -> list[Match]:
    """Matches by ISRC. Codes are mistyped in exports: where the duration contradicts, the title must agree."""
    asked = [(row, code) for row in rest if (code := tracks.isrc[row])]
    if not asked:
        return []
    rows = [
        row
        for row in reference.by_isrc(session, *zip(*asked, strict=True))
        if durations_agree(tracks.duration_ms[row.n], row.duration_ms) is not False
        or (row.artist_key, row.title_key) == keys[row.n]
    ]
    return list(_choose(session, "isrc", tracks, rows))


def _by_key(
    session: Session, tracks: TrackColumns, keys: Sequence[tuple[str, str]], rest: Sequence[int]
) -> list[Match]:
    """Matches by artist and title where the duration agrees; without one, where all of that name are one recording."""
    asked = [(row, keys[row]) for row in rest if all(keys[row])]
    if not asked:
        return []
    rows = [
        row
        for row in reference.by_key(session, *zip(*asked, strict=True))
        if durations_agree(tracks.duration_ms[row.n], row.duration_ms) is not False
        and same_version(tracks.title[row.n], row.title)
        and same_performer(tracks.artist[row.n], row.artist)
    ]
    return list(_choose(session, "key", tracks, rows))


def _choose(
    session: Session, method: str, tracks: TrackColumns, rows: Sequence[reference.ReferenceRow | NearRow]
) -> Iterable[Match]:
    details = reference.load_details(session, [row.reference_id for row in rows])
    candidates: dict[int, list[Candidate]] = defaultdict(list)
    for row in rows:
        difference = _difference(tracks, row)
        score = 1.0 if method == "isrc" else _key_score(tracks.duration_ms[row.n], row.duration_ms)
        candidates[row.n].append(_candidate(row, details, difference, score))
    for n, group in candidates.items():
        if choice := choose_exact(group):
            yield _match(n, method, choice, details)


def _key_score(one_ms: int | None, other_ms: int | None) -> float:
    if one_ms is None or other_ms is None:
        return _KEY_WITHOUT_DURATION
    return _KEY_AT_TOLERANCE + (1 - _KEY_AT_TOLERANCE) * closeness(one_ms, other_ms)


def _difference(tracks: TrackColumns, row: reference.ReferenceRow | NearRow) -> int | None:
    own = tracks.duration_ms[row.n]
    return None if own is None or row.duration_ms is None else abs(own - row.duration_ms)


def _candidate(
    row: reference.ReferenceRow | NearRow,
    details: dict[int, ReferenceDetails],
    difference_ms: int | None,
    score: float,
) -> Candidate:
    known = details[row.reference_id]
    return Candidate(row.reference_id, known.key, score, difference_ms, known.values)


def _match(row: int, method: str, choice: Choice, details: dict[int, ReferenceDetails]) -> Match:
    best = choice.best
    return Match(
        row=row,
        reference_id=best.reference_id,
        spotify_id=details[best.reference_id].spotify_id,
        method=method,
        score=best.score,
        duration_difference_ms=best.duration_difference_ms,
        margin=None if method == "spotify-id" else choice.margin,
        values=best.values,
    )
