"""Simulated crossfades."""

from dataclasses import replace

import numpy as np
import pytest
from dj_tracks import SECONDS, described, profile

from core.audio import PROFILE_RATE_HZ, MixProfile
from core.audio_settings import DjSettings
from models.dj.beat_grid import STEPS, grid_of
from models.dj.transition import LENGTHS, simulate

SETTINGS = DjSettings()
PARTS = ("bass", "level", "transients", "phrase")


def with_profile(track, part: str, profile: MixProfile):
    return replace(track, **{part: replace(getattr(track, part), profile=profile)})


def envelope(values) -> bytes:
    """A level in dB at each frame."""
    return np.clip(255 * (np.asarray(values) / 60 + 1), 0, 255).round().astype(np.uint8).tobytes()


def test_mix_points_lie_on_beats_and_inside_both_tracks():
    out, into = described(120.0), described(123.0)
    found = simulate(out, into, SETTINGS)
    assert found.out_at_s == pytest.approx(out.outro_beats_s[found.out_at_beat])
    assert found.in_at_s == pytest.approx(into.beats_s[found.in_at_beat])
    assert found.length_beats in LENGTHS
    assert found.length_s == pytest.approx(found.length_beats * 0.5)
    assert found.out_at_s + found.length_s <= out.duration_s
    assert found.in_at_s + found.length_s * 120 / 123 <= SECONDS
    assert found.tempo_change_percent == pytest.approx(100 * (120 / 123 - 1), abs=0.05)


def test_all_scores_are_in_range_and_sum_up():
    found = simulate(described(126.0), described(124.0), SETTINGS)
    parts = {name: getattr(found, name) for name in PARTS}
    assert all(0 <= value <= 1 for value in parts.values())
    weights = SETTINGS.transition_weights.model_dump()
    assert found.score == pytest.approx(sum(weights[name] * parts[name] for name in PARTS) / sum(weights.values()))


def test_two_low_ends_at_once_are_the_worst_and_one_is_no_clash():
    bass, drums = {"low_db": -12.0}, {"low_db": -50.0}
    both = simulate(described(outro=bass), described(intro=bass), SETTINGS)
    one = simulate(described(outro=bass), described(intro=drums), SETTINGS)
    assert both.bass < 0.05
    assert one.bass > 0.95


def test_a_crossfade_waits_for_the_bass_to_leave():
    """The outro loses its bass after 10 of 30 seconds, so the crossfade begins there or later."""
    frames = np.arange(round(SECONDS * PROFILE_RATE_HZ)) / PROFILE_RATE_HZ
    leaving = replace(profile(120.0), low_end=envelope(np.where(frames < 10, -12.0, -60.0)))
    out = with_profile(described(), "outro", leaving)
    found = simulate(out, described(intro={"low_db": -12.0}), SETTINGS)
    assert found.out_at_s >= out.outro.start_s + 8
    assert found.bass > 0.9


def test_equal_levels_do_not_pump_and_a_hole_does():
    steady = simulate(described(), described(), SETTINGS)
    assert steady.level == pytest.approx(1.0, abs=0.02)
    frames = np.arange(round(SECONDS * PROFILE_RATE_HZ)) / PROFILE_RATE_HZ
    gaps = envelope(np.where(frames % 2 < 1, -12.0, -40.0))
    holes = replace(profile(120.0), level=gaps)
    pumping = simulate(with_profile(described(), "outro", holes), with_profile(described(), "intro", holes), SETTINGS)
    assert pumping.level < 0.6


def test_loudness_is_matched_before():
    quiet = described(loudness_lufs=-19.0, intro={"level_db": -22.0, "low_db": -30.0})
    assert simulate(described(loudness_lufs=-9.0), quiet, SETTINGS).level > 0.95


def test_onsets_that_meet_are_better_than_onsets_that_flam():
    meeting = simulate(described(), described(), SETTINGS)
    beside = with_profile(described(), "intro", profile(120.0, first_beat_s=0.1))
    flamming = simulate(described(), beside, SETTINGS)
    assert meeting.transients > 0.9
    assert flamming.transients < 0.5


def test_no_onsets_are_no_clash():
    assert simulate(described(), with_profile(described(), "intro", profile(None)), SETTINGS).transients == 1.0


