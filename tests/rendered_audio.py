"""Short pieces of music for tests, and files that are none."""

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 22_050
# A minor chord over an octave and a half: root, minor third, fifth.
_CHORD = (0, 3, 7, 12)


def render(path: Path, *, bpm: float = 120.0, seconds: float = 5.0, root: int = 9, seed: int = 0) -> Path:
    """Drums on every beat and a held minor chord, written in the format of the suffix."""
    n = int(seconds * RATE_HZ)
    times = np.arange(n) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * 220 * 2 ** ((root - 9 + step) / 12) * times) for step in _CHORD)
    y = 0.05 * chord
    noise = np.random.default_rng(seed).normal(0, 1, RATE_HZ // 10)
    kick_times = np.arange(RATE_HZ // 5) / RATE_HZ
    kick = np.sin(2 * np.pi * 55 * kick_times) * np.exp(-kick_times * 18)
    snare = noise * np.exp(-np.arange(len(noise)) / 600)
    for beat, start in enumerate(np.arange(0, n - RATE_HZ // 4, 60 / bpm * RATE_HZ).astype(int)):
        sound = 0.6 * kick if beat % 2 == 0 else 0.2 * snare
        y[start : start + len(sound)] += sound[: n - start]
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(y, -1, 1).astype(np.float32), RATE_HZ)
    return path


def damage(folder: Path) -> dict[str, str]:
    """Three files that cannot be analyzed: their names, and the codes that they fail with."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Bad - Empty.wav").write_bytes(b"")
    (folder / "Bad - Noise.mp3").write_bytes(np.random.default_rng(1).bytes(20_000))
    soundfile.write(folder / "Bad - Silent.flac", np.zeros(6 * RATE_HZ, np.float32), RATE_HZ)
    return {
        "Bad - Empty.wav": "audio-empty",
        "Bad - Noise.mp3": "audio-unreadable",
        "Bad - Silent.flac": "audio-silent",
    }
