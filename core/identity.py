"""Who a track is: Spotify id, ISRC, and the artist|title key under which one song from different exports meets."""

import hashlib
import re
import unicodedata
from functools import lru_cache

# A Postgres B-tree entry holds about 2,700 bytes and a character takes up to four, so longer keys end in a digest.
MAX_KEY_LENGTH = 512
_KEPT_LENGTH = 400

_SPOTIFY_TRACK = re.compile(
    r"(?:spotify:track:|(?:https?://)?open\.spotify\.com/(?:intl-[A-Za-z-]+/)?(?:embed/)?track/)?([0-9A-Za-z]{22})(?:[?#/].*)?"
)
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


def spotify_id(value: str) -> str | None:
    """The 22-character track id in a Spotify URI, link or bare id; None for anything else, such as a local file."""
    match = _SPOTIFY_TRACK.fullmatch(value.strip())
    return match[1] if match else None


def isrc(value: str) -> str | None:
    """The International Standard Recording Code in upper case without hyphens, or None where it is not one."""
    code = value.strip().replace("-", "").replace(" ", "").upper()
    return code if _ISRC.fullmatch(code) else None


def normalized_key(artist: str, title: str) -> str:
    """The key under which two spellings of the same recording meet.

    Case, Latin diacritics, punctuation, guests ("feat. X", "(with X)") and editions of the same recording ("Remastered
    2009", "Radio Edit", "Mono") do not count. Live takes, remixes, acoustic or instrumental versions are other
    recordings and stay apart. Of several artists, separated by ";", the first one counts: exports disagree about the
    rest.

    Parameters
    ----------
    artist : all credited artists joined with ";", or any spelling of the first one
    title : the track's title

    Returns
    -------
    "artist|title" in lower case, at most `MAX_KEY_LENGTH` characters. Each half is empty only where its text is blank.
    """
    key = f"{_artist_key(artist)}|{_title_key(title)}"
    if len(key) <= MAX_KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{key[:_KEPT_LENGTH]}#{digest}"


def key_halves(artist: str, title: str) -> tuple[str, str]:
    """The artist's and the title's half of `normalized_key`, for those who index or compare them apart.

    Together they are at most `MAX_KEY_LENGTH` characters long; of longer ones, each half is shortened by itself.
    """
    halves = _artist_key(artist), _title_key(title)
    return halves if len(halves[0]) + len(halves[1]) < MAX_KEY_LENGTH else (_bounded(halves[0]), _bounded(halves[1]))


