"""Described tracks for tests of the DJ: whatever a test does not name is the same for all of them."""

import numpy as np

from core.audio import (
    PROFILE_RATE_HZ,
    AudioDescription,
    Key,
    KeyName,
    MixProfile,
    Mode,
    SegmentDescription,
    Tempo,
    TempoCandidate,
    Texture,
)

SECONDS = 30.0


def texture(**values: float) -> Texture:
    """A texture of middling values."""
    usual = {
        "energy": 0.5,
        "sub": 0.1,
        "bass": 0.2,
        "low_mid": 0.2,
        "onset_density": 3.0,
        "brightness": 0.5,
        "vocal_presence": 0.3,
        "percussive_ratio": 0.5,
    }
    return Texture(**(usual | values))


def profile(bpm: float | None, first_beat_s: float = 0.0, *, low_db: float = -20.0, level_db: float = -12.0):
    """Envelopes of a steady level, with an onset on every beat; no onsets where there is no tempo."""
    n = round(SECONDS * PROFILE_RATE_HZ)
    onsets = np.zeros(n, np.uint8)
    if bpm is not None:
        beats = np.arange(first_beat_s, SECONDS, 60 / bpm)
        onsets[np.minimum(np.round(beats * PROFILE_RATE_HZ).astype(int), n - 1)] = 255
    return MixProfile(_levels(n, low_db), _levels(n, level_db), onsets.tobytes())


def _levels(n: int, db: float) -> bytes:
    return np.full(n, round(255 * (db / 60 + 1)), np.uint8).tobytes()


def segment(start_s: float, bpm: float | None, **values: float) -> SegmentDescription:
    """An intro or an outro."""
    levels = {name: values.pop(name) for name in ("low_db", "level_db") if name in values}
    mixability = values.pop("mixability", 0.6)
    return SegmentDescription(start_s, SECONDS, texture(**values), 0.8, mixability, profile(bpm, **levels))


def described(
    bpm: float | None = 120.0,
    key: tuple[int, Mode] | None = (9, Mode.MINOR),
    *,
    tempo_confidence: float = 0.9,
    clarity: float = 0.8,
    duration_s: float = 240.0,
    loudness_lufs: float = -9.0,
    whole: dict[str, float] | None = None,
    intro: dict[str, float] | None = None,
    outro: dict[str, float] | None = None,
    beats: bool = True,
) -> AudioDescription:
    """A track; `whole`, `intro` and `outro` are values of their textures, and of `segment`."""
    outro_start_s = duration_s - SECONDS
    step = 60 / bpm if bpm else 0.0
    spread = np.arange(0, 120, step) if bpm and beats else np.empty(0)
    at_end = outro_start_s + np.arange(0, SECONDS, step) if bpm and beats else np.empty(0)
    return AudioDescription(
        duration_s,
        Tempo(bpm, tempo_confidence, (TempoCandidate(bpm, 1.0),) if bpm else ()),
        Key(KeyName(*key) if key else None, clarity, 0.8),
        loudness_lufs,
        texture(**(whole or {})),
        segment(0.0, bpm if beats else None, **(intro or {})),
        segment(outro_start_s, bpm if beats else None, **(outro or {})),
        tuple(spread.tolist()),
        tuple(at_end.tolist()),
    )


def unit(*rows: object) -> np.ndarray:
    """Rows as unit vectors, float32."""
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def directions(n: int, dimensions: int = 32, seed: int = 0) -> np.ndarray:
    """Random unit vectors, float32 [n, dimensions]."""
    return unit(*np.random.default_rng(seed).standard_normal((n, dimensions)))
