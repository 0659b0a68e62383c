"""Which windows of a recording are embedded."""

import numpy as np
import pytest

from audio.recording import Recording
from core.audio import HEAD_SECONDS, Segment
from services.audio_analysis.windows import FULL_WINDOWS, Windows, choose_windows, segment_vectors

RATE_HZ = 1_000


def recording(seconds: float, silent_start_s: float = 0.0) -> Recording:
    """Each sample is its own time in seconds, so that a window tells where it was cut."""
    t = (np.arange(round(seconds * RATE_HZ)) / RATE_HZ).astype(np.float32) + 1
    t[: round(silent_start_s * RATE_HZ)] = 0
    head, rest = t[: round(HEAD_SECONDS * RATE_HZ)], t[round(HEAD_SECONDS * RATE_HZ) :]
    return Recording(seconds, RATE_HZ, head, rest[-40 * RATE_HZ :], 40.0, np.zeros(0))


def spans(windows: Windows, segment: Segment) -> list[tuple[int, int]]:
    """Starts and ends in seconds."""
    return [
        (round(float(windows.samples[index][0]) - 1), round(float(windows.samples[index][-1]) - 1))
        for index in windows.members[segment]
    ]


def test_intro_and_outro_side_by_side_and_others_between() -> None:
    windows = choose_windows(recording(300), RATE_HZ, 10.0, 30.0, 30.0)
    assert spans(windows, Segment.INTRO) == [(0, 10), (10, 20), (20, 30)]
    assert spans(windows, Segment.OUTRO) == [(270, 280), (280, 290), (290, 300)]
    assert spans(windows, Segment.FULL)[3:5] == [(53, 63), (87, 97)]
    assert len(windows.samples) == FULL_WINDOWS


def test_one_long_window_for_each_segment() -> None:
    windows = choose_windows(recording(200), RATE_HZ, 30.0, 30.0, 30.0)
    assert spans(windows, Segment.FULL) == [(0, 30), (30, 60), (60, 90), (90, 120), (170, 200)]
    assert spans(windows, Segment.OUTRO) == [(170, 200)]


@pytest.mark.parametrize("seconds", [2.0, 9.99, 10.0, 12.0, 31.0, 45.0, 60.0, 61.0, 119.0, 121.0, 135.0, 155.0])
@pytest.mark.parametrize("window_s", [10.0, 30.0])
def test_every_length_has_windows_for_every_segment(seconds: float, window_s: float) -> None:
    windows = choose_windows(recording(seconds), RATE_HZ, window_s, 30.0, 30.0)
    for segment in Segment:
        assert windows.members[segment]
        for index in windows.members[segment]:
            assert min(seconds, window_s) * RATE_HZ / 2 <= len(windows.samples[index]) <= window_s * RATE_HZ
    assert spans(windows, Segment.INTRO)[0][0] == 0
    assert spans(windows, Segment.OUTRO)[-1][1] == pytest.approx(seconds, abs=0.6 + 0.5 * window_s)
    assert len(windows.samples) <= FULL_WINDOWS


def test_silence_at_the_start_is_no_intro() -> None:
    windows = choose_windows(recording(200, silent_start_s=15), RATE_HZ, 10.0, 30.0, 30.0)
    assert spans(windows, Segment.INTRO)[0] == (15, 25)


def test_a_rest_is_reached_by_going_back() -> None:
    windows = choose_windows(recording(200), RATE_HZ, 10.0, 17.0, 12.0)
    assert spans(windows, Segment.INTRO) == [(0, 10), (7, 17)]
    assert spans(windows, Segment.OUTRO) == [(188, 198)]


def test_a_segment_is_the_normalized_mean_of_its_windows() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    found = segment_vectors({Segment.INTRO: (0,), Segment.FULL: (0, 1, 2)}, vectors)
    np.testing.assert_allclose(found[Segment.INTRO], [1, 0])
    np.testing.assert_allclose(found[Segment.FULL], np.array([1, 2]) / np.sqrt(5), atol=1e-6)
    assert found[Segment.FULL].dtype == np.float32
