"""The main genre of a track: some 800 genre tags told apart as a dozen families.

Each tag counts for the first family whose pattern it matches; the family with most tags is the main genre, the earlier
tag deciding between equals. Order matters: "latin house" is electronic, "latin pop" Latin, "hip pop" R&B.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

OTHER, UNKNOWN = "other", "no genre"

_RULES = (
    (
        "South Asian",
        r"\b(desi|bollywood|hindi|punjabi|bhangra|ghazal|sufi|bhajan|bangla|haryanvi|indian|tamil|qawwali)",
    ),
    ("R&B and soul", r"\b(hip pop|r&b|soul|funk|urban contemporary|new jack swing|motown|quiet storm|disco)$|neo soul"),
    (
        "electronic",
        r"\b(edm|\w*house|\w*techno|tekno|\w*trance|dubstep|drum and bass|big room|electronica?|idm|downtempo|ambient|"
        r"breakbeat|electro|garage|hardstyle|lo-fi|drone|complextro|jungle|vaporwave|\w+ bass)\b",
    ),
    ("Latin", r"latin|reggaeton|tropical|salsa|cumbia|bachata|corrido|mariachi|mpb|samba|bossa|brazil|tango|norteño"),
    ("hip hop", r"\brap\b|hip hop|\btrap\b|drill|grime|phonk|boom bap"),
    ("African", r"afro|amapiano|highlife|gqom|3 step"),
    ("reggae", r"reggae|dancehall|\bska\b|\bdub\b|rocksteady"),
    ("metal", r"metal|grindcore|deathcore|djent"),
    (
        "classical",
        r"classical|baroque|opera|orchestr|choral|concerto|chamber|early music|avant-garde|musique|gregorian",
    ),
    ("jazz and blues", r"jazz|blues|bebop|swing|big band"),
    ("folk and country", r"folk|country|celtic|bluegrass|americana|singer-songwriter|traditional|hymn|gospel"),
    ("rock", r"rock|punk|permanent wave|grunge|shoegaze|hardcore|\bemo\b|new wave|darkwave|industrial|gothic"),
    ("pop", r"pop|schlager|chanson|adult standards|soundtrack"),
    ("rock", r"indie|alternative|psychedel"),
)
_PATTERNS = tuple((family, re.compile(pattern)) for family, pattern in _RULES)


def main_genre(tags: Sequence[str]) -> str:
    """The family of most tags; `OTHER` where none is known, `UNKNOWN` without tags."""
    families = Counter(family for tag in tags if (family := _family(tag.lower())))
    return max(families, key=families.__getitem__) if families else OTHER if tags else UNKNOWN


def main_genres(genres: Sequence[Sequence[str]]) -> NDArray[np.str_]:
    """The main genres of n tracks, [n]."""
    return np.array([main_genre(tags) for tags in genres], dtype=np.str_)


def pool_rare(names: NDArray[np.str_], fewest: int) -> NDArray[np.str_]:
    """Main genres [n], those with fewer than `fewest` tracks replaced by `OTHER`; `UNKNOWN` stays."""
    counts = Counter(names.tolist())
    return np.array([n if n == UNKNOWN or counts[n] >= fewest else OTHER for n in names.tolist()], dtype=np.str_)


@cache
def _family(tag: str) -> str | None:
    return next((family for family, pattern in _PATTERNS if pattern.search(tag)), None)
