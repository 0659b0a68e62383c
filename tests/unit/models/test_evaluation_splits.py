"""Which track goes into which set, and which may be learned from."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import PermanentError
from core.tracks import TrackBatch
from models.evaluation.genres import main_genre, main_genres, pool_rare
from models.evaluation.splits import chosen_splits, make_split, stratify, temporal_table
from models.training_data import ReferenceTable


def table_of(rows: list[dict[str, Any]]) -> ReferenceTable:
    tracks = TrackBatch(
        track_id=[str(i) for i in range(len(rows))],
        artist=[row.get("artist", "A") for row in rows],
        title=["T"] * len(rows),
        genres=[row.get("genres", []) for row in rows],
        release_year=[row.get("year") for row in rows],
        decade=[row.get("decade") for row in rows],
        popularity=[row.get("popularity") for row in rows],
    )
    fold = np.array([row.get("fold", "train") for row in rows])
    return ReferenceTable(Path("t.parquet"), tracks, np.zeros((len(rows), 9), dtype=np.float32), fold, fold)


@pytest.mark.parametrize(
    ("row", "fold"),
    [
        ({"year": 2017}, "train"),
        ({"year": 1965, "decade": 1960}, "train"),
        ({"year": 2018}, "validation"),
        ({"year": 2020, "decade": 2020}, "validation"),
        ({"year": 2021}, "test"),
        ({"year": 2024, "fold": "artist-holdout"}, "test"),
        ({"year": 2019, "fold": "random-holdout"}, "validation"),
        ({"decade": 2000}, "train"),
        ({"decade": 1960}, "train"),
        # The 2010s reach into 2018 and 2019, the 2020s into both parts to be judged on.
        ({"decade": 2010}, None),
        ({"decade": 2020}, None),
        ({}, None),
        # Tracks of the holdouts are never learned from.
        ({"year": 2000, "fold": "artist-holdout"}, None),
        ({"decade": 1980, "fold": "random-holdout"}, None),
        # The year counts where it is known.
        ({"year": 2017, "decade": 2010}, "train"),
    ],
)
def test_the_temporal_split_goes_by_release(row: dict[str, Any], fold: str | None) -> None:
    split = temporal_table(table_of([row, {"year": 2000}, {"year": 2022}]))
    assert split.fold.tolist() == ([fold] if fold else []) + ["train", "test"]


def test_the_temporal_split_judges_both_later_periods() -> None:
    rows = [{"year": 2000 + i % 25, "popularity": 40 + i % 20} for i in range(200)]
    split = make_split("temporal", table_of(rows))
    assert split.retrained
    assert max(year or 0 for year in split.training.tracks.release_year) == 2017
    assert [(chosen.title, chosen.min_popularity) for chosen in split.sets] == [
        ("temporal 2021+", 50),
        ("temporal 2021+", None),
        ("temporal 2018-2020", 50),
        ("temporal 2018-2020", None),
    ]
    assert all((popularity or 0) >= 50 for popularity in split.sets[0].table.tracks.popularity)
    assert set(split.sets[3].table.tracks.release_year) == {2018, 2019, 2020}


def test_without_older_tracks_there_is_no_temporal_split() -> None:
    assert make_split("temporal", table_of([{"year": 2022}] * 5)).sets == []


def test_holdouts_are_judged_with_what_serves() -> None:
    rows = [
        {"fold": fold, "popularity": 60} for fold in ("train", "random-holdout", "artist-holdout") for _ in range(3)
    ]
    for name in ("random", "artist"):
        split = make_split(name, table_of(rows))
        assert not split.retrained
        assert set(split.training.fold) == {"train"}
        assert {fold for chosen in split.sets for fold in chosen.table.fold} == {f"{name}-holdout"}


def test_without_popularity_only_all_tracks_are_judged() -> None:
    rows = [{"fold": "random-holdout"}] * 5 + [{}]
    assert [chosen.min_popularity for chosen in make_split("random", table_of(rows)).sets] == [None]


def test_every_main_genre_counts_the_same() -> None:
    tags = [["rock"]] * 120 + [["pop"]] * 70 + [["jazz"]] * 10 + [[]] * 90 + [["gibberish"]] * 60
    rows = [{"genres": genres, "fold": "artist-holdout"} for genres in tags]
    drawn = stratify(table_of(rows))
    assert Counter(main_genres(drawn.tracks.genres).tolist()) == {"rock": 70, "pop": 70}
    assert stratify(table_of(rows)).tracks.track_id == drawn.tracks.track_id
    split = make_split("genre", table_of([*rows, *({"genres": ["rock"]} for _ in range(9))]))
    assert [len(chosen.table) for chosen in split.sets] == [140]


def test_split_names_are_checked() -> None:
    assert chosen_splits([]) == ["random", "artist", "temporal", "genre"]
    assert chosen_splits(["genre", "random"]) == ["random", "genre"]
    with pytest.raises(PermanentError, match="random, artist, temporal, genre") as raised:
        chosen_splits(["random", "moon"])
    assert raised.value.code == "invalid-option"


@pytest.mark.parametrize(
    ("tags", "genre"),
    [
        (["latin", "latin hip hop"], "Latin"),
        (["latin house"], "electronic"),
        (["hip pop", "r&b"], "R&B and soul"),
        (["Indie Poptimism", "pop"], "pop"),
        (["permanent wave", "rock"], "rock"),
        (["desi hip hop"], "South Asian"),
        (["black metal"], "metal"),
        # As many of each: the earlier decides.
        (["rap", "edm"], "hip hop"),
        (["gibberish"], "other"),
        ([], "no genre"),
    ],
)
def test_the_main_genre_is_the_family_of_most_tags(tags: list[str], genre: str) -> None:
    assert main_genre(tags) == genre


def test_rare_genres_are_pooled() -> None:
    names = np.array(["rock", "rock", "jazz", "no genre"])
    assert pool_rare(names, 2).tolist() == ["rock", "rock", "other", "no genre"]
