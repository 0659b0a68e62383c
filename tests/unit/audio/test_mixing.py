"""Stability of the level, mixability, and the envelopes that a crossfade is simulated from."""

import numpy as np
import pytest

from audio.mixing import mix_profile, mixability, rms_stability
from audio.onset_peaks import pick_onsets

RATE_HZ = 43.0


def test_a_steady_level_is_stable_and_a_fade_is_not() -> None:
    steady = np.full(1_300, 0.01, np.float32)
    pumping = steady * (1 + 0.9 * np.sin(np.arange(1_300) * 2 * np.pi * 2 / RATE_HZ)).astype(np.float32)
    fading = steady * np.linspace(0, 1, 1_300, dtype=np.float32) ** 4
    values = [rms_stability(power, RATE_HZ) for power in (steady, pumping, fading)]
    assert values[0] == pytest.approx(1.0)
    assert values[1] > 0.85
    assert values[2] < 0.3


def test_stability_does_not_depend_on_the_level() -> None:
    power = np.random.default_rng(1).uniform(0.5, 1, 400).astype(np.float32)
    assert rms_stability(power, RATE_HZ) == pytest.approx(rms_stability(power * np.float32(1e-4), RATE_HZ), rel=1e-3)


@pytest.mark.parametrize("power", [np.zeros(0, np.float32), np.zeros(100, np.float32)])
def test_silence_is_not_stable(power: np.ndarray) -> None:
    assert rms_stability(power, RATE_HZ) == 0.0


def test_mixability_rises_with_both() -> None:
    assert mixability(0.0, 0.0) == 0.0
    assert mixability(1.0, 1.0) == pytest.approx(1.0)
    assert mixability(0.5, 0.5) < min(mixability(0.9, 0.5), mixability(0.5, 0.9))


def test_the_profile_tells_levels_in_decibels_and_onsets() -> None:
    power = np.repeat(np.array([1.0, 0.001, 0.0], np.float32), 43)
    onsets = np.zeros(258, np.float32)
    onsets[86] = 1.0
    profile = mix_profile(power / 10, power, RATE_HZ, onsets, 2 * RATE_HZ)
    assert len(profile.level) == len(profile.low_end) == len(profile.onsets) == 60
    assert profile.level[10] == 255
    assert profile.level[30] == pytest.approx(128, abs=1)
    assert profile.level[50] == 0
    assert profile.low_end[10] == pytest.approx(255 - 255 / 6, abs=1)
    assert profile.onsets.index(255) == 20
    assert sum(profile.onsets) == 255


def test_an_empty_part_has_an_empty_profile() -> None:
    empty = np.zeros(0, np.float32)
    assert mix_profile(empty, empty, RATE_HZ, empty, 2 * RATE_HZ).level == b""


def test_onsets_are_picked_once_each() -> None:
    envelope = np.abs(np.random.default_rng(2).normal(0, 0.01, 860)).astype(np.float32)
    hits = np.arange(20, 860, 43)
    for hit in hits:
        envelope[hit : hit + 4] += np.array([1.0, 0.6, 0.3, 0.1], np.float32)
    assert pick_onsets(envelope, 86.0).tolist() == hits.tolist()
    assert not len(pick_onsets(np.zeros(100, np.float32), 86.0))
    assert not len(pick_onsets(np.zeros(0, np.float32), 86.0))
