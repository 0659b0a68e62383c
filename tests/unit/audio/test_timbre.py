"""Low end, brightness, level and voice of sounds whose answers are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.timbre import brightness, frame_colors, low_end_shares
from audio.voice import gliding_power, vocal_presence

ALL = slice(4, -4)


def _tone(
    frequency_hz: float | NDArray[np.float64], seconds: float = 4.0, amplitude: float = 0.5
) -> NDArray[np.float32]:
    n = int(seconds * ANALYSIS_RATE_HZ)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(frequency_hz, n)) / ANALYSIS_RATE_HZ
    return (amplitude * np.sin(phase)).astype(np.float32)


def _presence(y: NDArray[np.float32]) -> float:
    return vocal_presence(*gliding_power(Spectra(y)))


@pytest.mark.parametrize(("frequency_hz", "band"), [(40.0, 0), (100.0, 1), (250.0, 2)])
def test_each_band_hears_its_tone(frequency_hz: float, band: int) -> None:
    shares = low_end_shares(frame_colors(Spectra(_tone(frequency_hz))), ALL)
    assert shares[band] > 0.95
    assert sum(shares) == pytest.approx(1.0, abs=0.01)


def test_shares_add_up_by_power() -> None:
    y = _tone(100.0, amplitude=0.2) + _tone(3_000.0, amplitude=0.1)
    _, bass, _ = low_end_shares(frame_colors(Spectra(y)), ALL)
    assert bass == pytest.approx(0.8, abs=0.02)


def test_power_is_that_of_the_samples() -> None:
    y = np.random.default_rng(5).normal(0, 0.1, ANALYSIS_RATE_HZ * 4).astype(np.float32)
    assert frame_colors(Spectra(y)).power[ALL].mean() == pytest.approx(np.square(y).mean(), rel=0.03)


def test_brightness_rises_with_frequency() -> None:
    values = [brightness(frame_colors(Spectra(_tone(f))), ALL) for f in (110.0, 440.0, 1_000.0, 4_000.0, 9_900.0)]
    assert values == sorted(values)
    assert values[0] < 0.15
    assert values[2] == pytest.approx(0.5, abs=0.03)
    assert values[-1] > 0.95


def test_a_voice_glides_an_organ_does_not() -> None:
    t = np.arange(4 * ANALYSIS_RATE_HZ) / ANALYSIS_RATE_HZ
    vibrato = 2 ** (np.sin(2 * np.pi * 5.5 * t) / 12)
    sung = sum(_tone(330.0 * k * vibrato, amplitude=0.3 / k) for k in (1, 2, 3, 4))
    played = sum(_tone(330.0 * k, amplitude=0.3 / k) for k in (1, 2, 3, 4))
    hiss = np.random.default_rng(6).normal(0, 0.3, len(t)).astype(np.float32)
    assert _presence(np.asarray(sung)) > 0.7
    assert _presence(np.asarray(played)) < 0.05
    assert _presence(hiss) < 0.3
    assert 0.05 < _presence(np.asarray(sung) * np.float32(0.5) + hiss) < _presence(np.asarray(sung))


@pytest.mark.parametrize("samples", [0, 1, 3_000, 30_000])
def test_silence_has_no_color(samples: int) -> None:
    spectra = Spectra(np.zeros(samples, np.float32))
    colors = frame_colors(spectra)
    everything = slice(None)
    assert low_end_shares(colors, everything) == (0.0, 0.0, 0.0)
    assert brightness(colors, everything) == 0.0
    assert vocal_presence(*gliding_power(spectra)) == 0.0
