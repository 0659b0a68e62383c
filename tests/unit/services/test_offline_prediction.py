"""Offline prediction: every usable row comes out, in order, whole or not at all."""

import csv
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES
from core.settings import ImportSettings
from core.tracks import TrackBatch
from models.predictors.protocol import FeaturePredictor, Prediction
from models.registry import load_predictor
from services.prediction import PredictionSummary, predict_file

SPOTIFY_ID = "4ZJn7NlmOTaSxjoHynRquQ"
PLAYLIST = f"""Track URI,Track Name,Album Name,Artist Name(s),Duration (ms),Popularity,Genres
spotify:track:{SPOTIFY_ID},밤편지,Palette,아이유,253000,70,k-pop
,Untitled,,Nobody,,,
,,,Blank Title,,,
,Untitled,,Nobody,,,
"""


@pytest.fixture(scope="module")
def m1() -> FeaturePredictor:
    return load_predictor("m1")


@pytest.fixture
def playlist(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text(PLAYLIST, encoding="utf-8")
    return path


def run(source: Path, out: Path, predictor: FeaturePredictor) -> PredictionSummary:
    return predict_file(source, out, predictor, ImportSettings(), lambda done, total: None)


def test_every_usable_row_comes_out_in_order_duplicates_too(playlist: Path, m1: FeaturePredictor) -> None:
    out = playlist.with_name("out.parquet")
    summary = run(playlist, out, m1)
    table = pyarrow.parquet.read_table(out).to_pydict()
    assert table["track_id"] == [SPOTIFY_ID, "3", "5"]
    assert table["artist"] == ["아이유", "Nobody", "Nobody"]
    assert table["energy"][1] == table["energy"][2]
    assert (summary.rows, summary.rejected, summary.version) == (3, 1, m1.version)


def test_columns_are_features_then_uncertainties_intervals_and_shares(playlist: Path, m1: FeaturePredictor) -> None:
    out = playlist.with_name("out.parquet")
    run(playlist, out, m1)
    uncertainties = [f"{name}_uncertainty" for name in FEATURE_NAMES]
    bounds = [f"{name}_{side}" for name in FEATURE_NAMES for side in ("low", "high")]
    shares = ["confidence", "metadata_completeness"]
    expected = ["track_id", "artist", "title", *FEATURE_NAMES, *uncertainties, *bounds, *shares]
    assert pyarrow.parquet.read_schema(out).names == expected


def test_intervals_lie_around_the_value_and_within_the_range(playlist: Path, m1: FeaturePredictor) -> None:
    out = playlist.with_name("out.parquet")
    run(playlist, out, m1)
    table = pyarrow.parquet.read_table(out).to_pydict()
    for feature in FEATURES:
        columns = [table[f"{feature.name}{suffix}"] for suffix in ("_low", "", "_high", "_uncertainty")]
        for low, value, high, uncertainty in zip(*columns, strict=True):
            assert feature.low <= low <= value <= high <= feature.high
            assert low == pytest.approx(max(value - uncertainty, feature.low), abs=1e-5)
            assert high == pytest.approx(min(value + uncertainty, feature.high), abs=1e-5)


def test_completeness_is_that_of_the_input(playlist: Path, m1: FeaturePredictor) -> None:
    out = playlist.with_name("out.csv")
    run(playlist, out, m1)
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["metadata_completeness"] for row in csv.DictReader(file)] == ["0.49", "0.4", "0.4"]


def test_csv_is_rounded_to_the_decimals_of_each_feature(playlist: Path, m1: FeaturePredictor) -> None:
    out = playlist.with_name("out.csv")
    run(playlist, out, m1)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["title"] for row in rows] == ["밤편지", "Untitled", "Untitled"]
    assert all(len(row["tempo"].partition(".")[2]) <= 1 for row in rows)
    assert all(len(row["energy"].partition(".")[2]) <= 3 for row in rows)


def test_rejected_rows_are_listed_beside_the_output(playlist: Path, m1: FeaturePredictor) -> None:
    summary = run(playlist, playlist.with_name("out.csv"), m1)
    assert summary.rejects_file == playlist.with_name("out.csv.rejects.csv")
    assert "blank-title" in summary.rejects_file.read_text()


