"""Tempo and key in words, from records of `core.audio_records`."""

from collections.abc import Mapping
from typing import Any

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def describe_tempo(tempo: Mapping[str, Any]) -> str:
    """For example "128.0 BPM (confidence 0.93; or 64.0, 256.0)"."""
    if tempo["bpm"] is None:
        return "no beat"
    others = ", ".join(f"{candidate['bpm']:.1f}" for candidate in tempo["candidates"][1:3])
    return f"{tempo['bpm']:.1f} BPM (confidence {tempo['confidence']:.2f}{'; or ' + others if others else ''})"


def describe_key(key: Mapping[str, Any]) -> str:
    """For example "A minor (confidence 0.88, clarity 0.64; or C major)"."""
    if key["name"] is None:
        return "none"
    other = f"; or {key_name(key['runner_up'])}" if key.get("runner_up") else ""
    return f"{key_name(key['name'])} (confidence {key['confidence']:.2f}, clarity {key['clarity']:.2f}{other})"


def key_name(name: Mapping[str, Any]) -> str:
    """For example "F# minor"."""
    return f"{PITCH_NAMES[name['root']]} {name['mode']}"
