"""What resembles a track, and what tracks of given metadata are expected to sound like."""

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.features import FEATURES, Feature

if TYPE_CHECKING:
    from core.tracks import TrackBatch
    from services.personal.audio_prediction import AudioPrediction
    from services.personal.similar import SimilarTrack, SimilarTracks

MAX_TRACKS = 500
_MAX_NAMES = 50
_DECIMALS = 3
_MAX_NUMBER = 2**31 - 1

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Names = Annotated[list[Text], Field(max_length=_MAX_NAMES)]

_SIMILAR: dict[str, Any] = {
    "track_id": 12,
    "artist": "아이유",
    "title": "좋은 날",
    "album": "Real",
    "similarity": 0.742,
    "shared_terms": ["artist:아이유", "genre:k-pop"],
}
_FEATURE: dict[str, Any] = {"value": 0.412, "unit": None, "uncertainty": 0.162, "interval": [0.25, 0.574]}
_FEATURES_EXAMPLE: dict[str, Any] = {
    **{feature.name: _FEATURE for feature in FEATURES},
    "tempo": {"value": 118.0, "unit": "BPM", "uncertainty": 24.6, "interval": [93.4, 142.6]},
    "loudness": {"value": -7.6, "unit": "dB", "uncertainty": 3.1, "interval": [-10.7, -4.5]},
}


class SimilarItem(BaseModel):
    """A track of the library that resembles the one in question."""

    track_id: int
    artist: str = Field(description="All credited artists, joined with `;`.")
    title: str
    album: str | None
    similarity: float = Field(description="Cosine of the two tracks' words, 0..1.")
    shared_terms: list[str] = Field(description="What they have in common; what counts most first.")

    model_config = ConfigDict(json_schema_extra={"examples": [_SIMILAR]})

    @classmethod
    def of(cls, track: "SimilarTrack") -> Self:
        """The track as the service found it."""
        return cls(
            track_id=track.track_id,
            artist=track.artist,
            title=track.title,
            album=track.album,
            similarity=round(track.similarity, _DECIMALS),
            shared_terms=track.shared,
        )


class SimilarAnswer(BaseModel):
    """The tracks that resemble one most."""

    track_id: int
    library: int = Field(description="Tracks that were searched.")
    tracks: list[SimilarItem] = Field(description="The most similar first.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"track_id": 7, "library": 65750, "tracks": [_SIMILAR]}]})

    @classmethod
    def of(cls, found: "SimilarTracks") -> Self:
        """The answer of the service."""
        return cls(
            track_id=found.track_id, library=found.library, tracks=[SimilarItem.of(track) for track in found.tracks]
        )


class DescribedTrack(BaseModel):
    """Metadata of a track; what is left out is unknown."""

    artist: Text = Field(description="All credited artists, joined with `;`.")
    title: Text
    album: Text | None = None
    genres: Names = []
    moods: Names = []
    duration_ms: int | None = Field(None, ge=1, le=_MAX_NUMBER)
    release_year: int | None = Field(None, ge=1000, le=2999)
    explicit: bool | None = None
    popularity: int | None = Field(None, ge=0, le=100)
    track_number: int | None = Field(None, ge=1, le=_MAX_NUMBER, description="Position on the album, from 1.")
    album_total_tracks: int | None = Field(None, ge=1, le=_MAX_NUMBER)

    model_config = ConfigDict(extra="forbid")


class PredictAudioRequest(BaseModel):
    """Tracks, which need not be in the library."""

    tracks: list[DescribedTrack] = Field(min_length=1, max_length=MAX_TRACKS)

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"tracks": [{"artist": "아이유", "title": "밤편지", "album": "Palette", "genres": ["k-pop"]}]}]
        },
    )

    def batch(self) -> "TrackBatch":
        """The tracks as columns."""
        from core.tracks import TrackBatch

        names = DescribedTrack.model_fields
        columns: dict[str, Any] = {name: [getattr(track, name) for track in self.tracks] for name in names}
        return TrackBatch(track_id=[str(place) for place in range(len(self.tracks))], **columns)


class PredictedFeature(BaseModel):
    """What is expected of one feature."""

    value: float
    unit: str | None = Field(description="`BPM` or `dB`; null for a share of 0..1.")
    uncertainty: float = Field(description="Half-width of the 80 % interval, in the unit of the feature.")
    interval: tuple[float, float] = Field(description="That interval, within the range of the feature.")

    @classmethod
    def of(cls, feature: Feature, value: float, uncertainty: float) -> Self:
        """Rounded as the feature is everywhere."""
        low, high = feature.clip(value - uncertainty), feature.clip(value + uncertainty)
        return cls(
            value=round(value, feature.decimals),
            unit=feature.unit or None,
            uncertainty=round(uncertainty, feature.decimals),
            interval=(round(low, feature.decimals), round(high, feature.decimals)),
        )


class PredictedTrack(BaseModel):
    """What one track is expected to sound like."""

    artist: str
    title: str
    confidence: float = Field(description="How much more is known than of any track, 0..1.")
    features: dict[str, PredictedFeature] = Field(description="The nine audio features by name.")


class PredictAudioAnswer(BaseModel):
    """Predictions in the order of the request."""

    predictor: str
    version: str
    tracks: list[PredictedTrack]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "predictor": "m2",
                    "version": "1.0-be0b44ba",
                    "tracks": [
                        {"artist": "아이유", "title": "밤편지", "confidence": 0.31, "features": _FEATURES_EXAMPLE}
                    ],
                }
            ]
        }
    )

    @classmethod
    def of(cls, request: PredictAudioRequest, predictor: str, found: "AudioPrediction") -> Self:
        """The answer of the service, beside what was asked."""
        rows = zip(
            request.tracks,
            found.prediction.values.tolist(),
            found.prediction.uncertainty.tolist(),
            found.prediction.confidence.tolist(),
            strict=True,
        )
        return cls(
            predictor=predictor,
            version=found.version,
            tracks=[
                PredictedTrack(
                    artist=track.artist,
                    title=track.title,
                    confidence=round(confidence, _DECIMALS),
                    features={
                        feature.name: PredictedFeature.of(feature, value, half)
                        for feature, value, half in zip(FEATURES, values, halves, strict=True)
                    },
                )
                for track, values, halves, confidence in rows
            ],
        )
