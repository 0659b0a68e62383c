"""Recorded answers of a provider: JSON Lines, one track a line.

    {"track_id": "...", "features": {"tempo": 121.0, ...}, "evidence": {...}, "model": "...", "prompt_version": "..."}

`features` may lack some of the nine, and is null where the provider does not know the track. Lines are appended as
answers come, so an interrupted recording goes on where it stopped.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import NotNowError, PermanentError
from core.features import FEATURES
from core.providers import Answer, Question
from core.tracks import TrackBatch
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.evaluation.samples import SAMPLE_SEED
from models.training_data import HOLDOUT_FOLDS, ReferenceTable

#: Asks a provider about several tracks; the answers by `Question.ref`, None where it does not know the track.
Ask = Callable[[Sequence[Question]], Mapping[str, Answer | None]]

_FEATURES = {feature.name: feature for feature in FEATURES}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line."""

    track_id: str
    features: dict[str, float] | None
    evidence: dict[str, Any]
    model: str
    prompt_version: str


def record(
    path: Path,
    tracks: TrackBatch,
    ask: Ask,
    *,
    model: str,
    prompt_version: str,
    batch_size: int,
    on_progress: Callable[[int, int], None],
) -> int:
    """Ask about the tracks that are not recorded yet, and append each answer; returns how many were asked.

    Parameters
    ----------
    ask
        Raises what it likes; everything answered before is on disk then.
    batch_size
        Tracks of one question.
    on_progress
        Called with the tracks that are recorded and all of them.

    Raises
    ------
    PermanentError
        `invalid-option`: the file is there and is no recording, or was made by another model or prompt.
    """
    known = _known_ids(path, model, prompt_version)
    missing = [row for row, track_id in enumerate(tracks.track_id) if track_id not in known]
    with path.open("a", encoding="utf-8") as file:
        for start in range(0, len(missing), batch_size):
            rows = missing[start : start + batch_size]
            answers = ask([_question(tracks, row) for row in rows])
            for row in rows:
                line = _recorded(tracks.track_id[row], answers.get(tracks.track_id[row]), model, prompt_version)
                file.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
            file.flush()
            on_progress(len(tracks) - len(missing) + start + len(rows), len(tracks))
    return len(missing)


def patiently(ask: Ask, longest_wait_s: float = 120.0, sleep: Callable[[float], None] = time.sleep) -> Ask:
    """Asks again where a limit of the minute says "not now"; a longer wait, as until tomorrow, is raised."""

    def asking(questions: Sequence[Question]) -> Mapping[str, Answer | None]:
        while True:
            try:
                return ask(questions)
            except NotNowError as error:
                if error.retry_after_s > longest_wait_s:
                    raise
                sleep(max(error.retry_after_s, 0.1))

    return asking


def draw_popular(table: ReferenceTable, n_tracks: int) -> ReferenceTable:
    """So many popular holdout tracks, as the study drew its hundred; always the same ones.

    Raises
    ------
    PermanentError
        `invalid-option`: the table has none.
    """
    popular = table.select(np.isin(table.fold, HOLDOUT_FOLDS)).popular(BENCHMARK_POPULARITY)
    if not len(popular):
        raise PermanentError("invalid-option", f"{table.path} has no popular tracks in its holdout folds.")
    chosen = np.zeros(len(popular), dtype=np.bool_)
    chosen[np.random.default_rng(SAMPLE_SEED).permutation(len(popular))[:n_tracks]] = True
    return popular.select(chosen)


def read_recording(path: Path) -> list[Recorded]:
    """All answers of a recording; of a track with several the last.

    Raises
    ------
    PermanentError
        `file-not-found`, or `invalid-option` for a line that is none; the message names file and line.
    """
    if not path.is_file():
        raise PermanentError("file-not-found", f"{path} does not exist or is not a file.")
    return list({line.track_id: line for line in _lines(path)}.values())


def _lines(path: Path) -> Iterator[Recorded]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            if text.strip():
                try:
                    yield _parsed(json.loads(text))
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    reason = f"{path}, line {number}: this is no recorded answer ({error}). Remove the line."
                    raise PermanentError("invalid-option", reason) from None


def _parsed(content: Any) -> Recorded:
    features = content["features"]
    if features is not None:
        features = {name: float(value) for name, value in features.items() if value is not None}
        for name, value in features.items():
            if name not in _FEATURES:
                raise ValueError(f"there is no feature {name!r}")
            if not _FEATURES[name].low <= value <= _FEATURES[name].high:
                raise ValueError(f"{name} = {value:g} is out of range")
    return Recorded(
        str(content["track_id"]),
        features,
        dict(content.get("evidence") or {}),
        str(content.get("model", "")),
        str(content.get("prompt_version", "")),
    )


def _known_ids(path: Path, model: str, prompt_version: str) -> set[str]:
    if not path.exists():
        return set()
    known = read_recording(path)
    others = {(line.model, line.prompt_version) for line in known} - {(model, prompt_version)}
    if others:
        made = ", ".join(f"{name} with prompt {version}" for name, version in sorted(others))
        reason = f"{path} holds answers of {made}; answers of two kinds are never mixed. Name another file."
        raise PermanentError("invalid-option", reason)
    return {line.track_id for line in known}


def _question(tracks: TrackBatch, row: int) -> Question:
    return Question(
        ref=tracks.track_id[row],
        artist=tracks.artist[row],
        title=tracks.title[row],
        album=tracks.album[row],
        duration_ms=tracks.duration_ms[row],
        release_year=tracks.release_year[row],
    )


def _recorded(track_id: str, answer: Answer | None, model: str, prompt_version: str) -> Recorded:
    if answer is None:
        return Recorded(track_id, None, {}, model, prompt_version)
    evidence = {**answer.evidence, "confidence": answer.confidence}
    return Recorded(track_id, dict(answer.features), evidence, model, prompt_version)
