"""Integrated loudness against the standard's coefficients and the test signals of EBU Tech 3341."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import sosfilt

from audio.loudness import SILENCE_LUFS, LoudnessMeter, integrated_lufs, k_weighting

RATE_HZ = 48_000


def _sine(
    level_dbfs: float, seconds: float, rate_hz: int = RATE_HZ, frequency_hz: float = 1_000.0
) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


def _lufs(samples: NDArray[np.float32], rate_hz: int = RATE_HZ, block: int = 48_000) -> float:
    meter = LoudnessMeter(rate_hz, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.listen(samples[start : start + block])
    return integrated_lufs(meter.steps)


def _stereo(*parts: NDArray[np.float32]) -> NDArray[np.float32]:
    y = np.concatenate(parts)
    return np.stack([y, y], axis=1)


def test_coefficients_of_the_standard() -> None:
    expected = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
    assert k_weighting(RATE_HZ) == pytest.approx(np.array(expected), abs=1e-10)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000, 192_000])
def test_a_full_scale_sine_in_one_channel(rate_hz: int) -> None:
    left = _sine(0.0, 5, rate_hz, 997.0)
    samples = np.stack([left, np.zeros_like(left)], axis=1)
    assert _lufs(samples, rate_hz) == pytest.approx(-3.01, abs=0.03)
    assert _lufs(left[:, None], rate_hz) == pytest.approx(-3.01, abs=0.03)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((-23.0, 20.0),), -23.0),
        (((-33.0, 20.0),), -33.0),
        (((-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)), -23.0),
        (((-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)), -23.0),
        (((-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)), -23.0),
    ],
)
def test_signals_of_the_ebu(parts: tuple[tuple[float, float], ...], expected: float) -> None:
    assert _lufs(_stereo(*(_sine(level, seconds) for level, seconds in parts))) == pytest.approx(expected, abs=0.1)


def test_surround_channels_count_more_and_the_low_frequency_channel_not_at_all() -> None:
    # Left and right -28, center -24, surrounds -30: case 6 of EBU Tech 3341 makes -23.
    levels = (-28.0, -28.0, -24.0, -3.0, -30.0, -30.0)
    samples = np.stack([_sine(level, 20) for level in levels], axis=1)
    assert _lufs(samples) == pytest.approx(-23.0, abs=0.1)


def test_two_channels_at_once_equal_one_after_the_other() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, (RATE_HZ * 3, 2)).astype(np.float32)
    meter = LoudnessMeter(RATE_HZ, 2)
    for start in range(0, len(noise), 1_001):
        meter.listen(noise[start : start + 1_001])
    weighted = [sosfilt(k_weighting(RATE_HZ), noise[:, channel].astype(np.float64)) for channel in (0, 1)]
    expected = sum(np.square(channel).reshape(-1, RATE_HZ // 10).mean(axis=1) for channel in weighted)
    assert meter.steps == pytest.approx(expected, rel=1e-5)


def test_silence_and_what_is_shorter_than_a_block() -> None:
    assert integrated_lufs(np.zeros(0)) == SILENCE_LUFS
    assert _lufs(np.zeros((RATE_HZ, 2), np.float32)) == SILENCE_LUFS
    assert _lufs(_stereo(_sine(-20.0, 0.2))) == pytest.approx(-20.0, abs=0.5)
