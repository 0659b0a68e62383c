"""Keys that go together, on the Camelot wheel.

The wheel (Mark Davis, Camelot Sound; the circle of fifths with numbers) puts keys that share six of seven notes side by
side: numbers 1 to 12 go up by fifths, A is minor, B is major, and relatives share a number. A key is one number
throughout: its root, plus 12 if it is minor.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.audio import KeyName, Mode

Floats = NDArray[np.float32]

N_KEYS = 24
#: How well the second key follows the first, by the steps up the wheel and whether the letter changes.
_STRICT = {(0, False): 1.0}
_CAMELOT = _STRICT | {(0, True): 0.9, (1, False): 0.8, (11, False): 0.8}
# The boosts raise the energy: two semitones are two steps on the wheel, one semitone is seven. The diagonal step
# changes number and letter at once.
_OPEN = _CAMELOT | {(1, True): 0.5, (11, True): 0.5, (2, False): 0.6, (7, False): 0.5}
_RULES = {"strict": _STRICT, "camelot": _CAMELOT, "open": _OPEN}


def key_number(key: KeyName) -> int:
    """A key as a number, 0..23."""
    return key.root % 12 + 12 * (key.mode == Mode.MINOR)


def camelot(key: float) -> str | None:
    """The name on the wheel ("8B" is C major, "8A" A minor) of a numbered key; None for NaN."""
    if np.isnan(key):
        return None
    number, minor = _place(int(key))
    return f"{number + 1}{'A' if minor else 'B'}"


def compatible(key: float, others: Floats, rules: str) -> Floats:
    """How well each of the `others` [c], numbered keys, follows `key`: 0 (not at all by these rules) to 1.

    `rules` is strict (the same key), camelot (also the relative and the two adjacent ones) or open (also the diagonal
    ones and the energy boosts of one and of two semitones). NaN where either key is not known.
    """
    row = _table(rules)[N_KEYS if np.isnan(key) else int(key)]
    scores: Floats = row[_columns(others)]
    return scores


def wheel_order(keys: Floats) -> Floats:
    """Numbers by which keys [n] sort so that neighbors on the wheel are neighbors; NaN where the key is not known."""
    order = np.array([number + 12 * minor for number, minor in map(_place, range(N_KEYS))] + [np.nan], np.float32)
    sorted_by: Floats = order[_columns(keys)]
    return sorted_by


def _columns(keys: Floats) -> NDArray[np.intp]:
    """Keys as whole numbers; one that is not known becomes 24."""
    return np.nan_to_num(keys, nan=N_KEYS).astype(np.intp)


def _place(key: int) -> tuple[int, bool]:
    """The number on the wheel, less one, and whether the key is minor."""
    minor = key >= 12
    major_root = (key + 3) % 12 if minor else key
    return (7 * major_root + 7) % 12, minor


@cache
def _table(rules: str) -> Floats:
    """Scores of all pairs, float32 [25, 25]; the last row and column are NaN."""
    scores = _RULES[rules]
    table = np.full((N_KEYS + 1, N_KEYS + 1), np.nan, np.float32)
    for first in range(N_KEYS):
        for second in range(N_KEYS):
            (start, was_minor), (end, is_minor) = _place(first), _place(second)
            table[first, second] = scores.get(((end - start) % 12, was_minor != is_minor), 0.0)
    return table
