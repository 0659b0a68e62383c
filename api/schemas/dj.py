"""What the DJ is asked, what it answers, and what listeners made of it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.ids import MAX_ID

if TYPE_CHECKING:
    from models.dj.suggestion import Suggestion
    from models.dj.transition import Transition as SimulatedTransition
    from services.dj.database_sets import NamedStep, NamedSuggestion

MAX_HISTORY = 1_000
MAX_EVENTS = 1_000

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Goal = Literal["maintain", "up", "down", "peak"]
Arc = Literal["steady", "build", "release", "build-peak-release", "wave"]
Action = Literal["skip", "like", "play"]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Share = Annotated[float, Field(ge=0, le=1)]

_TRANSITION: dict[str, Any] = {
    "score": 0.81,
    "bass": 0.9,
    "level": 0.8,
    "transients": 0.7,
    "phrase": 0.9,
    "out_at_s": 182.4,
    "in_at_s": 0.2,
    "length_s": 15.0,
    "out_at_beat": 16,
    "in_at_beat": 0,
    "length_beats": 32,
    "tempo_change_percent": 1.6,
}
_SUGGESTION: dict[str, Any] = {
    "track_id": 12,
    "artist": "IU",
    "title": "좋은 날",
    "score": 0.74,
    "terms": {"similarity": 0.8, "energy": 0.7, "key": 0.9},
    "weights": {"similarity": 0.4, "energy": 0.3, "key": 0.3},
    "bpm": 126.0,
    "tempo_change_percent": 1.6,
    "tempo_relation": "same",
    "camelot": "8A",
    "current_camelot": "9A",
    "why": "Sounds alike; keys 9A to 8A.",
    "relaxed": [],
    "transition": _TRANSITION,
}
_SET_TRACK: dict[str, Any] = {
    "track_id": 12,
    "artist": "IU",
    "title": "좋은 날",
    "starts_s": 0.0,
    "plays_s": 190.0,
    "in_at_s": 0.0,
    "out_at_s": 182.4,
    "target_energy": 0.5,
    "energy": 0.52,
    "suggestion": None,
    "transition": None,
}
_EVENT: dict[str, Any] = {
    "event_id": "5f0c9a52-6f2f-4f8e-9a55-0d8f2c7a3b11",
    "current_track_id": 7,
    "next_track_id": 12,
    "goal": "up",
    "action": "play",
    "played_seconds": 95.5,
    "user_id": 7,
    "rank": 1,
    "terms": {"similarity": 0.8, "energy": 0.7},
}


class RecommendRequest(BaseModel):
    """What plays, and where the energy should go. What is left out is as the settings have it."""

    current_track_id: Id
    goal: Goal = "maintain"
    top_k: int = Field(10, ge=1, le=100)
    candidate_k: int | None = Field(None, ge=1, le=10_000, description="Nearest tracks that are ranked in full.")
    history: list[Id] = Field([], max_length=MAX_HISTORY, description="Tracks that were played, the latest last.")
    playlist_id: Id | None = Field(None, description="Choose among the tracks of this playlist.")
    bpm_tolerance: float | None = Field(None, gt=0, le=50)
    simulate: int | None = Field(None, ge=0, le=20, description="Simulate the crossfade into so many of the best.")

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"current_track_id": 7, "goal": "up", "history": [3, 5]}]}
    )


class SessionRequest(BaseModel):
    """How long a set should be, and the course of its energy."""

    minutes: float = Field(30, ge=1, le=600)
    arc: Arc = "build-peak-release"
    start_track_id: Id | None = Field(None, description="The first track.")
    playlist_id: Id | None = Field(None, description="Choose among the tracks of this playlist.")
    bpm_tolerance: float | None = Field(None, gt=0, le=50)
    seed: int = Field(0, ge=0, le=2**31, description="Another seed gives another set.")

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"minutes": 30, "arc": "build-peak-release"}]}
    )


class Transition(BaseModel):
    """A simulated crossfade: scores in 0..1, where it begins in both tracks, how long it takes."""

    score: float
    bass: float = Field(description="The two low ends do not sound at once.")
    level: float = Field(description="The level of the sum neither pumps nor drops.")
    transients: float = Field(description="Onsets of both tracks meet.")
    phrase: float = Field(description="It begins where phrases begin.")
    out_at_s: float
    in_at_s: float
    length_s: float
    out_at_beat: int | None
    in_at_beat: int | None
    length_beats: int | None
    tempo_change_percent: float | None

    model_config = ConfigDict(json_schema_extra={"examples": [_TRANSITION]})

    @classmethod
    def of(cls, simulated: "SimulatedTransition | None") -> Self | None:
        """The crossfade as it was simulated."""
        return None if simulated is None else cls(**{name: getattr(simulated, name) for name in cls.model_fields})


class Ranked(BaseModel):
    """Why a track was chosen: all terms of its score in 0..1, and their weights, which sum to 1."""

    score: float
    terms: dict[str, float]
    weights: dict[str, float]
    bpm: float | None
    tempo_change_percent: float | None = Field(description="By which it is played faster.")
    tempo_relation: str | None = Field(description="same, half or double, seen from the track that plays.")
    camelot: str | None = Field(description="Its key on the Camelot wheel.")
    current_camelot: str | None
    why: str
    relaxed: list[str] = Field(description="Limits that were lifted because nothing was left within them.")
    transition: Transition | None

    @classmethod
    def of(cls, suggestion: "Suggestion", **more: Any) -> Self:
        """The suggestion as it was ranked."""
        plain = Ranked.model_fields.keys() - {"transition"}
        values = {name: getattr(suggestion, name) for name in plain}
        return cls(**values, transition=Transition.of(suggestion.transition), **more)


class DjSuggestion(Ranked):
    """A track that may come next."""

    track_id: int
    artist: str | None
    title: str | None

    model_config = ConfigDict(json_schema_extra={"examples": [_SUGGESTION]})

    @classmethod
    def named(cls, found: "NamedSuggestion") -> Self:
        """The suggestion with the track's names."""
        return cls.of(found.suggestion, track_id=found.suggestion.id, artist=found.artist, title=found.title)


