"""Callers of the API name a table in the folder of shared data and nothing outside it."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError, PermanentError
from services.train_jobs import shared_table, shared_table_name


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    (folder / "sets").mkdir(parents=True)
    (folder / "tracks.parquet").write_text("")
    (folder / "sets" / "jazz.csv").write_text("")
    (tmp_path / "secret.csv").write_text("")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "inner.csv").symlink_to(folder / "tracks.parquet")
    return folder


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("tracks.parquet", "tracks.parquet"),
        ("sets/jazz.csv", "sets/jazz.csv"),
        ("sets/../tracks.parquet", "tracks.parquet"),
        ("inner.csv", "tracks.parquet"),
    ],
)
def test_a_table_inside_is_found(shared: Path, given: str, name: str) -> None:
    assert shared_table_name(shared, Path(given)) == Path(name)
    assert shared_table(shared, Path(given)) == shared / name


def test_an_absolute_path_inside_is_found(shared: Path) -> None:
    assert shared_table_name(shared, shared / "tracks.parquet") == Path("tracks.parquet")


@pytest.mark.parametrize(
    "given", ["../secret.csv", "/etc/passwd", "link.csv", "sets/../../secret.csv", "..", "a\0b", "../shared-too/x.csv"]
)
def test_nothing_outside_is(shared: Path, given: str) -> None:
    with pytest.raises(PermanentError) as caught:
        shared_table_name(shared, Path(given))
    assert caught.value.code == "invalid-option"


@pytest.mark.parametrize("given", ["none.csv", ".", "sets", "x" * 400])
def test_what_is_not_there_is_told(shared: Path, given: str) -> None:
    with pytest.raises(PermanentError) as caught:
        shared_table_name(shared, Path(given))
    assert caught.value.code == "file-not-found"


def test_a_folder_that_only_the_workers_have_is_theirs_to_look_into(tmp_path: Path) -> None:
    assert shared_table_name(tmp_path / "elsewhere", Path("tracks.parquet")) == Path("tracks.parquet")


def test_without_a_folder_the_setting_is_named() -> None:
    with pytest.raises(ConfigurationError, match="MUSICSPACE_SHARED_DATA_DIR"):
        shared_table_name(None, Path("tracks.parquet"))
