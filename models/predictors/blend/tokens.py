"""The tokens of a track: tags, words and character n-grams, each of its kind."""

import re
from functools import lru_cache
from itertools import pairwise

from models.predictors.blend.names import plain

#: The kinds of tokens, and in how many training tracks one must occur to be kept.
FEWEST_TRACKS = {
    "tag": 3,
    "tag word": 3,
    "title word": 5,
    "title chars": 40,
    "artist word": 5,
    "artist chars": 40,
    "album word": 4,
    "album chars": 40,
}
KINDS = tuple(FEWEST_TRACKS)
#: Kinds that share embeddings: neighbors in `KINDS`.
GROUPS = (
    ("tag", "tag word"),
    ("title word", "title chars"),
    ("artist word", "artist chars"),
    ("album word", "album chars"),
)

MAX_TAGS = 30
_NGRAMS = (2, 3, 4)
_WORD = re.compile(r"\w+")


def tag_tokens(own: list[str], looked_up: tuple[str, ...], guests: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Tokens of the kinds "tag" and "tag word".

    A tag says more when it is known who says it: the track's own genres, those of its artist, those of its guests.
    """
    own = [plain(tag) for tag in own[:MAX_TAGS]]
    everything = dict.fromkeys([*own, *looked_up])
    tags = [
        *(f"own:{tag}" for tag in dict.fromkeys(own)),
        *(f"artist:{tag}" for tag in looked_up),
        *(f"guest:{tag}" for tag in dict.fromkeys(guests)),
        *everything,
    ]
    return tags, list(dict.fromkeys(word for tag in everything for word in words(tag)))


@lru_cache(maxsize=1 << 15)
def words(text: str) -> tuple[str, ...]:
    """Words of a plain text, in order."""
    return tuple(_WORD.findall(text))


def title_words(title: str) -> list[str]:
    """Words and pairs of neighboring words of a plain title, each once."""
    single = words(title)
    pairs = [f"{first} {second}" for first, second in pairwise(single)]
    return list(dict.fromkeys([*single, *pairs]))


def distinct_words(texts: tuple[str, ...]) -> list[str]:
    """Words of several plain texts, each once."""
    return list(dict.fromkeys(word for text in texts for word in words(text)))


def character_ngrams(text: str) -> list[str]:
    """Runs of two to four characters of a plain text, its ends marked by spaces, each once."""
    if not text:
        return []
    padded = f" {text} "
    return list(dict.fromkeys(padded[at : at + n] for n in _NGRAMS for at in range(len(padded) - n + 1)))
