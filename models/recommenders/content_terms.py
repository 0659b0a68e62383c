"""What the metadata of an item says, as terms: strings that mean the same in every catalog."""

import re

from models.tfidf import normalize_text

# Scripts that write without spaces, and Hangul, whose words carry endings: they are compared by pairs of letters.
_SYLLABLES = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_PIECE = re.compile(rf"[{_SYLLABLES}]+|[^\W{_SYLLABLES}]{{2,}}")
_SYLLABLE = re.compile(rf"[{_SYLLABLES}]")


def name_terms(field: str, text: str) -> list[str]:
    """The whole text as one term, e.g. "album:the wall"; none for an empty text."""
    name = " ".join(normalize_text(text).split())
    return [f"{field}:{name}"] if name else []


def word_terms(field: str, text: str) -> list[str]:
    """The words of a text, each once, in order, e.g. "title:yellow".

    Words of two or more letters or digits, of any script; Chinese, Japanese and Korean ones as overlapping pairs of
    letters, or as the single letter where there is just one.
    """
    pieces = _PIECE.findall(normalize_text(text))
    parts = dict.fromkeys(part for piece in pieces for part in _parts(piece))
    return [f"{field}:{part}" for part in parts]


def artist_names(artist: str) -> list[str]:
    """The credited artists of a catalog entry, which joins them with ";"."""
    return artist.split(";")


def _parts(piece: str) -> list[str]:
    if _SYLLABLE.match(piece) is None or len(piece) == 1:
        return [piece]
    return [piece[at : at + 2] for at in range(len(piece) - 1)]
