"""What listeners made of the DJ's choices: stored once for each event, and turned into weights."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from core.audio_settings import DjSettings, DjWeights
from db.repositories import dj
from models.dj.feedback import Feedback, FeedbackReport, learn_weights


class Action(StrEnum):
    """What a listener did."""

    SKIP = "skip"
    LIKE = "like"
    PLAY = "play"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of events."""

    stored: int
    known: int  #: Stored before, under the same event id.
    unknown_tracks: list[str]  #: Event ids that name a track which does not exist.


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights learned from feedback."""

    weights: DjWeights
    report: FeedbackReport
    choices: int  #: Choices with terms, that could be learned from.
    without_terms: int  #: Events without terms, which say nothing about weights.


def record(session: Session, events: Sequence[Mapping[str, Any]]) -> Recorded:
    """Store events; one that is stored already is not stored again. The caller commits."""
    stored, unknown = dj.add_feedback(session, events)
    return Recorded(len(stored), len(events) - len(stored) - len(unknown), unknown)


def train(session: Session, settings: DjSettings) -> Trained:
    """Learn weights from all feedback; nothing is changed by it.

    Raises
    ------
    PermanentError
        `too-little-feedback`.
    """
    choices, without_terms = choices_of([dict(event) for event in dj.read_feedback(session)])
    weights, report = learn_weights(choices, settings)
    return Trained(weights, report, len(choices), without_terms)


def choices_of(events: Sequence[Mapping[str, Any]]) -> tuple[list[Feedback], int]:
    """Events about one track after another by one listener, as one choice; and how many events have no terms.

    Choices are compared where listener, current track and goal are the same.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        if event["terms"]:
            context = (event["user_id"], event["current_track_id"], event["goal"])
            groups[*context, event["next_track_id"]].append(event)
    choices = [_choice(":".join(map(str, key[:-1])), group) for key, group in groups.items()]
    return choices, sum(not event["terms"] for event in events)


def _choice(context: str, events: Sequence[Mapping[str, Any]]) -> Feedback:
    actions = {event["action"] for event in events}
    shares = [
        min(1.0, event["played_seconds"] / event["duration_s"])
        for event in events
        if event["played_seconds"] is not None and event["duration_s"]
    ]
    return Feedback(
        context,
        events[-1]["terms"],
        liked=Action.LIKE in actions,
        skipped=Action.SKIP in actions,
        played_share=max(shares, default=None),
    )
