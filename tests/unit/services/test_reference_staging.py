"""Reading reference files: columns by many names, values in many forms, rows that cannot be used."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from db.repositories.reference_load import STAGED_COLUMNS
from services.reference.loading import _packed
from services.reference.reading import BrokenLines, open_reference, read_batches
from services.reference.staging import stage_batch

ID = "4ZJn7NlmOTaSxjoHynRquQ"
FEATURES = dict.fromkeys(FEATURE_NAMES, "0.5") | {"tempo": "120.5", "loudness": "-7.25"}


def staged(path: Path) -> tuple[list[dict[str, str]], dict[str, int], int]:
    """The rows to copy, what was left out, and how many lines were broken."""
    broken, rows, left_out = BrokenLines(), [], {}
    for batch in read_batches(open_reference(path), broken):
        result = stage_batch(_packed(batch), 1)
        rows += [dict(zip(STAGED_COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(result.csv.decode()))]
        left_out |= result.left_out
    return rows, left_out, broken.count


def write(path: Path, *rows: dict[str, str], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, extrasaction="ignore", restval="")
        table.writeheader()
        table.writerows(rows)
    return path


def row(**changes: str) -> dict[str, str]:
    return {"track_id": ID, "title": "Song", "artist": "Artist", "duration_ms": "200000", **FEATURES, **changes}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_row_of_csv(tmp_path: Path, delimiter: str) -> None:
    name = {"title": "Song (feat. X)", "artist": "The Artist", "isrc": "us-rc1-76-07839", "release_date": "2001-05-06"}
    (found,), left_out, _ = staged(write(tmp_path / "file.csv", row(**name), delimiter=delimiter))
    assert left_out == {}
    assert found["spotify_id"] == ID
    assert found["isrc"] == "USRC17607839"
    assert (found["artist"], found["title"]) == ("The Artist", "Song (feat. X)")
    assert (found["artist_key"], found["title_key"]) == ("the artist", "song")
    assert (found["duration_ms"], found["release_year"]) == ("200000", "2001")
    assert (float(found["tempo"]), float(found["loudness"]), float(found["energy"])) == (120.5, -7.25, 0.5)


@pytest.mark.parametrize(
    ("renamed", "value", "field", "expected"),
    [
        ("Track URI", f"spotify:track:{ID}", "spotify_id", ID),
        ("id", f"https://open.spotify.com/track/{ID}?si=1", "spotify_id", ID),
        ("Artist Name(s)", "['A', \"B's\"]", "artist", "A;B's"),
        ("artists", "A;B", "artist", "A;B"),
        ("artists", "A,B", "artist", "A;B"),
        ("Track Name", "  Titel ", "title", "Titel"),
        ("duration_s", "200.5", "duration_ms", "200500"),
        ("Duration", "3:20", "duration_ms", "200000"),
        ("duration_ms", "0", "duration_ms", ""),
        ("duration_ms", "", "duration_ms", ""),
        ("popularity", "101", "popularity", ""),
        ("BPM", "99", "tempo", "99"),
    ],
)
def test_other_names_and_forms(tmp_path: Path, renamed: str, value: str, field: str, expected: str) -> None:
    replaced = {"spotify_id": "track_id", "artist": "artist", "title": "title", "tempo": "tempo"}.get(field, field)
    cells = {name: cell for name, cell in row().items() if name != replaced}
    (found,), left_out, _ = staged(write(tmp_path / "file.csv", {**cells, renamed: value}))
    assert left_out == {}
    assert found[field] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"artist": " "}, "blank-artist"),
        ({"title": ""}, "blank-title"),
        ({"title": "x" * 1001}, "text-too-long"),
        ({"track_id": "17"}, "bad-spotify-id"),
        ({"duration_ms": "long"}, "bad-duration"),
        ({"duration_ms": "-1"}, "bad-duration"),
        ({"energy": ""}, "feature-missing"),
        ({"energy": "high"}, "feature-missing"),
        ({"energy": "1.2"}, "feature-out-of-range"),
        ({"tempo": "0"}, "not-analyzed"),
    ],
)
def test_rows_that_cannot_be_used_are_counted_once(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    rows, left_out, _ = staged(write(tmp_path / "file.csv", row(), row(**changes), row(**changes | {"tempo": "999"})))
    assert len(rows) == 1
    assert sum(left_out.values()) == 2
    assert reason in left_out


def test_lines_with_other_numbers_of_cells_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", row(), row())
    path.write_text(path.read_text() + "only,three,cells\n")
    rows, _, broken = staged(path)
    assert (len(rows), broken) == (2, 1)


def test_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", row())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    rows, left_out, broken = staged(path)
    assert (len(rows), left_out, broken) == (1, {}, 0)


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "file.csv", row())
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert staged(path) == ([], {}, 0)


def test_texts_arrive_as_they_are(tmp_path: Path) -> None:
    title = 'Line\nbreak, "quotes", back\\slash, \\. and 한글'
    (found,), _, _ = staged(write(tmp_path / "file.csv", row(title=title)))
    assert found["title"] == title


def test_parquet_with_a_list_of_artists(tmp_path: Path) -> None:
    columns = {
        "track_id": [ID, None],
        "title": ["Song", "Other"],
        "artist": ["A", "Only"],
        "artists": [["A", "B"], []],
        "duration_ms": [200_000, None],
        **{name: [0.5, 0.5] for name in FEATURE_NAMES},
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "file.parquet")
    rows, left_out, _ = staged(tmp_path / "file.parquet")
    assert left_out == {}
    assert [row["artist"] for row in rows] == ["A;B", "Only"]
    assert [(row["spotify_id"], row["duration_ms"]) for row in rows] == [(ID, "200000"), ("", "")]


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("missing.csv", None, "file-not-found", "missing.csv"),
        ("empty.csv", b"", "file-empty", "empty.csv"),
        ("table.xlsx", b"x", "invalid-option", "neither"),
        ("table.csv", b"title,artist\nSong,Artist\n", "invalid-option", "no column danceability"),
        ("table.csv", b"title,title\n", "invalid-option", "two columns"),
        ("table.csv", "títle".encode("latin-1"), "invalid-option", "cannot be read"),
        ("table.parquet", b"not parquet", "invalid-option", "cannot be read"),
    ],
)
def test_files_that_are_no_reference_table(
    tmp_path: Path, name: str, content: bytes | None, code: str, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PermanentError, match=words) as raised:
        open_reference(path)
    assert raised.value.code == code
