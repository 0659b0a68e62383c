"""Reading Last.fm, holding out, and the table of recommenders, on a made-up society."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_listening import N_ARTISTS, N_USERS, write_listening

from core.errors import PermanentError
from services.recommender_evaluation import Request, evaluate_recommenders
from services.recommender_evaluation.lastfm import Listening, read_lastfm
from services.recommender_evaluation.rows import ROWS
from services.recommender_evaluation.splits import HELD_OUT, leave_out, leave_out_again

BASELINES = ("random", "popularity", "item-knn", "ease")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listening(tmp_path_factory.mktemp("society") / "lastfm")


@pytest.fixture(scope="module")
def listening(folder: Path) -> Listening:
    return read_lastfm(folder, folder.parent / "tracks.parquet")


def no_step(step: str, done: int, total: int | None) -> None:
    pass


# Reading


def test_artists_become_items_in_the_order_of_their_ids(listening: Listening) -> None:
    catalog = listening.catalog
    assert len(catalog) == N_ARTISTS
    assert np.all(np.diff(catalog.item_ids) > 0)
    assert catalog.artists[0] == "Artist 0"
    assert catalog.find(np.array([1000, 1003])).tolist() == [0, 3]


def test_popularity_stays_unknown_for_it_would_count_what_is_held_out(listening: Listening) -> None:
    assert np.isnan(listening.catalog.popularity).all()


def test_tags_weigh_how_often_they_were_given_and_single_ones_are_left_out(listening: Listening) -> None:
    catalog = listening.catalog
    assert "seen once" not in catalog.genre_names
    column = list(catalog.genre_names).index("scene 0")
    weights = catalog.genres.toarray()[:, column]
    assert weights[0] == 3
    assert weights[1] == 0


def test_audio_features_are_means_over_tracks_of_one_artist_however_it_is_spelled(listening: Listening) -> None:
    features = listening.catalog.features
    # Two tracks, by "ARTIST 0" and "artist 0", of energy .2 and .4.
    assert features[0, 1] == pytest.approx(0.3)
    assert np.isnan(features[5]).all()
    assert listening.matched == int((~np.isnan(features[:, 0])).sum())


def test_every_play_is_there(listening: Listening, folder: Path) -> None:
    plays = pq.read_table(folder / "plays.parquet")
    assert listening.plays.sum() == sum(plays["plays"].to_pylist())
    assert len(listening.positions) == plays.num_rows


@pytest.mark.parametrize("name", ["plays.parquet", "artists.parquet", "artist_tags.parquet"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    own = write_listening(tmp_path / "lastfm")
    (own / name).unlink()
    with pytest.raises(PermanentError, match=name) as refusal:
        read_lastfm(own, tmp_path / "tracks.parquet")
    assert refusal.value.code == "file-not-found"


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="is no folder"):
        read_lastfm(tmp_path / "nothing", tmp_path / "tracks.parquet")


def test_a_missing_table_of_tracks_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="none\\.parquet"):
        read_lastfm(folder, tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"plays": [0, *[1] * 9]}, "plays = 0 in row 1"),
        ({"plays": ["many"] * 10}, "plays that is no whole number"),
        ({"plays": [None, *[1] * 9]}, "1 rows without plays"),
        ({"artist_id": [7, *range(1000, 1009)]}, "1 rows whose artist_id is not in artists.parquet"),
        ({"artist_id": [1000] * 10}, "a user and artist twice"),
    ],
)
def test_plays_that_are_none_are_refused(columns: dict, message: str, tmp_path: Path) -> None:
    own = write_listening(tmp_path / "lastfm")
    whole = {"user_id": [1] * 10, "artist_id": list(range(1000, 1010)), "plays": [1] * 10}
    pq.write_table(pa.table(whole | columns), own / "plays.parquet")
    with pytest.raises(PermanentError, match=message) as refusal:
        read_lastfm(own, tmp_path / "tracks.parquet")
    assert refusal.value.code == "invalid-option"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    own = write_listening(tmp_path / "lastfm")
    path = own / "plays.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["plays"]), path)
    with pytest.raises(PermanentError, match="has no column plays"):
        read_lastfm(own, tmp_path / "tracks.parquet")


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    own = write_listening(tmp_path / "lastfm")
    (own / "plays.parquet").write_bytes(b"user_id,artist_id,plays\n")
    with pytest.raises(PermanentError, match="cannot be read as Parquet"):
        read_lastfm(own, tmp_path / "tracks.parquet")


# Holding out


def test_a_fifth_is_held_out_and_nothing_is_on_both_sides(listening: Listening) -> None:
    split = leave_out(listening)
    sizes = np.unique(listening.user_ids, return_counts=True)[1]
    assert len(split) == int((sizes >= 10).sum()) < N_USERS
    for history, held_out in zip(split.histories, split.held_out, strict=True):
        assert len(held_out) == round(HELD_OUT * (len(history) + len(held_out)))
        assert not np.isin(held_out, history.positions).any()
        assert np.all(np.diff(history.positions) > 0)


def test_plays_stay_with_their_artists(listening: Listening) -> None:
    split = leave_out(listening)
    known = dict(zip(zip(listening.user_ids, listening.positions, strict=True), listening.plays, strict=True))
    history = split.histories[0]
    assert [known[(1, position)] for position in history.positions] == history.plays.tolist()


def test_the_split_is_the_same_every_time_and_for_fewer_users(listening: Listening) -> None:
    whole, again, part = leave_out(listening), leave_out(listening), leave_out(listening, 10)
    assert all(np.array_equal(a, b) for a, b in zip(whole.held_out, again.held_out, strict=True))
    assert len(part) == 10
    assert np.array_equal(part.held_out[-1], whole.held_out[-1])


def test_validation_never_sees_what_is_held_out(listening: Listening) -> None:
    split = leave_out(listening)
    inner = leave_out_again(split)
    for user in range(len(split)):
        seen = np.concatenate([inner.histories[user].positions, inner.held_out[user]])
        assert np.array_equal(np.sort(seen), split.histories[user].positions)


# The table


def request(folder: Path, **options) -> Request:
    return Request(folder, folder.parent / "tracks.parquet", **options)


@pytest.fixture(scope="module")
def outcome(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("report")
    return evaluate_recommenders(request(folder, out=out, rows=(*BASELINES, "m2")), no_step)


def test_rows_stand_in_their_order(outcome) -> None:
    assert [row.name for row in outcome.report.rows] == [name for name in ROWS if name in (*BASELINES, "m2")]


def test_users_who_share_a_scene_are_better_served_by_each_other_than_by_chance(outcome) -> None:
    found = {row.name: row.interval("NDCG@100").mean for row in outcome.report.rows}
    assert found["random"] < found["popularity"] < found["ease"]
    assert found["m2"] > found["popularity"]


def test_figures_are_shares(outcome) -> None:
    for row in outcome.report.rows:
        assert 0 < row.coverage <= 1
        assert row.ms_per_user > 0
        for values in row.per_user.values():
            assert len(values) == outcome.report.data.users
            assert 0 <= values.min() <= values.max() <= 1


def test_everything_is_the_same_every_time_but_the_time_it_takes(outcome, folder: Path) -> None:
    again = evaluate_recommenders(request(folder, rows=(*BASELINES, "m2")), no_step).report
    for row, other in zip(outcome.report.rows, again.rows, strict=True):
        assert all(np.array_equal(row.per_user[name], other.per_user[name]) for name in row.per_user)
        assert (row.coverage, row.novelty) == (other.coverage, other.novelty)


def test_the_report_holds_the_figures(outcome) -> None:
    files = {path.name: path for path in outcome.files}
    document = json.loads(files["report.json"].read_text())
    assert [row["name"] for row in document["rows"]] == [row.name for row in outcome.report.rows]
    assert document["data"]["users"] == outcome.report.data.users
    assert {(each["name"], each["other"]) for each in document["comparisons"]} == {("m2", name) for name in BASELINES}
    page = files["report.md"].read_text()
    assert all(ROWS[row.name].title in page for row in outcome.report.rows)
    assert str(files["report.md"].parent) not in page


def test_without_a_folder_nothing_is_written(folder: Path) -> None:
    assert evaluate_recommenders(request(folder, rows=("random",)), no_step).files == []


def test_an_unknown_row_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="no row 'svd'"):
        evaluate_recommenders(request(tmp_path / "nothing", rows=("svd",)), no_step)


def test_weights_need_the_row_that_learns_them(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="add one to --rows"):
        evaluate_recommenders(request(folder, rows=("ease",), write_weights=tmp_path), no_step)


def test_users_of_too_few_artists_leave_nothing_to_evaluate(tmp_path: Path) -> None:
    own = write_listening(tmp_path / "lastfm")
    few = {"user_id": [1, 1, 2], "artist_id": [1000, 1001, 1002], "plays": [1, 1, 1]}
    pq.write_table(pa.table(few), own / "plays.parquet")
    with pytest.raises(PermanentError, match="no user with enough artists"):
        evaluate_recommenders(request(own), no_step)


def test_progress_is_told_of_every_user(folder: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []
    report = evaluate_recommenders(
        request(folder, rows=("random",)), lambda step, done, total: steps.append((step, done, total))
    ).report
    told = [done for step, done, _ in steps if step == "Ranking by random"]
    assert told == list(range(report.data.users))