def test_an_old_list_of_rejects_goes_with_a_clean_run(playlist: Path, m1: FeaturePredictor) -> None:
    stale = playlist.with_name("out.csv.rejects.csv")
    stale.write_text("old")
    playlist.write_text("artist,title\nQueen,Bohemian Rhapsody\n")
    assert run(playlist, playlist.with_name("out.csv"), m1).rejects_file is None
    assert not stale.exists()


def test_progress_ends_at_the_number_of_rows(playlist: Path, m1: FeaturePredictor) -> None:
    calls: list[tuple[int, int]] = []
    out = playlist.with_name("out.csv")
    predict_file(playlist, out, m1, ImportSettings(), lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3, 3)


class SlowPredictor:
    """The sooner a chunk comes, the longer it takes; energy tells which track it was."""

    name, version = "slow", "1"

    def __init__(self, failing: int | None = None) -> None:
        self.failing = failing
        self.asked: list[int] = []

    def predict(self, tracks: TrackBatch) -> Prediction:
        first = int(tracks.title[0])
        self.asked.append(len(tracks))
        time.sleep(0.05 / (1 + first / 500))
        if first == self.failing:
            raise PermanentError("artifact-corrupt", f"at {first}")
        values = np.tile(np.array([[int(title) / 10_000] for title in tracks.title], dtype=np.float32), 9)
        return Prediction(values, np.ones_like(values), np.ones(len(tracks), dtype=np.float32))


@pytest.fixture
def long_playlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("core.side_by_side.os.cpu_count", lambda: 4)
    path = tmp_path / "long.csv"
    path.write_text("artist,title\n" + "".join(f"Band,{row}\n" for row in range(2_300)))
    return path


def test_chunks_predicted_side_by_side_come_out_in_order(long_playlist: Path) -> None:
    calls: list[tuple[int, int]] = []
    out, predictor = long_playlist.with_name("out.parquet"), SlowPredictor()
    predict_file(long_playlist, out, predictor, ImportSettings(), lambda done, total: calls.append((done, total)))
    table = pyarrow.parquet.read_table(out).to_pydict()
    assert table["title"] == [str(row) for row in range(2_300)]
    assert table["energy"] == pytest.approx([row / 10_000 for row in range(2_300)])
    assert sorted(predictor.asked) == [300, 500, 500, 500, 500]
    assert calls == [(done, 2_300) for done in (500, 1_000, 1_500, 2_000, 2_300)]


def test_a_chunk_that_fails_ends_the_run_without_an_output(long_playlist: Path) -> None:
    out = long_playlist.with_name("out.parquet")
    with pytest.raises(PermanentError, match="at 1000"):
        run(long_playlist, out, SlowPredictor(failing=1_000))
    assert [path.name for path in long_playlist.parent.iterdir()] == ["long.csv"]


@pytest.mark.parametrize("name", ["out.txt", "out", "missing/out.csv", "in.csv"])
def test_an_output_that_cannot_be_written_is_refused_first(playlist: Path, m1: FeaturePredictor, name: str) -> None:
    with pytest.raises(PermanentError) as caught:
        run(playlist, playlist.parent / name, m1)
    assert caught.value.code == "invalid-option"
    assert playlist.read_text(encoding="utf-8") == PLAYLIST


def test_a_failed_write_leaves_the_old_output(
    playlist: Path, m1: FeaturePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(table: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    out = playlist.with_name("out.csv")
    out.write_text("old")
    monkeypatch.setattr("services.prediction._WRITERS", {".csv": fail})
    with pytest.raises(OSError, match="disk full"):
        run(playlist, out, m1)
    assert out.read_text() == "old"
    assert {path.name for path in playlist.parent.iterdir()} == {"in.csv", "out.csv"}


def test_where_no_row_is_usable_the_rejects_are_listed_all_the_same(playlist: Path, m1: FeaturePredictor) -> None:
    playlist.write_text("artist,title\nQueen,\n")
    out = playlist.with_name("out.csv")
    with pytest.raises(PermanentError) as caught:
        run(playlist, out, m1)
    assert caught.value.code == "no-usable-rows"
    assert not out.exists()
    assert "blank-title" in out.with_name("out.csv.rejects.csv").read_text()
