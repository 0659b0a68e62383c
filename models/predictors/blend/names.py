"""Names of artists: one spelling, the credits inside a text, and keys short enough to keep by the ten thousand."""

import hashlib
import re
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Longer texts are cut: no real title needs more, and a hostile one must not cost seconds.
MAX_LENGTH = 200
MAX_CREDITS = 8

_GUEST = r"\bfeat(?:uring)?\b\.?|\bft\b\.?"
_GUEST_SEPARATOR = re.compile(rf"\s*[(\[]?\s*(?:{_GUEST})\s*")
_SEPARATOR = re.compile(rf"\s*(?:[;,&+/]|{_GUEST}|\b(?:with|and|x|vs)\b\.?)\s*")
_TITLE_GUEST = re.compile(rf"[(\[]?\s*(?:{_GUEST}|(?<=[(\[])with\b)\s*([^)\]]+)")


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """Lower case without accents and with single spaces, at most `MAX_LENGTH` characters."""
    # Lower case last: compatibility forms such as the trademark sign hold capitals.
    decomposed = unicodedata.normalize("NFKD", text[:MAX_LENGTH].lower()).lower()
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())[:MAX_LENGTH]


@lru_cache(maxsize=1 << 16)
def credits(artist: str, title: str) -> tuple[str, ...]:
    """The artists of a track in plain spelling, the leading one first.

    "A & B" leads as it is written, since bands are written so too, and its parts follow.

    Parameters
    ----------
    artist
        All credited artists, joined with ";".
    title
        Searched for guests, as in "(feat. X)".
    """
    first, *others = artist.split(";")
    lead = _GUEST_SEPARATOR.split(plain(first), maxsplit=1)[0] or plain(first)
    found = dict.fromkeys([lead])
    found.update(dict.fromkeys(_parts(plain(first))))
    for name in map(plain, others):
        found.update(dict.fromkeys([*([name] if name else []), *_parts(name)]))
    if guests := _TITLE_GUEST.search(plain(title)):
        found.update(dict.fromkeys(_parts(guests[1])))
    return tuple(found)[:MAX_CREDITS]


def key(text: str) -> int:
    """64 bits of a digest: stands for a name in arrays."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def find(sorted_keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The position of each wanted key among ascending keys, -1 where it is not there."""
    if not sorted_keys.size:
        return np.full(wanted.shape, -1, dtype=np.intp)
    position = np.minimum(np.searchsorted(sorted_keys, wanted), sorted_keys.size - 1)
    return np.where(sorted_keys[position] == wanted, position, -1)


def _parts(name: str) -> list[str]:
    return [part for part in (piece.strip(" ()[]") for piece in _SEPARATOR.split(name)) if len(part) > 1]
