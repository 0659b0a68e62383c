"""What speaks for each of the 24 keys: one row of numbers each, the same for every root but for the rotation."""

import numpy as np
from numpy.typing import NDArray

from audio import key_profiles as published
from audio.chroma import Chroma

Floats = NDArray[np.float64]

KEYS = 24
_PROFILES = {
    "corpus": published.rotations(published.CORPUS_MAJOR, published.CORPUS_MINOR),
    "temperley": published.rotations(published.TEMPERLEY_MAJOR, published.TEMPERLEY_MINOR),
    "dance": published.rotations(published.DANCE_MAJOR, published.DANCE_MINOR),
    "probe tone": published.rotations(published.PROBE_MAJOR, published.PROBE_MINOR),
}
_MEAN_PROFILE = np.mean(list(_PROFILES.values()), axis=0)

#: Features by name, in the order of their columns.
NAMES: tuple[str, ...] = (
    "corpus",
    "temperley",
    "dance",
    "probe tone",
    "corpus, even",
    "temperley, even",
    "dance, even",
    "minor",
    "third",
    "sixth",
    "flat seventh",
    "flat seventh, minor",
    "leading tone",
    "leading tone, minor",
    "second",
    "bass on tonic",
    "bass on fifth",
    "V",
    "V, minor",
    "v",
    "v, minor",
    "bVII",
    "bVII, minor",
    "bVI",
    "bVI, minor",
    "ii",
    "iii, major",
    "IV",
    "iv",
    "relative",
    "V to I",
    "v to I",
    "IV to I",
    "any to I",
    "first chord",
    "windows",
)

_CHORD_S = 0.9
_CHORD_SHARPNESS, _CHORD_BASS = 8.0, 0.3
_TRIADS = np.stack(
    [np.roll(np.isin(np.arange(12), (0, third, 7)).astype(float), root) for third in (4, 3) for root in range(12)]
)
#: Keys are also told in windows of this length, so that a loud passage in another key counts once.
_WINDOW_S, _WINDOW_SHARPNESS = 8.0, 12.0
_FIRST_S = 1.3

_ROOT, _MINOR = np.arange(KEYS) % 12, np.arange(KEYS) >= 12
_TONIC, _DOMINANT, _SUBDOMINANT = np.arange(KEYS), (_ROOT + 7) % 12, (_ROOT + 5) % 12


def standardized(values: Floats) -> Floats:
    """Zero mean and unit deviation along the last axis, or zeros where all are equal."""
    spread = values.std(axis=-1, keepdims=True)
    centered = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(np.divide(centered, spread, out=np.zeros_like(centered), where=spread > 1e-9))


def correlations(notes: Chroma) -> Floats:
    """Correlation of the mean chroma with the mean of the published profiles, in -1..1, float64 [24]."""
    result: Floats = _MEAN_PROFILE @ standardized(notes.frames.mean(axis=0)) / np.sqrt(12)
    return result


def features(notes: Chroma) -> Floats:
    """Features of all keys, C major to B major, then C minor to B minor, float64 [24, len(NAMES)]."""
    named = _named(notes)
    return np.stack([named[name] for name in NAMES], axis=1)


def _named(notes: Chroma) -> dict[str, Floats]:
    """A few features that musicians would name, rather than a weight for every degree, bass note and chord.

    Those fitted well and failed on other generators of music. Profiles alone (Krumhansl, 1990) take a key for its
    relative or its neighbor, since these share their notes; cadences, the first chord and the basses tell which note is
    home (compare Noland and Sandler, "Key Estimation Using a Hidden Markov Model", 2006).
    """
    level = notes.frames.sum(axis=1, keepdims=True)
    even = notes.frames / np.maximum(level, 0.1 * level.mean() + 1e-9)
    degrees = standardized(notes.frames.mean(axis=0))
    evened = standardized(even.mean(axis=0))
    bass = standardized(notes.bass.mean(axis=0))
    named = {name: profile @ degrees / np.sqrt(12) for name, profile in _PROFILES.items()}
    for name in ("corpus", "temperley", "dance"):
        named[f"{name}, even"] = _PROFILES[name] @ evened / np.sqrt(12)
    named["minor"] = _MINOR.astype(np.float64)
    named |= _degrees(degrees)
    named["bass on tonic"], named["bass on fifth"] = bass[_ROOT] / 3, bass[_DOMINANT] / 3
    chords = _chords(notes)
    named |= _shares(np.sqrt(chords.mean(axis=0)) * 2) | _moves(chords, notes.frame_s)
    sounding = np.flatnonzero(level[:, 0] > 0.05 * level.mean())
    start = int(sounding[0]) if len(sounding) else 0
    named["first chord"] = chords[start : start + max(round(_FIRST_S / notes.frame_s), 1)].mean(axis=0)[_TONIC]
    named["windows"] = _windows(notes)
    return named


