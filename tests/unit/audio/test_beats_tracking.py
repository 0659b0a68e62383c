"""Beats: on the onsets, to the hundredth of a second."""

import numpy as np
import pytest

from audio.beats import track_beats
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from tests.made_music import beat_grid, drums


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
