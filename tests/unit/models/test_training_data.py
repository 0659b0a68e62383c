"""The reference table: read alike from Parquet and CSV, refused with the column and row named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from core.errors import PermanentError
from models.training_data import ReferenceTable, read_reference_table

Columns = dict[str, list[object]]


def write(path: Path, columns: Columns) -> Path:
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def test_it_reads_tracks_targets_and_folds(reference_table: ReferenceTable, reference_columns: Columns) -> None:
    assert len(reference_table) == 600
    assert reference_table.targets.shape == (600, 9)
    assert reference_table.targets[:, 7] == pytest.approx(reference_columns["tempo"], rel=1e-5)
    assert len(reference_table.in_fold("train")) == 500


def test_all_credited_artists_are_joined(reference_table: ReferenceTable) -> None:
    assert {"Blue River;Guest", "Iron Choir"} <= set(reference_table.tracks.artist)


def test_popular_leaves_out_unknown_popularity(reference_table: ReferenceTable) -> None:
    popularity = reference_table.popular(50).tracks.popularity
    assert popularity
    assert all(value is not None and value >= 50 for value in popularity)


def test_csv_reads_like_parquet(reference_columns: Columns, reference_table: ReferenceTable, tmp_path: Path) -> None:
    lists = {name: [";".join(cell) for cell in reference_columns[name]] for name in ("artists", "genres")}  # type: ignore[arg-type]
    path = tmp_path / "reference.csv"
    pyarrow.csv.write_csv(pa.table(reference_columns | lists), path)
    read = read_reference_table(path)
    assert read.tracks.genres == reference_table.tracks.genres
    assert read.tracks.artist == reference_table.tracks.artist
    assert read.tracks.popularity == reference_table.tracks.popularity
    np.testing.assert_allclose(read.targets, reference_table.targets, rtol=1e-6)


def test_optional_columns_may_be_absent(reference_columns: Columns, tmp_path: Path) -> None:
    needed = {
        name: column
        for name, column in reference_columns.items()
        if name not in {"track_id", "artists", "album", "genres", "popularity", "source"}
    }
    tracks = read_reference_table(write(tmp_path / "few.parquet", needed)).tracks
    assert tracks.album == [None] * 600
    assert tracks.genres == [[]] * 600


def test_missing_columns_are_named(reference_columns: Columns, tmp_path: Path) -> None:
    columns = {name: column for name, column in reference_columns.items() if name not in {"fold", "valence"}}
    with pytest.raises(PermanentError, match="no column fold, valence") as caught:
        read_reference_table(write(tmp_path / "bad.parquet", columns))
    assert caught.value.code == "invalid-option"


def test_a_value_out_of_range_is_named_with_its_row(reference_columns: Columns, tmp_path: Path) -> None:
    energy = [*reference_columns["energy"][:41], 1.5, *reference_columns["energy"][42:]]
    with pytest.raises(PermanentError, match=r"energy = 1\.5 in row 42"):
        read_reference_table(write(tmp_path / "bad.parquet", reference_columns | {"energy": energy}))


def test_a_missing_feature_value_is_refused(reference_columns: Columns, tmp_path: Path) -> None:
    tempo = [None, *reference_columns["tempo"][1:]]
    with pytest.raises(PermanentError, match="tempo = nan in row 1"):
        read_reference_table(write(tmp_path / "bad.parquet", reference_columns | {"tempo": tempo}))


def test_text_in_a_feature_column_is_refused(reference_columns: Columns, tmp_path: Path) -> None:
    columns = reference_columns | {"tempo": ["fast"] * 600}
    with pytest.raises(PermanentError, match="not a number in column tempo"):
        read_reference_table(write(tmp_path / "bad.parquet", columns))


def test_a_table_without_training_rows_is_refused(reference_columns: Columns, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="'train'"):
        read_reference_table(write(tmp_path / "bad.parquet", reference_columns | {"fold": ["test"] * 600}))


@pytest.mark.parametrize("name", ["notes.txt", "broken.parquet", "empty.csv"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"" if name == "empty.csv" else b"nothing like a table")
    with pytest.raises(PermanentError, match=name) as caught:
        read_reference_table(path)
    assert caught.value.code == "invalid-option"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as caught:
        read_reference_table(tmp_path / "none.parquet")
    assert caught.value.code == "file-not-found"
