"""The audio of tracks: what was heard, what is to be heard, how far that is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from core.ids import MAX_ID

_DESCRIPTION_EXAMPLE: dict[str, Any] = {
    "duration_s": 242.8,
    "tempo": {
        "bpm": 128.02,
        "confidence": 0.93,
        "candidates": [{"bpm": 128.02, "weight": 0.9}, {"bpm": 64.01, "weight": 0.08}],
    },
    "key": {
        "name": {"root": 9, "mode": "minor"},
        "clarity": 0.64,
        "confidence": 0.88,
        "runner_up": {"root": 0, "mode": "major"},
    },
    "loudness_lufs": -8.9,
    "texture": {
        "energy": 0.82,
        "sub": 0.21,
        "bass": 0.33,
        "low_mid": 0.18,
        "onset_density": 4.1,
        "brightness": 0.52,
        "vocal_presence": 0.31,
        "percussive_ratio": 0.47,
    },
    "intro": {"start_s": 0.0, "seconds": 30.0, "rms_stability": 0.91, "mixability": 0.77},
    "outro": {"start_s": 212.8, "seconds": 30.0, "rms_stability": 0.84, "mixability": 0.69},
    "beats_s": [0.12, 0.59, 1.06],
    "outro_beats_s": [212.9, 213.4],
}
_AUDIO_EXAMPLE: dict[str, Any] = {
    "track_id": 7,
    "audio_uri": "IU/Palette/04 밤편지.flac",
    "state": "analyzed",
    "error_code": None,
    "error_message": None,
    "version": "1",
    "analyzed_at": "2026-05-04T09:30:02Z",
    "spaces": ["dsp-1"],
    "description": _DESCRIPTION_EXAMPLE,
}
_STATUS_EXAMPLE: dict[str, Any] = {
    "tracks": 500,
    "analyzed": 450,
    "failed": 50,
    "lacking": 0,
    "failed_by_code": {"audio-unreadable": 50},
    "embedded_by_space": {"dsp-1": 450},
    "waiting": 0,
    "rate_per_s": None,
}


class AnalyzeRequest(BaseModel):
    """Which audio to listen to."""

    track_ids: list[Annotated[int, Field(ge=1, le=MAX_ID)]] | None = Field(
        None, min_length=1, max_length=10_000, description="These tracks alone; by default all that have audio."
    )
    mode: Literal["changed", "retry-failed", "all"] = Field(
        "changed",
        description="`changed`: files that are new, changed, or were analyzed by an older version. `retry-failed`: "
        "these, and files that could not be analyzed. `all`: every file again.",
    )

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"track_ids": [7, 8], "mode": "changed"}]}
    )


class TrackAudio(BaseModel):
    """What was heard in the audio of a track, or why nothing was."""

    track_id: int
    audio_uri: str | None = Field(description="Where the audio is.")
    state: Literal["analyzed", "failed"]
    error_code: str | None
    error_message: str | None
    version: str = Field(description="Version of the descriptors.")
    analyzed_at: datetime
    spaces: list[str] = Field(description="Spaces in which the intro, the outro and the whole have vectors.")
    description: dict[str, Any] | None = Field(
        description="Tempo, key, loudness, texture, intro, outro and beats; docs/AUDIO.md tells what they mean."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [_AUDIO_EXAMPLE]})

    @classmethod
    def of(cls, audio: Mapping[str, Any]) -> Self:
        """The audio as `db.repositories.audio_reports.get_audio` returns it, where there is an analysis."""
        analysis = audio["analysis"]
        return cls(
            track_id=audio["id"],
            audio_uri=audio["audio_uri"],
            state="analyzed" if analysis["error_code"] is None else "failed",
            **{name: analysis[name] for name in cls.model_fields if name in analysis},
        )


class AudioStatus(BaseModel):
    """Counts over all tracks that have audio."""

    tracks: int = Field(description="Tracks that have audio: `analyzed`, `failed` and `lacking` together.")
    analyzed: int
    failed: int = Field(description="Tracks whose audio cannot be analyzed.")
    lacking: int = Field(description="Tracks whose audio has not been listened to yet, or not by this version.")
    failed_by_code: dict[str, int]
    embedded_by_space: dict[str, int] = Field(description="Tracks with vectors, by the space of these.")
    waiting: int = Field(description="Tracks queued or in the hands of a worker.")
    rate_per_s: float | None = Field(description="Tracks a second over the last 15 s.")

    model_config = ConfigDict(json_schema_extra={"examples": [_STATUS_EXAMPLE]})
