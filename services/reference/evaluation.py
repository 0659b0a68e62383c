"""How often a track is matched wrongly, and how often it is missed, on seeded copies of real rows.

A part of the tracks is taken out of the table; the rest is loaded into an empty database of its own. The artists fall
into two halves: thresholds are chosen on one, and figures reported on the other.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES
from db.repositories.reference import TrackColumns, reference_state
from models.matching.choice import SAME_RECORDING
from models.matching.scoring import THRESHOLDS, Thresholds
from models.training_data import ReferenceTable
from services.reference.cases import Case, half_of, make_cases, songs_of, with_hangul
from services.reference.impostors import NEGATIVE
from services.reference.loading import load_reference
from services.reference.matching import Match, match_references
from services.reference.perturbations import POSITIVE, Song
from services.report_files import OnStep

#: One in so many tracks is taken out of the table.
_REMOVED_ONE_IN = 10
_CHUNK = 500

_SCALES = np.array([feature.scale for feature in FEATURES], np.float32)


@dataclass(frozen=True, slots=True)
class KindResult:
    """How one kind of case fared."""

    kind: str
    n: int
    right: int
    wrong: int
    methods: dict[str, int]  #: Right matches by method.
    examples: tuple[str, ...]  #: Of wrong matches.

    @property
    def missed(self) -> int:
        """Cases without any match; for impostors that is as it should be."""
        return self.n - self.right - self.wrong


@dataclass(frozen=True, slots=True)
class Sweep:
    """What thresholds would do on the half they are chosen on."""

    thresholds: Thresholds
    recall: float
    wrong: int
    n: int


@dataclass(frozen=True, slots=True)
class MatchingEvaluation:
    """Everything the report shows; the results are those of the half that chose nothing."""

    data: str
    seed: int
    n_references: int
    positives: list[KindResult]
    negatives: list[KindResult]
    sweeps: list[Sweep]

    @property
    def recall(self) -> float:
        """Share of all tracks in the table that were found, over all kinds."""
        return sum(result.right for result in self.positives) / sum(result.n for result in self.positives)

    @property
    def wrong(self) -> int:
        """Wrong matches, of tracks in the table and of impostors."""
        return sum(result.wrong for result in (*self.positives, *self.negatives))

    @property
    def n(self) -> int:
        """All cases."""
        return sum(result.n for result in (*self.positives, *self.negatives))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "references": self.n_references,
            "cases": self.n,
            "recall": round(self.recall, 4),
            "wrong": self.wrong,
            "wrong_rate": round(self.wrong / self.n, 6),
            "positives": [_as_dict(result) for result in self.positives],
            "negatives": [_as_dict(result) for result in self.negatives],
        }


def evaluate_matches(
    session: Session, table: ReferenceTable, *, per_kind: int, seed: int, on_step: OnStep, tune: bool = True
) -> MatchingEvaluation:
    """Load the table without some of its tracks into an empty database, look up copies of its rows, and count.

    Parameters
    ----------
    session : on a database whose reference table is empty; nothing is committed
    per_kind : at most so many cases of each kind and half
    tune : whether to try other thresholds on the first half

    Raises
    ------
    PermanentError
        `invalid-option`: the table has no ids or no durations.
    """
    if len(set(table.tracks.track_id)) < len(table) or not any(table.tracks.duration_ms):
        raise PermanentError("invalid-option", f"{table.path} needs a track_id, each once, and durations.")
    on_step("Loading references", 0, None)
    rng = random.Random(seed)
    songs = with_hangul(rng, songs_of(table))
    held_out = {song.spotify_id for song in rng.sample(songs, len(songs) // _REMOVED_ONE_IN)}
    known = [song for song in songs if song.spotify_id not in held_out]
    _load(session, known, table)
    values = dict(zip(table.tracks.track_id, table.targets, strict=True))
    halves = [half_of(songs, held_out, number) for number in (0, 1)]
    cases = [make_cases(rng, stock, per_kind) for stock in halves]
    sweeps = list(_sweep(session, cases[0], values, on_step)) if tune else []
    results = _count(cases[1], _matched(session, cases[1], THRESHOLDS, on_step), values)
    return MatchingEvaluation(
        data=table.path.name,
        seed=seed,
        n_references=len(known),
        positives=[result for result in results if result.kind in POSITIVE],
        negatives=[result for result in results if result.kind in NEGATIVE],
        sweeps=sweeps,
    )


def _load(session: Session, known: Sequence[Song], table: ReferenceTable) -> None:
    row_of = {spotify_id: row for row, spotify_id in enumerate(table.tracks.track_id)}
    values = table.targets[[row_of[song.spotify_id] for song in known]]
    columns = {
        "spotify_id": [song.spotify_id for song in known],
        "artists": [list(song.artists) for song in known],
        "title": [song.title for song in known],
        "duration_ms": [song.duration_ms for song in known],
    }
    features = {name: values[:, column] for column, name in enumerate(FEATURE_NAMES)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "known.parquet"
        pyarrow.parquet.write_table(pa.table(columns | features), path)
        load_reference(session, path, "evaluation", lambda *_: None)


def _matched(
    session: Session, cases: Sequence[Case], thresholds: Thresholds, on_step: OnStep | None = None
) -> dict[int, Match]:
    """Matches by the position of the case. Ids are left out: nothing shall be found the easy way."""
    state = reference_state(session)
    found: dict[int, Match] = {}
    for start in range(0, len(cases), _CHUNK):
        songs = [case.asked for case in cases[start : start + _CHUNK]]
        nothing = [None] * len(songs)
        columns = TrackColumns(
            track_ids=list(range(len(songs))),
            spotify_id=[*nothing],
            isrc=[*nothing],
            artist=[song.artist for song in songs],
            title=[song.title for song in songs],
            duration_ms=[song.duration_ms for song in songs],
        )
        matches = match_references(session, columns, thresholds=thresholds, state=state)
        found |= {start + match.row: match for match in matches}
        if on_step is not None:
            on_step("Matching the other half", start + len(songs), len(cases))
    return found


def _count(cases: Sequence[Case], found: dict[int, Match], values: dict[str, NDArray[np.float32]]) -> list[KindResult]:
    results = []
    for kind in dict.fromkeys(case.kind for case in cases):
        numbers = [number for number, case in enumerate(cases) if case.kind == kind]
        right = {n for n in numbers if n in found and _is_right(cases[n], found[n], values)}
        wrong = [n for n in numbers if n in found and n not in right]
        methods = [found[n].method for n in right]
        results.append(
            KindResult(
                kind=kind,
                n=len(numbers),
                right=len(right),
                wrong=len(wrong),
                methods={method: methods.count(method) for method in sorted(set(methods))},
                examples=tuple(_example(cases[n], found[n]) for n in wrong[:3]),
            )
        )
    return results


def _is_right(case: Case, match: Match, values: dict[str, NDArray[np.float32]]) -> bool:
    """Whether that track was found, or another release whose features are the same."""
    wanted = case.truth or (case.asked.spotify_id if case.asked.spotify_id != case.original.spotify_id else None)
    if wanted is None:
        return False
    return match.spotify_id == case.truth or bool(
        float((np.abs(match.values - values[wanted]) / _SCALES).mean()) <= SAME_RECORDING
    )


def _example(case: Case, match: Match) -> str:
    return f"{case.asked.artist} | {case.asked.title} ({case.asked.duration_ms} ms): {match.evidence}"


def _sweep(
    session: Session, cases: Sequence[Case], values: dict[str, NDArray[np.float32]], on_step: OnStep
) -> Iterator[Sweep]:
    """Thresholds around those in use, one after the other changed."""
    tried = [
        THRESHOLDS,
        *(replace(THRESHOLDS, artist=value) for value in (0.3, 0.5, 0.6)),
        *(replace(THRESHOLDS, title=value) for value in (0.2, 0.4, 0.5, 0.6)),
        *(replace(THRESHOLDS, score=value) for value in (0.15, 0.35, 0.5)),
        *(replace(THRESHOLDS, margin=value) for value in (0.0, 0.05, 0.2)),
    ]
    for number, thresholds in enumerate(tried):
        on_step("Trying thresholds", number, len(tried))
        results = _count(cases, _matched(session, cases, thresholds), values)
        positives = [result for result in results if result.kind in POSITIVE]
        recall = sum(result.right for result in positives) / sum(result.n for result in positives)
        yield Sweep(thresholds, recall, sum(result.wrong for result in results), len(cases))


def _as_dict(result: KindResult) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "n": result.n,
        "right": result.right,
        "wrong": result.wrong,
        "missed": result.missed,
        "methods": result.methods,
    }
