"""Numbers and tables as Markdown."""

import pytest

from services.evaluation.markdown import listing, number, plus_minus, share, significant, table

NAN = float("nan")


def test_a_table_keeps_its_columns_whatever_is_in_the_cells() -> None:
    assert table(["", "a|b"], [["x", "1"]]).splitlines() == ["|  | a\\|b |", "| --- | ---: |", "| x | 1 |"]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number(0.12345), "0.1235"),
        (number(-0.00001), "0.0000"),
        (number(0.5, 2, signed=True), "+0.50"),
        (number(NAN), "–"),
        (number(None), "–"),
        (plus_minus(0.1, 0.01, 2), "0.10 ± 0.01"),
        (plus_minus(0.1, NAN, 2), "0.10"),
        (share(0.805), "80%"),
        (share(NAN), "–"),
        (significant(0.00981), "0.00981"),
        (significant(686.4), "686"),
        (significant(12345.6), "12,300"),
        (significant(0), "0"),
        (significant(NAN), "–"),
        (listing(["a"]), "a"),
        (listing(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers_are_short(shown: str, expected: str) -> None:
    assert shown == expected
