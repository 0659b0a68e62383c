"""Styles that methods are judged by. No method may be adjusted to them: that is what the tuning styles are for.

They were written down, with their tempi and their beats, before any method was run on them.
"""

from collections.abc import Iterator

import numpy as np

from audio.synthesis import scoring_machines as machines
from audio.synthesis import scoring_songs as songs
from audio.synthesis.damage import band_limited, clipped, through_codec, with_crackle, with_noise
from audio.synthesis.performance import Feel, Floats
from audio.synthesis.piece import PieceSpec, Style, suite


def _swinging(rng: np.random.Generator) -> Feel:
    return Feel(swing=rng.uniform(0.57, 0.67), timing_s=rng.uniform(0.004, 0.012), dynamics=0.15)


def _lightly_swung(rng: np.random.Generator) -> Feel:
    return Feel(swing=rng.uniform(0.5, 0.6), swing_unit=0.5, timing_s=rng.uniform(0.003, 0.008), dynamics=0.1)


def _human(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=rng.uniform(0.003, 0.011), dynamics=0.12)


def _expressive(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=rng.uniform(0.008, 0.016), dynamics=0.2)


def _programmed(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=0.0, dynamics=0.05)


def _noisy(y: Floats, rng: np.random.Generator) -> Floats:
    """A party behind the music, or a worn record: pink or white noise at 0 to 12 dB, clicks."""
    y = with_noise(y, rng.uniform(0, 12), float(rng.choice([0, 1])), rng)
    return with_crackle(y, rng.uniform(5, 30), rng) if rng.random() < 0.5 else y


def _coded(y: Floats, rng: np.random.Generator) -> Floats:
    """Clipped or through a telephone or neither, then encoded with few bits."""
    which = rng.integers(3)
    if which == 0:
        y = clipped(y, rng.uniform(6, 15))
    if which == 1:
        y = band_limited(y, 300, 3_400)
    return through_codec(y, str(rng.choice(["mp3", "ogg"])), 0.99)


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style("swing jazz", 110, 200, songs.swing_jazz, "the walking bass", feel=_swinging),
        Style("waltz", 90, 180, songs.waltz, "quarters, three to a bar", 3, minor=0.4, feel=_human),
        Style("funk", 92, 118, songs.funk, "snare on 2 and 4", feel=_lightly_swung),
        Style("salsa", 160, 200, songs.salsa, "quarters, as the charts count: clave over two bars", feel=_human),
        Style("trap", 124, 156, machines.trap, "as producers set it: snare on 3 only", minor=0.8, feel=_programmed),
        Style(
            "dubstep", 136, 144, machines.dubstep, "as producers set it: snare on 3 only", minor=0.8, feel=_programmed
        ),
        Style("solo piano", 66, 120, machines.solo_piano, "quarters", feel=_expressive, drift=0.012),
        Style("strings", 72, 138, machines.string_ensemble, "quarters; bowed eighths", feel=_expressive),
        Style("drifting band", 88, 168, songs.indie, "snare on 2 and 4", minor=0.4, feel=_human, drift=0.03),
        Style("noisy band", 88, 168, songs.indie, "snare on 2 and 4", minor=0.4, feel=_human, damage=_noisy),
        Style("coded band", 88, 168, songs.indie, "snare on 2 and 4", minor=0.4, feel=_human, damage=_coded),
        Style("drum and bass", 165, 180, machines.drum_and_bass, "snare on 2 and 4", minor=0.75, feel=_programmed),
        Style(
            "reggae", 62, 92, songs.reggae, "kick and cross-stick on 2 and 4, guitar between", minor=0.4, feel=_human
        ),
        Style("techno", 124, 148, machines.techno, "the kick", minor=0.85, feel=_programmed),
        Style("slow jam", 60, 80, machines.slow_jam, "snare on 2 and 4; sixteenths on the hi-hat", feel=_lightly_swung),
        Style("metal", 140, 200, songs.metal_band, "snare on 2 and 4", minor=1.0, feel=_human),
        Style("twelve-eight", 96, 132, songs.twelve_eight, "dotted quarters: four to a bar", minor=0.3, feel=_human),
    )
}


def scoring_suite(seed: int, n_per_style: int) -> Iterator[PieceSpec]:
    """Pieces to judge methods by."""
    return suite(STYLES, seed, n_per_style)
