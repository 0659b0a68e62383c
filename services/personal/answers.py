"""What a request for recommendations is answered with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.user_models import ModelKind
from services.personal.serving_models import ServedState


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """A model behind an answer."""

    state: ServedState
    version: str | None
    weight: float  #: Its share in the score, 0..1; 0 where it was not asked.
    reason: str | None  #: Why it is not the user's own, and what answers instead.


@dataclass(frozen=True, slots=True)
class Because:
    """Why a track is recommended."""

    text: str
    track_id: int | None  #: The track of the user that it goes back to.


@dataclass(frozen=True, slots=True)
class RecommendedTrack:
    """A track with its reasons."""

    track_id: int
    artist: str
    title: str
    album: str | None
    score: float  #: 0..1, within one answer.
    contributions: Mapping[ModelKind, float]  #: What each model adds to the score.
    reasons: Sequence[Because]  #: The strongest first.
    nearest_features: Sequence[str]  #: In which it is nearest to the user's taste.


@dataclass(frozen=True, slots=True)
class Answer:
    """Tracks for a user, the best first, and the models that chose them."""

    user_id: int
    candidates: int  #: Tracks that were not excluded.
    models: Mapping[ModelKind, AnsweringModel]
    tracks: Sequence[RecommendedTrack]
