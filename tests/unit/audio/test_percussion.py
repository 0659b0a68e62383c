"""Medians by a sorting network, and the share of percussion."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from audio.percussion import WIDTH, medians, percussive_power
from audio.spectra import ANALYSIS_RATE_HZ, Spectra


def _ratio(y: NDArray[np.float32]) -> float:
    percussive, power = percussive_power(Spectra(y))
    return float(percussive.sum() / power.sum())


def _chord(seconds: float = 6.0) -> NDArray[np.float32]:
    t = np.arange(int(seconds * ANALYSIS_RATE_HZ)) / ANALYSIS_RATE_HZ
    partials = [220.0 * interval * k for interval in (1, 1.26, 1.5) for k in (1, 2, 3)]
    return np.sum([0.05 * np.sin(2 * np.pi * f * t) for f in partials], axis=0).astype(np.float32)


def _clicks(seconds: float = 6.0) -> NDArray[np.float32]:
    y = np.zeros(int(seconds * ANALYSIS_RATE_HZ), np.float32)
    burst = np.random.default_rng(3).normal(0, 0.5, 600) * np.exp(-np.arange(600) / 120)
    for start in range(1_000, len(y) - 600, ANALYSIS_RATE_HZ // 4):
        y[start : start + 600] += burst.astype(np.float32)
    return y


@pytest.mark.parametrize("axis", [0, 1])
def test_the_network_sorts(axis: int) -> None:
    values = np.random.default_rng(1).normal(size=(40, 50)).astype(np.float32)
    cut = slice(WIDTH // 2, -(WIDTH // 2))
    expected = median_filter(values, (WIDTH, 1) if axis == 0 else (1, WIDTH))
    assert np.array_equal(medians(values, axis), expected[cut] if axis == 0 else expected[:, cut])


def test_chords_drums_and_both() -> None:
    chord, clicks = _ratio(_chord()), _ratio(_clicks())
    assert chord < 0.15
    assert clicks > 0.8
    assert chord < _ratio(_chord() + _clicks()) < clicks


def test_blocks_do_not_show() -> None:
    y = _chord(9.0) + _clicks(9.0)
    percussive, power = percussive_power(Spectra(y))
    assert len(power) == len(percussive) > 128
    later, later_power = percussive_power(Spectra(y[1024 * 64 :]))
    # Apart from the edge, it does not matter where a frame lies.
    assert later[8:40] == pytest.approx(percussive[72:104], rel=1e-3)
    assert later_power[8:40] == pytest.approx(power[72:104], rel=1e-3)


@pytest.mark.parametrize("samples", [0, 1, 700, 3_000])
def test_short_and_silent(samples: int) -> None:
    percussive, power = percussive_power(Spectra(np.zeros(samples, np.float32)))
    assert len(percussive) == len(power)
    assert not percussive.any()
