"""What a description of audio says about the nine features: tempo and loudness, measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.features import FEATURE_NAMES, FEATURES
from db.repositories.estimates import Estimates

_TEMPO, _LOUDNESS = FEATURE_NAMES.index("tempo"), FEATURE_NAMES.index("loudness")
# What the confidence of a tempo is defined for: a tapped tempo lies within this share of it.
_TOLERANCE = 0.04
_COVERED = 0.8
# Features of tracks state loudness in dB of a meter of their own, not in LUFS, and of the whole recording.
_LOUDNESS_UNCERTAINTY_DB = 1.5
# That of a track whose tempo is left out: nothing but the meter and the part that was heard can be wrong.
_LOUDNESS_CONFIDENCE = 0.9


def measured_features(descriptions: Sequence[Mapping[str, Any]], min_tempo_confidence: float) -> Estimates:
    """Tempo and loudness of described tracks (records of `core.audio_records`); other features stay unknown.

    A tempo counts from `min_tempo_confidence` on; it then gives the track's confidence.
    """
    estimates = Estimates.unknown(len(descriptions))
    estimates.confidence[:] = _LOUDNESS_CONFIDENCE
    for row, description in enumerate(descriptions):
        tempo = description["tempo"]
        if _counts(tempo, min_tempo_confidence):
            estimates.values[row, _TEMPO] = tempo["bpm"]
            estimates.uncertainty[row, _TEMPO] = tempo_uncertainty(tempo)
            estimates.confidence[row] = tempo["confidence"]
        loudness = FEATURES[_LOUDNESS].clip(description["loudness_lufs"])
        if math.isfinite(loudness):
            estimates.values[row, _LOUDNESS] = loudness
            estimates.uncertainty[row, _LOUDNESS] = _LOUDNESS_UNCERTAINTY_DB
    return estimates


def tempo_uncertainty(tempo: Mapping[str, Any]) -> float:
    """Half-width, in BPM, of an interval around the tempo that covers the tapped one in 80 % of cases.

    The confidence is the probability that the tapped tempo is within 4 %. Where it reaches 80 %, 4 % is the answer.
    Where it does not, the interval has to reach other candidates, usually half or double the tempo: the rest of the
    probability is shared among them by their weights, and the interval grows to the nearest ones until 80 % are
    covered. Without candidates that explain enough, it spans everything from 0 to double the tempo.
    """
    bpm, covered = float(tempo["bpm"]), float(tempo["confidence"])
    if covered >= _COVERED:
        return _TOLERANCE * bpm
    others = [
        (abs(candidate["bpm"] - bpm) + _TOLERANCE * candidate["bpm"], float(candidate["weight"]))
        for candidate in tempo.get("candidates", ())
        if abs(candidate["bpm"] - bpm) > _TOLERANCE * bpm
    ]
    weight = sum(weight for _, weight in others)
    for distance, own in sorted(others):
        covered += (1.0 - covered) * own / weight if weight > 0 else 0.0
        weight -= own
        if covered >= _COVERED:
            return float(min(distance, bpm))
    return bpm


def evidence(description: Mapping[str, Any], version: str) -> dict[str, Any]:
    """What the estimates of a track rest on."""
    return {
        "version": version,
        "tempo": description["tempo"],
        "key": description["key"],
        "loudness_lufs": description["loudness_lufs"],
    }


def _counts(tempo: Mapping[str, Any], min_confidence: float) -> bool:
    bpm = tempo["bpm"]
    feature = FEATURES[_TEMPO]
    return bpm is not None and tempo["confidence"] >= min_confidence and feature.low < bpm <= feature.high
