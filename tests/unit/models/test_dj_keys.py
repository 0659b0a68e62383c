"""Keys that go together."""

import numpy as np
import pytest

from core.audio import KeyName, Mode
from models.dj.keys import camelot, compatible, key_number, wheel_order

ALL = np.arange(24, dtype=np.float32)


@pytest.mark.parametrize(
    ("root", "mode", "name"),
    [
        (0, Mode.MAJOR, "8B"),
        (9, Mode.MINOR, "8A"),
        (7, Mode.MAJOR, "9B"),
        (5, Mode.MAJOR, "7B"),
        (11, Mode.MAJOR, "1B"),
        (8, Mode.MINOR, "1A"),
        (4, Mode.MAJOR, "12B"),
        (6, Mode.MINOR, "11A"),
        (3, Mode.MINOR, "2A"),
    ],
)
def test_names_on_the_wheel(root, mode, name):
    assert camelot(key_number(KeyName(root, mode))) == name


def test_every_key_has_its_own_place():
    assert len({camelot(key) for key in ALL.tolist()}) == 24
    assert camelot(np.nan) is None


def followers(key: KeyName, rules: str) -> set[str | None]:
    scores = compatible(key_number(key), ALL, rules)
    return {camelot(other) for other in np.flatnonzero(scores > 0).tolist()}


def test_rules_open_step_by_step():
    c_major = KeyName(0, Mode.MAJOR)
    assert followers(c_major, "strict") == {"8B"}
    assert followers(c_major, "camelot") == {"8B", "8A", "7B", "9B"}
    assert followers(c_major, "open") == {"8B", "8A", "7B", "9B", "7A", "9A", "10B", "3B"}


def test_boosts_raise_by_one_and_two_semitones_and_never_lower():
    for root in range(12):
        scores = compatible(root, ALL, "open")
        assert scores[(root + 1) % 12] > 0
        assert scores[(root + 2) % 12] > 0
        assert scores[(root - 1) % 12] == 0
        assert scores[(root - 2) % 12] == 0


def test_the_same_key_is_best_and_camelot_is_symmetric():
    table = np.stack([compatible(key, ALL, "camelot") for key in ALL.tolist()])
    assert (table.argmax(axis=1) == np.arange(24)).all()
    assert (table == table.T).all()


def test_an_unknown_key_has_no_score():
    assert np.isnan(compatible(np.nan, ALL, "camelot")).all()
    assert np.isnan(compatible(0, np.array([np.nan], np.float32), "open")).all()


def test_neighbors_on_the_wheel_sort_together():
    order = wheel_order(np.array([0, 7, 2, np.nan], np.float32))  # C, G and D major: 8B, 9B, 10B
    assert np.diff(order[:3]).tolist() == [1, 1]
    assert np.isnan(order[3])
