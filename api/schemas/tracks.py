"""A track with its nine features, each with where it came from."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from core.features import FEATURE_NAMES, FEATURES, Feature
from core.tracks import TrackBatch

_SHARE_DECIMALS = 3

_VALUE_EXAMPLE: dict[str, Any] = {
    "value": 0.412,
    "unit": None,
    "source": "blend",
    "uncertainty": 0.162,
    "interval": [0.25, 0.574],
    "confidence": 0.71,
    "model_version": "1.0",
    "updated_at": "2026-05-04T09:30:02Z",
    "route": None,
}
_FEATURES_EXAMPLE: dict[str, Any] = {
    **dict.fromkeys(FEATURE_NAMES, _VALUE_EXAMPLE),
    "tempo": {**_VALUE_EXAMPLE, "value": 118.0, "unit": "BPM", "uncertainty": 24.6, "interval": [93.4, 142.6]},
    "loudness": {**dict.fromkeys(_VALUE_EXAMPLE), "unit": "dB"},
}


class Route(BaseModel):
    """How a routed value came about: from a language model's answer, a predictor's estimate, or both."""

    strategy: str = Field(description="The strategy in use, see docs/ROUTING.md.")
    rule: str = Field(description="The rule of the strategy that decided.")
    weight: float = Field(description="Share of the language model's answer, 0..1; the predictor has the rest.")
    divergence: float = Field(description="How far the two were apart, as a share of the feature's scale.")
    between: tuple[str, str] = Field(description="The predictor, and the language model.")


class FeatureValue(BaseModel):
    """One audio feature. Everything but the unit is null while no source knows it."""

    value: float | None
    unit: str | None = Field(description="`BPM` or `dB`; null for a share of 0..1.")
    source: str | None = Field(
        description="`import`, `audio` (measured), `reference` or `reccobeats` (looked up), `routed` (a language "
        "model's answer weighed against a predictor), or the name of a predictor."
    )
    uncertainty: float | None = Field(description="Half-width of the 80 % interval, in the unit of the feature.")
    interval: tuple[float, float] | None = Field(
        description="The 80 % interval, `[low, high]`, within the range of the feature; null without an uncertainty."
    )
    confidence: float | None = Field(description="How much the source trusts its estimate of this track, 0..1.")
    model_version: str | None
    updated_at: datetime | None
    route: Route | None = Field(None, description="Of a routed value: who decided, and how.")

    model_config = ConfigDict(json_schema_extra={"examples": [_VALUE_EXAMPLE]})

    @classmethod
    def of(cls, feature: Feature, track: Mapping[str, Any]) -> Self:
        """The resolved value and the estimate behind it."""
        source = track["feature_sources"].get(feature.name)
        estimate = track["estimates"].get(source, {})
        value, uncertainty = track[feature.name], estimate.get(f"{feature.name}_uncertainty")
        return cls(
            value=_rounded(value, feature.decimals),
            unit=feature.unit or None,
            source=source,
            uncertainty=_rounded(uncertainty, feature.decimals),
            interval=_interval(feature, value, uncertainty),
            confidence=_rounded(estimate.get("confidence"), _SHARE_DECIMALS),
            model_version=estimate.get("model_version"),
            updated_at=estimate.get("updated_at"),
            route=_route(feature.name, estimate.get("evidence")),
        )


class Track(BaseModel):
    """A recording."""

    id: int
    spotify_id: str | None
    isrc: str | None
    artist: str = Field(description="All credited artists, joined with `;`.")
    title: str
    album: str | None
    genres: list[str]
    duration_ms: int | None
    release_year: int | None
    explicit: bool | None
    popularity: int | None = Field(description="0..100")
    moods: list[str]
    track_number: int | None = Field(description="Position on the album, from 1.")
    album_total_tracks: int | None
    metadata_completeness: float = Field(description="Weighted share of the metadata that is known, 0..1.")
    created_at: datetime
    features: dict[str, FeatureValue] = Field(description="The nine audio features by name.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 7,
                    "spotify_id": "3P3UA61WRQqwCXaoFOTENd",
                    "isrc": None,
                    "artist": "아이유",
                    "title": "밤편지",
                    "album": "Palette",
                    "genres": ["k-pop"],
                    "duration_ms": 253000,
                    "release_year": 2017,
                    "explicit": False,
                    "popularity": None,
                    "moods": ["calm"],
                    "track_number": 4,
                    "album_total_tracks": 10,
                    "metadata_completeness": 0.627,
                    "created_at": "2026-05-04T09:30:00Z",
                    "features": _FEATURES_EXAMPLE,
                }
            ]
        }
    )

    @classmethod
    def of(cls, track: Mapping[str, Any]) -> Self:
        """The track as `db.repositories.tracks.get_track` returns it."""
        metadata = {name: track[name] for name in cls.model_fields if name in track and name != "features"}
        return cls(
            **metadata,
            metadata_completeness=_completeness(track),
            features={feature.name: FeatureValue.of(feature, track) for feature in FEATURES},
        )


def _completeness(track: Mapping[str, Any]) -> float:
    from models.completeness import metadata_completeness

    known = {column.name: [track[column.name]] for column in fields(TrackBatch) if column.name in track}
    completeness = metadata_completeness(TrackBatch(track_id=[str(track["id"])], **known))
    return round(float(completeness[0]), _SHARE_DECIMALS)


def _route(feature: str, evidence: Mapping[str, Any] | None) -> Route | None:
    route = (evidence or {}).get("routes", {}).get(feature)
    if evidence is None or route is None:
        return None
    return Route(strategy=evidence["strategy"], between=evidence["between"], **route)


def _interval(feature: Feature, value: float | None, uncertainty: float | None) -> tuple[float, float] | None:
    if value is None or uncertainty is None:
        return None
    low, high = feature.clip(value - uncertainty), feature.clip(value + uncertainty)
    return round(low, feature.decimals), round(high, feature.decimals)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
