"""The halves of the identity key, which the reference table indexes apart."""

from hypothesis import given
from hypothesis import strategies as st

from core.identity import MAX_KEY_LENGTH, key_halves, normalized_key


@given(st.text(max_size=80), st.text(max_size=80))
def test_halves_make_the_whole(artist: str, title: str) -> None:
    assert "|".join(key_halves(artist, title)) == normalized_key(artist, title)


def test_long_halves_are_bounded_and_distinct() -> None:
    halves = [key_halves("가" * 1000 + end, "나" * 1000 + end) for end in "xy"]
    assert halves[0][0] != halves[1][0]
    assert halves[0][1] != halves[1][1]
    assert len("".join(halves[0])) < MAX_KEY_LENGTH