@pytest.mark.parametrize(("bpm", "beats"), [(60.0, "half"), (240.0, "double")])
def test_half_and_double_time_meet_on_the_beat(bpm, beats):
    into = described(bpm)
    found = simulate(described(120.0), into, SETTINGS)
    assert found.tempo_change_percent == pytest.approx(0.0, abs=0.1)
    assert found.in_at_s == pytest.approx(into.beats_s[found.in_at_beat])
    grid = grid_of(into.intro, into.beats_s, bpm, beats)
    assert np.allclose(np.diff(grid.beats_s), 0.5)
    assert grid.period_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("out", "into"),
    [
        (described(None), described()),
        (described(), described(None)),
        (described(), described(beats=False)),
        (described(120.0), described(90.0)),
        (described(float("nan"), beats=False), described()),
    ],
)
def test_without_a_common_beat_there_is_a_plain_fade(out, into):
    found = simulate(out, into, SETTINGS)
    assert (found.out_at_beat, found.in_at_beat, found.length_beats) == (None, None, None)
    assert found.tempo_change_percent is None
    assert found.length_s in {4.0, 8.0, 16.0}
    assert found.transients == 0.5


def test_beats_that_drift_away_from_a_steady_pace_flam():
    """A tracker may follow a drummer who speeds up; a player at a steady pace does not."""
    drifting = np.cumsum(np.r_[0.2, np.linspace(0.46, 0.54, 56)])
    frames = np.zeros(round(SECONDS * PROFILE_RATE_HZ), np.uint8)
    frames[np.round(drifting * PROFILE_RATE_HZ).astype(int)] = 255
    track = replace(described(120.0), beats_s=tuple(drifting.tolist()))
    drifter = with_profile(track, "intro", replace(track.intro.profile, onsets=frames.tobytes()))
    grid = grid_of(drifter.intro, drifter.beats_s, 120.0, "same")
    assert grid.tracked
    assert grid.period_s == pytest.approx(0.5, rel=0.02)
    assert grid.read(np.array([0, 4]), 8)[1].shape == (2, 8 * STEPS)
    steady = simulate(described(120.0), described(120.0), SETTINGS)
    assert simulate(described(120.0), drifter, SETTINGS).transients < steady.transients - 0.2


def test_a_tracker_that_lost_the_tempo_does_not_set_the_pace():
    track = described(120.0)
    lost = tuple((np.arange(60) * 0.45).tolist())
    assert grid_of(track.intro, lost, 120.0, "same").period_s == 0.5


def test_the_first_beat_of_the_bar_is_the_one_with_the_accent():
    track = described(120.0)
    frames = np.zeros(round(SECONDS * PROFILE_RATE_HZ), np.uint8)
    for beat in range(60):
        frames[beat * 10] = 255 if beat % 4 == 3 else 100
    accented = with_profile(track, "intro", replace(track.intro.profile, onsets=frames.tobytes()))
    assert grid_of(accented.intro, accented.beats_s, 120.0, "same").downbeat() == 3
    found = simulate(described(120.0), accented, SETTINGS)
    assert found.in_at_beat % 4 == 3


@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0, 4.5])
def test_recordings_of_seconds_are_mixed_somehow(seconds):
    whole = described()
    n = round(seconds * PROFILE_RATE_HZ)
    cut = MixProfile(bytes(n), bytes(n), bytes(n))
    short = replace(
        whole,
        duration_s=seconds,
        beats_s=(),
        outro_beats_s=(),
        intro=replace(whole.intro, seconds=seconds, profile=cut),
        outro=replace(whole.outro, start_s=0.0, seconds=seconds, profile=cut),
    )
    for found in (simulate(short, whole, SETTINGS), simulate(whole, short, SETTINGS), simulate(short, short, SETTINGS)):
        assert np.isfinite([found.score, found.out_at_s, found.in_at_s, found.length_s]).all()
        assert 0 <= found.score <= 1


def test_profiles_that_are_empty_or_end_early_count_as_silence():
    empty = MixProfile(b"", b"", b"")
    found = simulate(with_profile(described(), "outro", empty), described(), SETTINGS)
    assert 0 <= found.score <= 1
    grid = grid_of(with_profile(described(), "outro", empty).outro, (), None, None)
    assert grid.read(np.array([0]), 8)[1].max() < 1e-5
