"""The three means, the targets, and where the variance lies."""

from pathlib import Path

import numpy as np
import pytest

from core.features import FEATURE_NAMES
from core.tracks import TrackBatch
from models.evaluation.baselines import (
    ARTIST_MEAN,
    ARTIST_SHRINKAGE,
    GENRE_MEAN,
    GENRE_SHRINKAGE,
    GLOBAL_MEAN,
    fit_baselines,
)
from models.evaluation.thresholds import targets_met, variance_report, variance_within
from models.training_data import ReferenceTable


def table_of(artist: list[str], genres: list[list[str]], energy: list[float], album: list[str] | None = None):
    targets = np.zeros((len(artist), 9), dtype=np.float32)
    targets[:, 1] = energy
    tracks = TrackBatch(
        track_id=[str(i) for i in range(len(artist))],
        artist=artist,
        genres=genres,
        album=list(album) if album else [],
    )
    return ReferenceTable(Path("t.parquet"), tracks, targets, np.array(["train"] * len(artist)), np.array(artist))


def energy_of(baseline, artist: str, genres: list[str]) -> float:
    return float(baseline(TrackBatch(track_id=["x"], artist=[artist], genres=[genres]))[0, 1])


def test_means_are_drawn_towards_the_more_general_one() -> None:
    table = table_of(["A;X", "a", "B", "C"], [["rock"], ["rock"], ["pop"], ["pop"]], [0.8, 0.8, 0.2, 0.6])
    baselines = fit_baselines(table)
    overall, rock = 0.6, 0.6 + 2 * 0.2 / (2 + GENRE_SHRINKAGE)
    assert energy_of(baselines[GLOBAL_MEAN], "A", ["rock"]) == pytest.approx(overall)
    assert energy_of(baselines[GENRE_MEAN], "A", ["rock"]) == pytest.approx(rock)
    assert energy_of(baselines[ARTIST_MEAN], "A", ["rock"]) == pytest.approx(
        rock + 2 * (0.8 - rock) / (2 + ARTIST_SHRINKAGE)
    )


def test_the_unknown_get_the_more_general_mean() -> None:
    baselines = fit_baselines(table_of(["A", "B"], [["rock"], ["pop"]], [0.8, 0.2]))
    assert energy_of(baselines[GENRE_MEAN], "A", ["jazz"]) == pytest.approx(0.5)
    rock = energy_of(baselines[GENRE_MEAN], "A", ["rock"])
    assert energy_of(baselines[ARTIST_MEAN], "Z", ["rock"]) == pytest.approx(rock)


def test_no_tracks_give_no_values() -> None:
    baselines = fit_baselines(table_of(["A"], [[]], [0.8]))
    assert [baseline(TrackBatch()).shape for baseline in baselines.values()] == [(0, 9)] * 3


def test_variance_within_groups_is_pooled() -> None:
    targets = np.zeros((6, 9))
    targets[:, 0] = [0.0, 0.2, 0.5, 0.7, 0.9, 0.3]
    found = variance_within(["a", "a", "b", "b", "c", None], targets)
    assert (found.groups, found.tracks) == (2, 4)
    # Squares of 0.1 four times, over 4 - 2 degrees of freedom.
    assert found.variance[0] == pytest.approx(0.02)
    assert found.variance[1] == 0


def test_without_a_group_of_two_there_is_no_variance_within() -> None:
    found = variance_within(["a", "b", None], np.ones((3, 9)))
    assert (found.groups, found.tracks) == (0, 0)
    assert np.isnan(found.variance).all()


def test_albums_of_different_artists_are_different_albums() -> None:
    artists, albums = ["A", "A", "B", "C"], ["Hits", "hits", "Hits", "Solo"]
    report = variance_report(table_of(artists, [[]] * 4, [0.1, 0.3, 0.9, 0.5], albums))
    assert (report.within_album.groups, report.within_album.tracks) == (1, 2)
    assert report.within_album.variance[1] == pytest.approx(0.02)
    assert report.total[1] == pytest.approx(np.var([0.1, 0.3, 0.9, 0.5]))


def test_targets_are_met_up_to_their_bound() -> None:
    mse = dict.fromkeys(FEATURE_NAMES, 0.04) | {"tempo": 401.0}
    met = targets_met(list(mse.values()))
    assert "loudness" not in met
    assert [name for name, ok in met.items() if ok] == ["acousticness", "instrumentalness", "liveness", "speechiness"]