class Recommendations(BaseModel):
    """Tracks that may come next, the best first; fewer than asked for where fewer are left."""

    space: str = Field(description="The embedding space in which sounds were compared.")
    tracks: int = Field(description="Analyzed tracks in the library.")
    suggestions: list[DjSuggestion]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"space": "dsp-1", "tracks": 5000, "suggestions": [_SUGGESTION]}]}
    )


class SetTrack(BaseModel):
    """A track of a set."""

    track_id: int
    artist: str | None
    title: str | None
    starts_s: float = Field(description="When it comes in, seconds from the start of the set.")
    plays_s: float = Field(description="How long it sounds, crossfades included.")
    in_at_s: float = Field(description="Where in the track it comes in.")
    out_at_s: float = Field(description="Where in the track the next one comes in.")
    target_energy: float
    energy: float | None
    suggestion: Ranked | None = Field(description="Why it was chosen; null for the first track.")
    transition: Transition | None = Field(description="From the track before.")

    @classmethod
    def named(cls, found: "NamedStep") -> Self:
        """The step with the track's names."""
        step = found.step
        plain = ("starts_s", "plays_s", "in_at_s", "out_at_s", "target_energy", "energy")
        return cls(
            track_id=step.id,
            artist=found.artist,
            title=found.title,
            **{name: getattr(step, name) for name in plain},
            suggestion=None if step.suggestion is None else Ranked.of(step.suggestion),
            transition=Transition.of(step.transition),
        )


class DjSet(BaseModel):
    """A planned set; shorter than asked for where tracks run out."""

    arc: Arc
    seconds: float
    tracks: list[SetTrack]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"arc": "build-peak-release", "seconds": 1790.0, "tracks": [_SET_TRACK]}]}
    )


class FeedbackEvent(BaseModel):
    """What a listener did when one track followed another."""

    event_id: EventId = Field(description="Chosen by the sender; an event is stored once, however often it is sent.")
    current_track_id: Id
    next_track_id: Id
    goal: Goal = "maintain"
    action: Action
    played_seconds: float | None = Field(None, ge=0, le=1_000_000, description="How long the next track was heard.")
    user_id: int | None = Field(None, ge=0, le=MAX_ID)
    rank: int | None = Field(None, ge=1, le=1_000, description="Place of the track among the suggestions.")
    terms: dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")], Share] = Field(
        {}, max_length=20, description="The terms it was suggested with; without them weights cannot be learned."
    )

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Feedback(BaseModel):
    """Events, in any order."""

    events: list[FeedbackEvent] = Field(min_length=1, max_length=MAX_EVENTS)

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"events": [_EVENT]}]})


class FeedbackStored(BaseModel):
    """What became of the events."""

    stored: int
    known: int = Field(description="Stored before.")
    unknown_tracks: list[str] = Field(description="Event ids that name a track which does not exist.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"stored": 1, "known": 0, "unknown_tracks": []}]})
