"""Key: all 24 of them, out of tune, under drums, and honesty where there is none."""

import numpy as np
import pytest
from made_music import cadence, drums

from audio.key import estimate_key
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from core.audio import KeyName, Mode


@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
@pytest.mark.parametrize("root", range(12))
def test_a_cadence_tells_the_key(root: int, minor: bool) -> None:
    key = estimate_key(Spectra(cadence(root, minor)))
    assert key.name == KeyName(root, Mode.MINOR if minor else Mode.MAJOR)
    assert key.runner_up not in (None, key.name)
    assert key.confidence > 0.5
    assert key.clarity > 0.5


@pytest.mark.parametrize("cents", [-40.0, 40.0])
def test_an_instrument_out_of_tune_keeps_its_key(cents: float) -> None:
    assert estimate_key(Spectra(cadence(2, False, cents=cents))).name == KeyName(2, Mode.MAJOR)


def test_drums_do_not_change_the_key() -> None:
    y = cadence(7, True) + np.float32(0.7) * drums(120.0, 12.0)
    assert estimate_key(Spectra(y)).name == KeyName(7, Mode.MINOR)


def test_drums_alone_are_less_clear_than_chords() -> None:
    alone, chords = estimate_key(Spectra(drums(120.0, 12.0))), estimate_key(Spectra(cadence(0, False)))
    assert alone.clarity < 0.5 * chords.clarity


def test_noise_has_no_sure_key() -> None:
    noise = np.random.default_rng(1).standard_normal(20 * ANALYSIS_RATE_HZ).astype(np.float32) * np.float32(0.1)
    key = estimate_key(Spectra(noise))
    assert key.confidence < 0.4
    assert key.clarity < 0.2


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(2 * ANALYSIS_RATE_HZ, np.float32),
        np.ones(2 * ANALYSIS_RATE_HZ, np.float32),
        np.full(2 * ANALYSIS_RATE_HZ, np.nan, np.float32),
    ],
    ids=["empty", "a hundred samples", "zeros", "ones", "not a number"],
)
def test_nothing_to_hear_is_no_key_and_no_error(y: np.ndarray) -> None:
    key = estimate_key(Spectra(y))
    assert key.confidence < 0.5
    assert 0 <= key.clarity <= 1


def test_clarity_separates_chords_from_drums() -> None:
    """The DJ takes keys seriously from a clarity of a half on."""
    assert estimate_key(Spectra(cadence(4, False) + np.float32(0.5) * drums(110.0, 12.0))).clarity > 0.5
    assert estimate_key(Spectra(drums(110.0, 12.0))).clarity < 0.2
