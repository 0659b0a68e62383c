"""Beats: on the onsets, to the hundredth of a second."""

import numpy as np
import pytest
from made_music import beat_grid, drums

from audio.beats import track_beats
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.synthesis import tuning_styles
from audio.synthesis.piece import suite


@pytest.mark.parametrize(("bpm", "drift"), [(76.0, 0.0), (128.0, 0.0), (174.0, 0.0), (120.0, 0.03)])
def test_beats_fall_on_the_drums(bpm: float, drift: float) -> None:
    true = beat_grid(bpm, 30.0, drift)
    beats = track_beats(Spectra(drums(bpm, 30.0, drift=drift)), bpm)
    off = np.abs(beats[:, None] - true).min(axis=0)
    assert np.mean(off < 0.02) > 0.95
    assert np.median(off) < 0.006
    assert len(beats) == pytest.approx(len(true), abs=2)


def test_beats_rise_and_stay_inside() -> None:
    beats = track_beats(Spectra(drums(120.0, 10.0)), 121.0)
    assert np.all(np.diff(beats) > 0.25)
    assert beats[0] >= 0
    assert beats[-1] <= 10.0


@pytest.mark.parametrize("seconds", [0.0, 0.3, 4.0])
def test_silence_has_no_beats(seconds: float) -> None:
    assert len(track_beats(Spectra(np.zeros(int(seconds * ANALYSIS_RATE_HZ), np.float32)), 120.0)) == 0


@pytest.mark.parametrize("name", ["trance", "disco", "punk"])
def test_beats_fall_on_the_beat_and_not_between(name: str) -> None:
    """Basses, open hats or guitars answer every kick half a beat later."""
    specs = suite({name: tuning_styles.STYLES[name]}, 5, 4)
    shares = []
    for piece in (spec.render() for spec in specs):
        off = np.abs(track_beats(Spectra(piece.y), piece.bpm)[:, None] - np.array(piece.beats_s)).min(axis=1)
        shares.append(np.mean(off < 0.05))
    assert np.mean(np.array(shares) > 0.7) >= 0.75


def test_beats_do_not_slip_where_the_drums_pause() -> None:
    y = drums(120.0, 40.0)
    y[12 * ANALYSIS_RATE_HZ : 20 * ANALYSIS_RATE_HZ] = 0
    beats = track_beats(Spectra(y), 120.0)
    off = np.abs(beats[:, None] - beat_grid(120.0, 40.0)).min(axis=1)
    assert np.mean(off < 0.05) > 0.95


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.5, 3.0])
def test_short_input_has_few_beats(seconds: float) -> None:
    beats = track_beats(Spectra(drums(120.0, 4.0)[: int(seconds * ANALYSIS_RATE_HZ)]), 120.0)
    assert len(beats) <= 2 * seconds + 1
