"""The rejects file and its texts."""

import csv
from pathlib import Path

import pytest

from services.playlists.rejects import MAX_TEXT, Reject, preview, shorten, write_rejects


def test_the_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "list.rejects.csv"
    path.write_text("old")
    write_rejects(path, [Reject(3, "blank-title", 'No "title", 없음', "A,,\n")])
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "detail", "text"],
            ["3", "blank-title", 'No "title", 없음', "A,,\n"],
        ]
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_rejects(path, [Reject(1, "x", "\udcff", "")])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_shortened_texts_are_printable() -> None:
    assert shorten("a\0b\udcff\n") == "a b  "
    assert shorten("x" * 100_000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (["A", "", "T"], "A,,T"),
        ({"artist": "A", "popularity": 3, "album": {"name": "x"}}, "artist: A,popularity: 3"),
        ("line", "line"),
        (None, "NoneType"),
    ],
)
def test_previews(source: object, text: str) -> None:
    assert preview(source) == text


def test_previews_are_short() -> None:
    assert len(preview(["x" * 100_000] * 3)) == MAX_TEXT
