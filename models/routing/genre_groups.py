"""The genre groups of the platform's routing study, from genre tags.

Every tag counts for one group and the group of most tags is the track's, the earlier tag deciding between equals, as
for `models.evaluation.genres`. The study's groups cut finer there where it found the look-up to behave differently:
punk is not rock, K-pop is not pop, Brazilian music is not Latin.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.evaluation.genres import main_genre

OTHER, UNKNOWN = "other", "no genre"

#: Every group; the order is that of columns in trained routers and must not change without a new design of these.
GROUPS = (
    "pop",
    "hip-hop",
    "rock",
    "latin",
    "electronic",
    "gaming",
    "afrobeats",
    "punk",
    "r&b",
    "blues",
    "k-pop",
    "reggae",
    "brazilian",
    "folk",
    "classical",
    OTHER,
    UNKNOWN,
)

_FINER = (
    ("k-pop", r"k-?pop|k-rap|\bkorean\b"),
    ("gaming", r"gaming|\bvideo game|game music|nightcore|chiptune|otacore|8-?bit"),
    ("brazilian", r"brazil|sertanejo|\bmpb\b|samba|bossa|pagode|forro|funk carioca|funk das|funk paulista|axe\b"),
    ("punk", r"punk|\bemo\b|hardcore|screamo|\boi\b"),
    ("blues", r"blues"),
)
_PATTERNS = tuple((group, re.compile(pattern)) for group, pattern in _FINER)
_OF_FAMILY = {
    "R&B and soul": "r&b",
    "electronic": "electronic",
    "Latin": "latin",
    "hip hop": "hip-hop",
    "African": "afrobeats",
    "reggae": "reggae",
    "metal": "rock",
    "classical": "classical",
    "folk and country": "folk",
    "rock": "rock",
    "pop": "pop",
}


def genre_group(tags: Sequence[str]) -> str:
    """One of `GROUPS`: `OTHER` where no tag belongs to a group, `UNKNOWN` without tags."""
    groups = Counter(group for tag in tags if (group := _group(tag.lower())) != OTHER)
    return max(groups, key=groups.__getitem__) if groups else OTHER if tags else UNKNOWN


def genre_groups(genres: Sequence[Sequence[str]]) -> NDArray[np.str_]:
    """The groups of n tracks, [n]."""
    return np.array([genre_group(tags) for tags in genres], dtype="U16")


@cache
def _group(tag: str) -> str:
    finer = next((group for group, pattern in _PATTERNS if pattern.search(tag)), None)
    return finer or _OF_FAMILY.get(main_genre([tag]), OTHER)