def _bounded(half: str) -> str:
    digest = hashlib.sha256(half.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return half if len(half) < MAX_KEY_LENGTH // 2 else f"{half[: _KEPT_LENGTH // 2]}#{digest}"


# Artists repeat within a playlist and a library, titles do not.
@lru_cache(maxsize=16_384)
def _artist_key(artist: str) -> str:
    names = (name.strip() for name in _unify(artist).split(";"))
    lead = next(filter(None, names), "")
    return _words(_LISTED_GUEST.split(lead, maxsplit=1)[0]) or _words(lead) or _as_written(lead)


def _title_key(title: str) -> str:
    text = _unify(title)
    return _words(_bare_title(text)) or _words(text) or _as_written(text)


def _as_written(text: str) -> str:
    """For names of punctuation alone ("!!!"), which would otherwise all meet in one empty key."""
    # The bar separates the halves of a key.
    return " ".join(text.casefold().replace("|", "¦").split())


# --- Spelling ---------------------------------------------------------------------------------------------------------

# Before NFKC, which would turn the acute accent into a space and the trademark sign into letters.
_UNIFIED = str.maketrans(
    dict.fromkeys("‘’‚‛′´`ʹʻʼʽ", "'")
    | dict.fromkeys("“”„‟″", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("™℠", "")
)
# Letters that have no canonical decomposition into a base letter and a mark.
_PLAIN_LETTERS = {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
_ACRONYM = re.compile(r"\b(?:\w\.){2,}")


def _unify(text: str) -> str:
    """NFKC text, in which Hangul jamo and kana voicing marks join their letters, with plain quotes and dashes."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_UNIFIED))


def _words(text: str) -> str:
    """Lower-case words separated by single spaces; `text` comes from `_unify`."""
    text = text.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "&" in text or "+" in text:
        text = text.replace("&", " and ").replace(" + ", " and ")
    if "." in text:
        text = _ACRONYM.sub(lambda match: match[0].replace(".", ""), text)
    return " ".join(text.translate(_FOLDED).split())


class _FoldTable(dict[int, str]):
    """A `str.translate` table that works out each character once."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    """What a case-folded character leaves in a key: itself, its plain Latin letters, a space, or nothing."""
    category = unicodedata.category(char)
    if char == "'" or _is_stray_mark(char):
        return ""
    if category[0] in "PZ" or category in {"Cc", "Sk"}:
        return " "
    if category[0] == "C":
        return ""
    if category[0] == "S" and char.isascii():
        return "s" if char == "$" else " "
    if "LATIN" in unicodedata.name(char, ""):
        base = unicodedata.normalize("NFD", char)[0]
        return _PLAIN_LETTERS.get(base, base)
    return char


def _is_stray_mark(char: str) -> bool:
    """Accents NFC could not join to a letter, and the text or emoji selectors. Vowel signs of other scripts stay."""
    return "\u0300" <= char <= "\u036f" or "\ufe00" <= char <= "\ufe0f"


_FOLDED = _FoldTable()


# --- Guests and editions ----------------------------------------------------------------------------------------------

_GUEST_WORD = r"(?:(?:feat|ft)\.\s*|(?:feat|ft|featuring)\s+)(?=\S)"
_LISTED_GUEST = re.compile(rf"\s+[(\[]?{_GUEST_WORD}", re.IGNORECASE)
# A digit before "ft" makes it feet.
_TRAILING_GUEST = re.compile(rf"(?<!\d)\s+{_GUEST_WORD}.+?(?=\s+-|\s*[(\[]|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
# "(with Halsey)" names a guest; "(With You)", "(with My Heart)" belong to the title.
_NOT_A_NAME = r"(?:a|an|you|u|ya|me|us|him|her|them|it|my|your|our|his|their|this|that|no|some\w+|every\w+)\b"
_BRACKETED_GUEST = re.compile(rf"\s*(?:{_GUEST_WORD}|with\s+(?!{_NOT_A_NAME}))", re.IGNORECASE)
_DASH = re.compile(r"\s+-+\s*|-+\s+")
_DECORATED = re.compile(r"[(\[]|\s-|-\s|\b(?:feat|ft|featuring)\b", re.IGNORECASE)
_EDITION_TOKEN = re.compile(r"[\w-]+")

# The same recording in another mastering, mix-down or cut of the same performance.
_MASTERING = frozenset(
    {"remaster", "remastered", "remastering", "re-master", "re-mastered"}
    | {"remasterizado", "remasterizada", "remasterisé", "mono", "stereo"}
)
_EDITION_WORDS = _MASTERING | frozenset(
    {"album", "single", "radio", "lp", "edit", "edition", "version", "versão", "versión", "digital", "digitally", "en"}
)
_EDITION_PAIRS = frozenset(
    {"radio edit", "radio version", "single edit", "single version", "album version", "lp version"}
)


def _bare_title(title: str) -> str:
    """The title without guests and editions."""
    if not _DECORATED.search(title):
        return title
    title = _BRACKETED.sub(_keep_unless_decoration, title)
    head, *tails = _DASH.split(_TRAILING_GUEST.sub("", title))
    return " - ".join([head, *(tail for tail in tails if not _is_edition(tail))])


def _keep_unless_decoration(match: re.Match[str]) -> str:
    inside = match[1]
    return " " if _BRACKETED_GUEST.match(inside) or _is_edition(inside) else match[0]


def _is_edition(text: str) -> bool:
    """Whether a bracket or a part after a dash only says which edition of the recording this is."""
    words = [word for word in _EDITION_TOKEN.findall(text.casefold()) if not _is_year(word)]
    if not _EDITION_WORDS.issuperset(words):
        return False
    return not _MASTERING.isdisjoint(words) or " ".join(words[:2]) in _EDITION_PAIRS


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word[:2] in {"19", "20"}
