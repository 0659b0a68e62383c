"""Styles for whoever adjusts a method. Nothing here is known to the scoring styles, and nothing of theirs here."""

from collections.abc import Iterator

import numpy as np

from audio.synthesis import tuning_songs as songs
from audio.synthesis.damage import band_limited, through_codec, with_noise
from audio.synthesis.performance import Feel, Floats
from audio.synthesis.piece import PieceSpec, Style, suite


def _straight(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=rng.uniform(0.001, 0.012))


def _exact(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=0.0005, dynamics=0.03)


def _shuffled(rng: np.random.Generator) -> Feel:
    return Feel(swing=rng.uniform(0.6, 0.68), timing_s=0.008)


def _swung_sixteenths(rng: np.random.Generator) -> Feel:
    return Feel(swing=rng.uniform(0.52, 0.62), swing_unit=0.5, timing_s=0.006)


def _loose(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=0.012)


def _worn(y: Floats, rng: np.random.Generator) -> Floats:
    """One of: hiss, a small radio, a poor codec."""
    which = rng.integers(3)
    if which == 0:
        return with_noise(y, rng.uniform(6, 20), 0.6, rng)
    if which == 1:
        return band_limited(y, 220, 5_000)
    return through_codec(y, "ogg", 0.9)


_FOUR = "snare on 2 and 4"
STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style("rock", 92, 150, songs.rock, _FOUR, minor=0.35, feel=_straight),
        Style("house", 116, 130, songs.house, "the kick", minor=0.6, feel=_exact),
        Style("ballad", 60, 84, songs.ballad, "quarter notes; the piano plays eighths", feel=_straight),
        Style("march", 96, 128, songs.march, "the step: bass drum on every second", minor=0.25, feel=_straight),
        Style("bossa", 116, 150, songs.bossa, "quarter notes, as in lead sheets", feel=_straight),
        Style("shuffle blues", 80, 132, songs.shuffle_blues, "the walking bass", minor=0.3,
              feel=_shuffled),
        Style("boom bap", 82, 100, songs.boom_bap, "snare on 2 and 4", minor=0.7,
              feel=_swung_sixteenths),
        Style("half-time pop", 132, 164, songs.half_time_pop, "as producers set it: snare on 3 only", feel=_exact),
        Style("fingerpicked", 84, 132, songs.fingerpicked, "the thumb's alternating bass", minor=0.35, feel=_straight),
        Style("disco", 108, 128, songs.disco, "the kick", feel=_straight),
        Style("punk", 156, 200, songs.punk, "snare on 2 and 4", minor=0.3, feel=_straight),
        Style("country waltz", 88, 150, songs.country_waltz, "three to a bar", 3, minor=0.2, feel=_straight),
        Style("slow six-eight", 60, 80, songs.slow_six_eight, "dotted quarters", minor=0.3, feel=_straight),
        Style("trance", 130, 146, songs.trance, "the kick", minor=0.75, feel=_exact),
        Style("soul", 100, 136, songs.soul, "the snare, on every beat", minor=0.3, feel=_straight),
        Style("train beat", 96, 130, songs.train_beat, "guitar on 2 and 4", minor=0.2, feel=_straight),
        Style("garage band", 100, 160, songs.rock, _FOUR, minor=0.4, feel=_loose, drift=0.02),
        Style("worn record", 80, 136, songs.soul, "the snare, on every beat", feel=_straight, damage=_worn),
    )
}  # fmt: skip


def tuning_suite(seed: int, n_per_style: int) -> Iterator[PieceSpec]:
    """Pieces to adjust methods with; other seeds give other pieces of the same styles."""
    return suite(STYLES, seed, n_per_style)