def _degrees(degrees: Floats) -> dict[str, Floats]:
    """What profiles leave open: which third, sixth and seventh are those of the mode."""

    def degree(steps: int) -> Floats:
        return np.asarray(degrees[(_ROOT + steps) % 12] / 3)

    return {
        "third": np.where(_MINOR, degree(3) - degree(4), degree(4) - degree(3)),
        "sixth": np.where(_MINOR, degree(8), degree(9)),
        "flat seventh": degree(10),
        "flat seventh, minor": _MINOR * degree(10),
        "leading tone": degree(11),
        "leading tone, minor": _MINOR * degree(11),
        "second": degree(2),
    }


def _shares(chords: Floats) -> dict[str, Floats]:
    """How long chords sound that are typical of a key, from amplitudes [24]."""
    major, minor = chords[:12], chords[12:]
    named: dict[str, Floats] = {}
    for name, shares in (
        ("V", major[_DOMINANT]),
        ("v", minor[_DOMINANT]),
        ("bVII", major[(_ROOT + 10) % 12]),
        ("bVI", major[(_ROOT + 8) % 12]),
    ):
        named[name], named[f"{name}, minor"] = shares, _MINOR * shares
    named["ii"] = minor[(_ROOT + 2) % 12]
    named["iii, major"] = np.where(_MINOR, 0.0, minor[(_ROOT + 4) % 12])
    named["IV"], named["iv"] = major[_SUBDOMINANT], minor[_SUBDOMINANT]
    named["relative"] = np.where(_MINOR, major[(_ROOT + 3) % 12], minor[(_ROOT + 9) % 12])
    return named


def _moves(chords: Floats, frame_s: float) -> dict[str, Floats]:
    """How often chords lead to the tonic, of all changes of chord."""
    lag = max(round(_CHORD_S / frame_s), 1)
    moves = chords[:-lag].T @ chords[lag:] if len(chords) > lag else np.zeros((KEYS, KEYS))
    np.fill_diagonal(moves, 0)
    moves = moves / (moves.sum() + 1e-9)
    amplitude = 4 * np.sqrt(moves)
    return {
        "V to I": amplitude[_DOMINANT, _TONIC],
        "v to I": amplitude[_DOMINANT + 12, _TONIC],
        "IV to I": np.maximum(amplitude[_SUBDOMINANT, _TONIC], amplitude[_SUBDOMINANT + 12, _TONIC]),
        "any to I": 2 * np.sqrt(moves.sum(axis=0))[_TONIC],
    }


def _windows(notes: Chroma) -> Floats:
    """Log of the mean over half overlapping windows of what the mean profile makes of each, [24]."""
    size = max(int(_WINDOW_S / notes.frame_s), 2)
    starts = range(0, max(len(notes.frames) - size // 2, 1), size // 2)
    means = np.stack([notes.frames[i : i + size].mean(axis=0) for i in starts])
    odds = np.exp(_WINDOW_SHARPNESS * (standardized(means) @ _MEAN_PROFILE.T / np.sqrt(12) - 1))
    result: Floats = np.log((odds / odds.sum(axis=1, keepdims=True)).mean(axis=0) + 0.01) / 4
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
