"""Sounds drawn at random: kits, instruments, and what has no beat and no key."""

import numpy as np

from audio.synthesis import damage, drum_sounds
from audio.synthesis.piece import Floats
from audio.synthesis.tones import RATE_HZ, Timbre, tone

Rng = np.random.Generator


def random_kit(rng: Rng) -> dict[str, drum_sounds.Recipe]:
    """A kick, a snare or clap, a hat, and one more percussion."""
    u = rng.uniform
    snare = drum_sounds.snare(u(150, 240), u(0.05, 0.18), u(0.3, 0.8), int(rng.integers(1, 3)))
    return {
        "kick": drum_sounds.swept(u(90, 300), u(38, 70), u(0.01, 0.05), u(0.06, 0.3), u(0, 0.3), u(1, 3)),
        "snare": snare if rng.random() < 0.75 else drum_sounds.clap(u(0.04, 0.15)),
        "hat": drum_sounds.metal(u(0.015, 0.08), u(3000, 6000), u(0.4, 0.9)),
        "perc": [
            drum_sounds.struck(u(500, 2600), u(0.02, 0.1)),
            drum_sounds.shaken(u(0.005, 0.04), u(0.02, 0.06)),
            drum_sounds.swept(u(150, 400), u(100, 250), 0.03, u(0.08, 0.2)),
        ][int(rng.integers(3))],
    }


def random_timbre(rng: Rng) -> Timbre:
    """A pitched instrument, plucked or sustained."""
    u = rng.uniform
    sustained = rng.random() < 0.4
    return Timbre(
        partials=int(rng.integers(4, 14)),
        rolloff=u(0.7, 1.8),
        even=u(0.2, 1.0),
        decay=0.0 if sustained else u(1, 6),
        damping=u(0, 0.6),
        attack_s=float(np.exp(u(np.log(0.003), np.log(0.12 if sustained else 0.02)))),
        vibrato_cents=u(0, 25) if sustained else 0.0,
        ensemble_cents=u(4, 15) if rng.random() < 0.3 else 0.0,
        noise=u(0, 0.1),
        gain=u(0.4, 1.0),
    )


def without_beat(rng: Rng) -> Floats:
    """Something that nobody taps to, float32 [40 s at 22,050 Hz]: noise, drones, notes at random times, syllables."""
    y = np.zeros(40 * RATE_HZ, np.float32)
    kind = rng.integers(4)
    if kind == 0:
        return damage.with_noise(y + rng.standard_normal(len(y)).astype(np.float32) * 0.1, 0, rng.uniform(0, 2), rng)
    per_s = (0, rng.uniform(0.1, 0.4), rng.uniform(0.5, 5), rng.uniform(3, 6))[kind]
    shape = float(rng.uniform(1, 6)) if kind == 3 else 1.0
    timbre, at = random_timbre(rng), 0.0
    while (at := at + rng.gamma(shape, 1 / (per_s * shape))) < 39:
        seconds = float(rng.uniform(2, 6)) if kind == 1 else float(rng.uniform(0.05, 1.0))
        note = tone(timbre, float(rng.integers(40, 80)), seconds, rng) * np.float32(rng.uniform(0.3, 1))
        start = int(at * RATE_HZ)
        y[start : start + len(note)] += note[: len(y) - start]
    return np.asarray(y / (np.abs(y).max() + 1e-9) * 0.7 + 0.001 * rng.standard_normal(len(y)), dtype=np.float32)
