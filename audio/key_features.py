"""What speaks for each of the 24 keys: one row of numbers each, the same for every root but for the rotation."""

import numpy as np
from numpy.typing import NDArray

from audio.chroma import Chroma
from audio.key_profiles import DANCE_MAJOR, DANCE_MINOR, TEMPERLEY_MAJOR, TEMPERLEY_MINOR, rotations

Floats = NDArray[np.float64]

KEYS = 24
#: Features: correlations with two published profiles, minor or not; then for major and for minor alone the loudness of
#: each degree, of each degree in the bass, and how long each chord sounds.
_BLOCKS = {"degree": 12, "bass": 12, "chord": 24}
NAMES: tuple[str, ...] = (
    "temperley",
    "dance",
    "minor",
    *(f"{mode} {block} {i}" for mode in ("major", "minor") for block, size in _BLOCKS.items() for i in range(size)),
)

_CHORD_S = 0.9
_CHORD_SHARPNESS, _CHORD_BASS = 8.0, 0.3
_TRIADS = np.stack(
    [np.roll(np.isin(np.arange(12), (0, third, 7)).astype(float), root) for third in (4, 3) for root in range(12)]
)
_TEMPERLEY = rotations(TEMPERLEY_MAJOR, TEMPERLEY_MINOR)
_DANCE = rotations(DANCE_MAJOR, DANCE_MINOR)


def standardized(values: Floats) -> Floats:
    """Zero mean and unit deviation along the last axis, or zeros where all are equal."""
    spread = values.std(axis=-1, keepdims=True)
    centered = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(np.divide(centered, spread, out=np.zeros_like(centered), where=spread > 1e-9))


def correlations(notes: Chroma) -> Floats:
    """Correlation of the mean chroma with the mean of both profiles, in -1..1, float64 [24]."""
    result: Floats = (_TEMPERLEY + _DANCE) @ standardized(notes.frames.mean(axis=0)) / (2 * np.sqrt(12))
    return result


def features(notes: Chroma) -> Floats:
    """Features of all keys, C major to B major, then C minor to B minor, float64 [24, len(NAMES)].

    Profiles alone (Krumhansl, 1990) take a key for its relative or its neighbor, since these share their notes; chords
    and basses tell which note is home (compare Noland and Sandler, "Key Estimation Using a Hidden Markov Model", 2006).
    """
    degrees = standardized(notes.frames.mean(axis=0))
    bass = standardized(notes.bass.mean(axis=0))
    chords = (KEYS * _chords(notes).mean(axis=0) - 1).reshape(2, 12)
    result = np.zeros((KEYS, len(NAMES)))
    result[:, 0] = 3 * (_TEMPERLEY @ degrees) / np.sqrt(12)
    result[:, 1] = 3 * (_DANCE @ degrees) / np.sqrt(12)
    result[12:, 2] = 1
    size = sum(_BLOCKS.values())
    for key in range(KEYS):
        root, start = key % 12, 3 + size * (key // 12)
        turned = (np.roll(degrees, -root), np.roll(bass, -root), np.roll(chords, -root, axis=1).ravel())
        result[key, start : start + size] = np.concatenate(turned)
    return result


def _chords(notes: Chroma) -> Floats:
    """Probability of each major and minor triad in each frame, [frames, 24], by templates (Fujishima, 1999)."""
    from scipy.ndimage import uniform_filter1d

    frames = round(_CHORD_S / notes.frame_s)
    tones = uniform_filter1d(notes.frames, frames, axis=0, mode="nearest")
    bass = uniform_filter1d(notes.bass, frames, axis=0, mode="nearest")
    share = bass / (bass.sum(axis=1, keepdims=True) + 1e-9)
    likeness = standardized(tones) @ standardized(_TRIADS).T / 12 + _CHORD_BASS * np.tile(share, 2)
    odds = np.exp(_CHORD_SHARPNESS * likeness)
    result: Floats = odds / odds.sum(axis=1, keepdims=True)
    return result


#: What the confidence is made of.
EVIDENCE = ("constant", "log odds", "correlation", "tonal share", "log seconds")


def evidence(notes: Chroma, key: int, probability: float, seconds: float) -> Floats:
    """What tells how likely the choice is right, float64 [len(EVIDENCE)]."""
    probability = min(max(probability, 1e-4), 1 - 1e-4)
    odds = np.log(probability / (1 - probability))
    return np.array([1.0, odds, correlations(notes)[key], notes.tonal_share, np.log(min(seconds, 60.0) / 30)])
