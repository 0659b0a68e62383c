"""What a user is recommended: the question, and the answer with its reasons."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.ids import MAX_ID

if TYPE_CHECKING:
    from services.personal.answers import Answer, RecommendedTrack
    from services.personal.wishes import Wish

MAX_GENRES = 100
MAX_EXCLUDED = 10_000

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Genre = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Kind = Literal["m1", "m2", "m3"]
FeatureName = Literal[
    "danceability",
    "energy",
    "valence",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
    "tempo",
    "loudness",
]

_ITEM: dict[str, Any] = {
    "track_id": 12,
    "artist": "IU",
    "title": "좋은 날",
    "album": "Real",
    "score": 0.83,
    "contributions": {"m1": 0.11, "m2": 0.2, "m3": 0.52},
    "reasons": [{"text": "because you play IU - Palette", "track_id": 7}],
    "nearest_features": ["energy", "valence"],
}
_ANSWER: dict[str, Any] = {
    "user_id": 7,
    "candidates": 64200,
    "models": {
        "m1": {"state": "personal", "version": "m1-1-5d0c9a52-6f2f4f8e", "weight": 0.15, "reason": None},
        "m2": {"state": "personal", "version": "m2-1-0d8f2c7a-3b11aa09", "weight": 0.25, "reason": None},
        "m3": {"state": "personal", "version": "m3-1-9a550d8f-2c7a3b11", "weight": 0.6, "reason": None},
    },
    "items": [_ITEM],
}


class FeatureRange(BaseModel):
    """Bounds of a feature in its unit, both inclusive."""

    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"min": 0.6}]})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class PersonalRequest(BaseModel):
    """Whom to recommend to, how many tracks and of which kind."""

    user_id: Id
    limit: int = Field(20, ge=1, description="At most MUSICSPACE_RECOMMEND__MAX_LIMIT.")
    diversity: float | None = Field(
        None, ge=0, le=1, description="0 takes the best, 1 the most different ones. Left out: as the settings have it."
    )
    genres: list[Genre] = Field([], max_length=MAX_GENRES, description="Only tracks of at least one of these.")
    exclude_genres: list[Genre] = Field([], max_length=MAX_GENRES)
    exclude_track_ids: list[Id] = Field(
        [],
        max_length=MAX_EXCLUDED,
        description="For instance what was shown lately; other versions of it do not come either.",
    )
    features: dict[FeatureName, FeatureRange] = Field(
        {}, description="Bounds of audio features; a track of which a bounded one is unknown does not come."
    )
    other_versions: bool = Field(False, description="Also other versions of what the user has, or of what is excluded.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"user_id": 7, "limit": 10, "features": {"energy": {"min": 0.6}}}]},
    )

    def wish(self) -> "Wish":
        """The question as the service takes it."""
        from services.personal.wishes import Wish

        return Wish(
            limit=self.limit,
            diversity=self.diversity,
            genres=self.genres,
            without_genres=self.exclude_genres,
            without_tracks=self.exclude_track_ids,
            features={name: (bounds.min, bounds.max) for name, bounds in self.features.items()},
            other_versions=self.other_versions,
        )


class AnsweringModel(BaseModel):
    """A model behind the answer."""

    state: Literal["personal", "fallback", "missing"] = Field(
        description="`personal`: trained for the user. `fallback`: what is known of all users, or of the library."
    )
    version: str | None
    weight: float = Field(description="Its share in the score; the shares sum to 1. 0: it was not asked.")
    reason: str | None = Field(description="Why it is not the user's own model, and what answers instead.")

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER["models"]["m1"]]})


class Reason(BaseModel):
    """Why a track is recommended."""

    text: str
    track_id: int | None = Field(description="The track of the user that it goes back to.")

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM["reasons"][0]]})


class PersonalItem(BaseModel):
    """A recommended track."""

    track_id: int
    artist: str
    title: str
    album: str | None
    score: float = Field(description="0..1; compares within one answer only.")
    contributions: dict[Kind, float] = Field(description="What each model adds to the score.")
    reasons: list[Reason] = Field(description="The strongest first.")
    nearest_features: list[str] = Field(description="Audio features in which it is nearest to the user's taste.")

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    @classmethod
    def of(cls, track: "RecommendedTrack") -> Self:
        """The track as it was chosen."""
        plain = {name: getattr(track, name) for name in cls.model_fields.keys() - {"reasons"}}
        reasons = [Reason(text=reason.text, track_id=reason.track_id) for reason in track.reasons]
        return cls(**plain, reasons=reasons)


class PersonalRecommendations(BaseModel):
    """Tracks for a user, the best first; fewer than asked for where fewer are left, and which models chose them."""

    user_id: int
    candidates: int = Field(description="Tracks among which was chosen.")
    models: dict[Kind, AnsweringModel]
    items: list[PersonalItem]

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    @classmethod
    def of(cls, answer: "Answer") -> Self:
        """The answer of the service."""
        models = {
            kind.value: AnsweringModel(state=own.state, version=own.version, weight=own.weight, reason=own.reason)
            for kind, own in answer.models.items()
        }
        return cls(
            user_id=answer.user_id,
            candidates=answer.candidates,
            models=models,
            items=[PersonalItem.of(track) for track in answer.tracks],
        )
