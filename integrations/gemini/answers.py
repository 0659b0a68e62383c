"""What of a model's text is believed: JSON found, entries validated, each matched with the track it was asked about."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.identity import normalized_key
from core.providers import Question
from integrations.feature_values import MIN_FEATURES, is_number, valid_features
from integrations.gemini.prompt import shown_artist, shown_title

# Bounds of the search for JSON in a text, whoever wrote it.
_MAX_CHARACTERS = 200_000
_MAX_ATTEMPTS = 300
# Words of a title that a model misspelled still meet; "live" and "love" do not.
_WORD_SIMILARITY, _SHORTEST_MISSPELLED = 0.8, 4


class TrackEntry(BaseModel):
    """One entry of the model's answer. Keys it should not have are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    index: int
    artist: str
    title: str
    known: bool = True
    confidence: Any = None
    features: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed about one track: features, or the reason for having none."""

    features: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None
    rejected: list[str] = field(default_factory=list)
    reason: str | None = None


def parse_entries(text: str, questions: Sequence[Question]) -> list[TrackEntry]:
    """The valid entries of the best JSON document in the text; empty where there is none.

    Prose or code fences may surround it. Of several documents the one with most entries about the tracks asked wins,
    then the last: a title quoted before the answer may hold JSON of its own. Where the outer brackets are broken, whole
    entries within them count as a document.
    """
    best: list[TrackEntry] = []
    best_score = (0, 0)
    for document in _documents(text[:_MAX_CHARACTERS]):
        entries = [entry for entry in map(_entry, document) if entry is not None]
        score = (sum(_is_about(entry, questions) for entry in entries), len(entries))
        if entries and score >= best_score:
            best, best_score = entries, score
    return best


def judge(entries: Sequence[TrackEntry], questions: Sequence[Question]) -> list[Verdict]:
    """A verdict for each question, in their order. An entry counts where index, artist and title all agree.

    Different tracks never have all values in common: a model that says so copied them, or was talked into them.
    """
    verdicts = [_judge_one(index, question, entries) for index, question in enumerate(questions)]
    titles = [_title_part(shown_title(question)) for question in questions]
    return [
        Verdict(reason="the values of another track")
        if any(verdict.features == other.features and title != titles[place] for place, other in enumerate(verdicts))
        and verdict.features
        else verdict
        for verdict, title in zip(verdicts, titles, strict=True)
    ]


def _judge_one(index: int, question: Question, entries: Sequence[TrackEntry]) -> Verdict:
    claimed = [entry for entry in entries if entry.index == index]
    own = [entry for entry in claimed if is_same_track(entry, question)]
    if not own:
        return Verdict(reason="about another track" if claimed else "not answered")
    if any(entry != own[0] for entry in own):
        return Verdict(reason="contradictory entries")
    entry = own[0]
    if not entry.known or not entry.features:
        return Verdict(reason="unknown to the model")
    features, rejected = valid_features(entry.features)
    if not features and not rejected:
        return Verdict(reason="unknown to the model")
    if len(features) < MIN_FEATURES:
        return Verdict(rejected=rejected, reason=f"only {len(features)} usable features")
    confidence = entry.confidence
    is_share = is_number(confidence) and 0 <= confidence <= 1
    return Verdict(features, float(confidence) if is_share else None, rejected)


# --- The same track ---------------------------------------------------------------------------------------------------


def is_same_track(entry: TrackEntry, question: Question) -> bool:
    """Whether artist and title of the entry are those asked about, apart from spelling.

    The index alone would not do: models mix up the order of long lists.
    """
    return _artists_agree(entry.artist, shown_artist(question)) and _titles_agree(entry.title, shown_title(question))


def _artists_agree(echoed: str, asked: str) -> bool:
    echoes = {_artist_part(echoed), _artist_part(echoed.replace(";", " ").replace(",", " "))}
    whole = _artist_part(asked.replace(";", " ").replace(",", " "))
    return not echoes.isdisjoint({_artist_part(asked), whole}) or _words_agree(
        _artist_part(echoed), _artist_part(asked)
    )


def _titles_agree(echoed: str, asked: str) -> bool:
    own, other = _title_part(echoed), _title_part(asked)
    return own == other or _words_agree(own, other)


def _words_agree(own: str, other: str) -> bool:
    """The same number of words, each equal or a misspelling of the other's; digits are never misspelled."""
    words, others = own.split(), other.split()
    return len(words) == len(others) and all(map(_is_misspelling, words, others))


def _is_misspelling(word: str, other: str) -> bool:
    if word == other:
        return True
    if min(len(word), len(other)) < _SHORTEST_MISSPELLED or not (word.isalpha() and other.isalpha()):
        return False
    return SequenceMatcher(None, word, other, autojunk=False).ratio() >= _WORD_SIMILARITY


def _artist_part(artist: str) -> str:
    return normalized_key(artist, "-").rpartition("|")[0]


def _title_part(title: str) -> str:
    return normalized_key("-", title).partition("|")[2]


def _is_about(entry: TrackEntry, questions: Sequence[Question]) -> bool:
    return 0 <= entry.index < len(questions) and is_same_track(entry, questions[entry.index])


# --- JSON in text -----------------------------------------------------------------------------------------------------


def _documents(text: str) -> Iterator[list[Any]]:
    """The lists of entries in a text, in order; entries that stand alone make up the last list."""
    alone: list[Any] = []
    for found in _json_values(text):
        if isinstance(found, dict) and isinstance(found.get("tracks"), list):
            yield found["tracks"]
        elif isinstance(found, list):
            yield found
        elif isinstance(found, dict) and "index" in found:
            alone.append(found)
    if alone:
        yield alone


def _json_values(text: str) -> Iterator[Any]:
    """Objects and arrays in a text, none of them part of another."""
    decoder = json.JSONDecoder()
    position = 0
    for _ in range(_MAX_ATTEMPTS):
        starts = [start for start in (text.find("{", position), text.find("[", position)) if start >= 0]
        if not starts:
            return
        start = min(starts)
        try:
            found, position = decoder.raw_decode(text, start)
        # Numbers of thousands of digits are a ValueError as well, deep nesting a RecursionError.
        except (ValueError, RecursionError):
            position = start + 1
        else:
            yield found


def _entry(record: Any) -> TrackEntry | None:
    try:
        return TrackEntry.model_validate(record)
    except ValidationError:
        return None
