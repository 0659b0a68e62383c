"""Edit distance with swaps, and when a difference is a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.matching.typos import edits, is_slip

short = st.text("abc", max_size=7)


def slow_edits(one: str, other: str) -> int:
    """The textbook recursion over whole tables."""
    table = [[row + column for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            table[i][j] = min(cost, table[i - 1][j] + 1, table[i][j - 1] + 1)
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(short, short, st.integers(0, 8))
def test_edits(one: str, other: str, limit: int) -> None:
    assert edits(one, other, limit) == min(slow_edits(one, other), limit + 1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("drake", "drkae", True),
        ("metallica", "metalica", True),
        ("to night", "tonight", True),
        ("her", "hey", False),
        ("love me", "love you", False),
        ("debarge", "el debarge", False),
    ],
)
def test_slips(one: str, other: str, expected: bool) -> None:
    assert is_slip(one, other) is expected
