"""CSV: delimiters, headers, physical lines, broken quotes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from services.playlists.delimited import MAX_RECORD_LINES, Table, open_table
from services.playlists.rejects import Reject
from services.playlists.rows import RawRow


def titles(table: Table) -> list[tuple[int, str]]:
    """Line and title of every row; of a reject, its reason."""
    return [
        (row.line, row.reason if isinstance(row, Reject) else row.fields["title"].replace("\r\n", "\n"))
        for row in table.rows()
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(delimiter: str) -> None:
    table = open_table(f"artist{delimiter}title\nQueen{delimiter}Innuendo\n", "list.csv")
    assert table.delimiter == delimiter
    assert titles(table) == [(2, "Innuendo")]


def test_quoted_cells_do_not_decide_the_delimiter() -> None:
    table = open_table('"artist";"title";"a,b,c,album,year"\n"Queen";"A, B, C";"x"\n', "list.csv")
    assert titles(table) == [(2, "A, B, C")]


@pytest.mark.parametrize("hint", ["sep=;\r\n", '"sep=;"\r\n', "\r\n\r\n", ""])
def test_lines_before_the_header(hint: str) -> None:
    lines = hint.count("\r\n")
    assert titles(open_table(f"{hint}artist;title\r\nQueen;Innuendo\r\n", "list.csv")) == [(lines + 2, "Innuendo")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_physical_lines(end: str) -> None:
    text = end.join(["artist,title", "A,one", "", 'B,"two', 'lines"', " , ", "C,three", ""])
    table = open_table(text, "list.csv")
    assert [line for line, _ in titles(table)] == [2, 4, 7]


def test_missing_cells_are_blank_and_spare_blank_cells_are_ignored() -> None:
    rows = list(open_table("artist,title,album\nA\nB,two,,,,\n", "list.csv").rows())
    assert [row.fields for row in rows if isinstance(row, RawRow)] == [
        {"artist": "A", "title": "", "album": ""},
        {"artist": "B", "title": "two", "album": ""},
    ]


def test_too_many_cells() -> None:
    assert titles(open_table("artist,title\nA,Hello, Goodbye\nB,two\n", "list.csv")) == [
        (2, "too-many-cells"),
        (3, "two"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('A,"one\nB,two\nC,"three"\n', [(2, "broken-quote"), (3, "two"), (4, "three")]),
        ('A,"one\nB,two\n', [(2, "broken-quote"), (3, "two")]),
        ('A,one\nB,"two', [(2, "one"), (3, "broken-quote")]),
        ('A,"one" more\nB,two\n', [(2, "broken-quote"), (3, "two")]),
        ('A,7" Mix\nB,"two ""quoted"""\n', [(2, '7" Mix'), (3, 'two "quoted"')]),
    ],
)
def test_a_broken_quote_costs_its_line_only(text: str, expected: list[tuple[int, str]]) -> None:
    assert titles(open_table("artist,title\n" + text, "list.csv")) == expected


def test_an_open_quote_cannot_swallow_the_file() -> None:
    text = 'artist,title\nA,"one\n' + "B,two\n" * 3 * MAX_RECORD_LINES + 'C,"three"\n'
    found = titles(open_table(text, "list.csv"))
    assert found[0] == (2, "broken-quote")
    assert len(found) == 3 * MAX_RECORD_LINES + 2


def test_cells_beyond_the_limit_of_the_csv_module() -> None:
    limit = csv.field_size_limit()
    text = f"artist,title\nA,{'x' * (limit + 1)}\nB,two\n"
    assert titles(open_table(text, "list.csv")) == [(2, "too-long"), (3, "two")]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("text", ["foo,bar\n1,2\n", "just words\n", '"broken\n', "sep=;\n", "artist\nQueen\n"])
def test_wrong_columns(text: str) -> None:
    with pytest.raises(PermanentError, match=r"Columns found: .+ Needed: 'artist' and 'title'") as caught:
        open_table(text, "list.csv")
    assert caught.value.code == "file-not-a-playlist"


def test_semicolons_in_artist_cells_are_seen() -> None:
    assert open_table("title,artist\nx;y,A\nz,A;B\n", "list.csv").semicolons_separate_artists()
    assert not open_table('title,artist\n"x;y","A, B"\n', "list.csv").semicolons_separate_artists()
    assert not open_table('title;artist\nx;"A, B"\n', "list.csv").semicolons_separate_artists()


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1).map(str.strip)
named = cells.filter(bool)


@given(st.lists(st.tuples(named, named), min_size=1), st.sampled_from(",;\t"))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("artist", "title"), *rows])
    read = list(open_table(buffer.getvalue(), "list.csv").rows())
    assert [(row.fields["artist"], row.fields["title"]) for row in read if isinstance(row, RawRow)] == rows
