"""Planned sets: their length, their arc, and no track twice."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from dj_tracks import described, directions

from core.audio_settings import DjSettings
from core.errors import PermanentError
from models.dj.arcs import Arc, aim_at, height
from models.dj.library import Current, DjLibrary
from models.dj.session import plan

SETTINGS = DjSettings()


def made_up(n: int, seed: int = 0):
    """Tracks of two to five minutes and every energy."""
    rng = np.random.default_rng(seed)
    return {
        f"track {at}": described(
            float(rng.uniform(116, 124)),
            clarity=0.2,
            duration_s=float(rng.uniform(120, 300)),
            whole={"energy": float(rng.uniform(0.1, 0.9))},
        )
        for at in range(n)
    }


def library_of(tracks):
    n = len(tracks)
    return DjLibrary.of(list(tracks), list(tracks.values()), directions(n, seed=3), directions(n, seed=4), "test")


TRACKS = made_up(200)
LIBRARY = library_of(TRACKS)


def known(ids):
    return {id: TRACKS[id] for id in ids}


def length_s(steps):
    return steps[-1].starts_s + steps[-1].plays_s


@pytest.mark.parametrize("minutes", [10, 60])
@pytest.mark.parametrize("describe", [None, known])
def test_the_length_is_close_to_the_wish_and_no_track_comes_twice(minutes, describe):
    steps = plan(LIBRARY, None, minutes, Arc.WAVE, SETTINGS, describe=describe)
    assert abs(length_s(steps) / 60 - minutes) < 1.5
    ids = [step.id for step in steps]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("arc", list(Arc))
def test_energy_follows_the_arc(arc):
    steps = plan(LIBRARY, None, 60, arc, SETTINGS)
    off = [abs(step.energy - step.target_energy) for step in steps]
    assert np.mean(off) < 0.12
    middles = [(step.starts_s + step.plays_s / 2) / length_s(steps) for step in steps]
    heights = [height(arc, part) for part in middles]
    if np.ptp(heights) > 0.3:
        assert np.corrcoef(heights, [step.energy for step in steps])[0, 1] > 0.8


def test_times_and_mix_points_fit_together():
    steps = plan(LIBRARY, None, 40, Arc.BUILD_PEAK_RELEASE, SETTINGS, describe=known)
    assert steps[0].transition is None
    assert steps[0].starts_s == steps[0].in_at_s == 0
    for before, after in pairwise(steps):
        transition = after.transition
        assert after.suggestion.id == after.id
        assert transition.out_at_s == before.out_at_s
        assert transition.in_at_s == after.in_at_s
        assert after.starts_s == pytest.approx(before.starts_s + before.out_at_s - before.in_at_s)
        assert before.starts_s + before.plays_s == pytest.approx(after.starts_s + transition.length_s)
        assert before.out_at_s > before.in_at_s


def test_a_start_of_the_library_opens_the_set_and_another_one_plays_before():
    start = LIBRARY.current("track 7")
    assert plan(LIBRARY, start, 20, Arc.STEADY, SETTINGS)[0].id == "track 7"
    outside = Current.of(described(), *directions(2, seed=50), "test")
    steps = plan(LIBRARY, outside, 20, Arc.STEADY, SETTINGS)
    assert steps[0].suggestion is not None
    assert steps[0].starts_s == 0


def test_seeds_give_other_sets_and_the_same_seed_the_same():
    sets = [[step.id for step in plan(LIBRARY, None, 30, Arc.BUILD, SETTINGS, seed)] for seed in (1, 1, 2, 3)]
    assert sets[0] == sets[1]
    assert len({tuple(ids) for ids in sets}) == 3


def test_a_wider_beam_finds_better_sets_of_a_better_length():
    def quality(beam):
        settings = SETTINGS.model_copy(update={"session_beam": beam})
        sets = [
            plan(LIBRARY, LIBRARY.current(start), 45, Arc.BUILD_PEAK_RELEASE, settings, seed)
            for start in ("track 3", "track 50", "track 120")
            for seed in range(3)
        ]
        scores = np.mean([np.mean([step.suggestion.score for step in steps[1:]]) for steps in sets])
        missed_s = np.mean([abs(length_s(steps) - 45 * 60) for steps in sets])
        return scores, missed_s

    (narrow_score, narrow_missed_s), (wide_score, wide_missed_s) = quality(1), quality(8)
    assert wide_score > narrow_score
    assert wide_missed_s < narrow_missed_s / 2


def test_the_set_ends_where_tracks_run_out():
    few = library_of(dict(list(TRACKS.items())[:4]))
    steps = plan(few, None, 600, Arc.BUILD, SETTINGS)
    assert len(steps) == 4
    alone = library_of({"alone": described()})
    assert [step.id for step in plan(alone, None, 60, Arc.WAVE, SETTINGS)] == ["alone"]
    outside = Current.of(described(), *directions(2, seed=50), "test")
    assert [step.id for step in plan(alone, outside, 60, Arc.WAVE, SETTINGS)] == ["alone"]


def test_nothing_is_planned_of_nothing():
    empty = DjLibrary.of([], [], np.empty((0, 32), np.float32), np.empty((0, 32), np.float32), "test")
    assert plan(empty, None, 60, Arc.WAVE, SETTINGS) == []
    for minutes in (0, -5, float("nan")):
        assert plan(LIBRARY, None, minutes, Arc.WAVE, SETTINGS) == []


def test_one_long_mix_is_a_whole_set():
    long = library_of({"mix": described(duration_s=7200.0)})
    assert [step.id for step in plan(long, None, 30, Arc.BUILD, SETTINGS)] == ["mix"]


def test_lengths_and_energies_that_are_not_known_do_no_harm():
    table = LIBRARY.table()
    numbers = table.numbers.copy()
    numbers[:, ::2] = np.nan
    steps = plan(DjLibrary(replace(table, numbers=numbers)), None, 30, Arc.BUILD, SETTINGS)
    assert 20 < length_s(steps) / 60 < 40
    unknown = plan(DjLibrary(replace(table, numbers=np.full_like(numbers, np.nan))), None, 30, Arc.BUILD, SETTINGS)
    assert 20 < length_s(unknown) / 60 < 40


def test_short_tracks_come_in_before_they_go_out():
    shorts = {at: described(120.0, duration_s=31.0 + at % 7) for at in range(60)}
    steps = plan(library_of(shorts), None, 10, Arc.WAVE, SETTINGS, describe=lambda ids: {id: shorts[id] for id in ids})
    assert all(step.plays_s > 0 and step.out_at_s > step.in_at_s for step in steps)
    assert 7 < length_s(steps) / 60 < 13


def test_another_space_is_refused():
    outside = Current.of(described(), *directions(2, seed=50), "other")
    with pytest.raises(PermanentError) as refused:
        plan(LIBRARY, outside, 30, Arc.BUILD, SETTINGS)
    assert refused.value.code == "embedding-space-mismatch"


def test_arcs_go_where_they_say():
    assert height(Arc.BUILD, 0) < height(Arc.BUILD, 0.5) < height(Arc.BUILD, 1) == 1
    assert height(Arc.RELEASE, 0) > height(Arc.RELEASE, 1)
    peak = Arc.BUILD_PEAK_RELEASE
    assert height(peak, 0.65) == 1 > max(height(peak, 0), height(peak, 1))
    assert aim_at(Arc.BUILD, 0.5, 0.2, 0.8).hype == 1
    assert aim_at(Arc.RELEASE, 1.0, 0.2, 0.8).hype == -1
    assert aim_at(Arc.STEADY, 0.3, 0.2, 0.8) == aim_at(Arc.STEADY, 0.9, 0.2, 0.8)
    assert aim_at(Arc.BUILD, 1.0, 0.2, 0.8).energy == pytest.approx(0.8)
