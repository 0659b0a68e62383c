"""The spellings under which one artist, or one title, is met: without its article, in one script, in Latin letters."""

import re
from functools import lru_cache

from core.identity import key_halves
from models.matching.hangul import has_hangul, romanize
from models.matching.versions import plain_numbers, version_of

MAX_FORM_LENGTH = 120

_JOINED_NAMES = re.compile(r"\s(?:and|x|vs|with|featuring|feat|ft)\s")
_LISTED_NAMES = re.compile(r"\s*(?:;|,|&|\+|/|\s(?:and|x|vs\.?|with|feat\.?|ft\.?|featuring)\s)\s*", re.IGNORECASE)
# What stores and film companies append; it names the same recording.
_DECORATION = re.compile(
    r"""\s*(?:[(\[]|-\s)\s*(?:
        from\s.+ | (?:the\s)?original\s(?:motion\spicture\s)?soundtrack.*
        | (?:official\s)?(?:music\s|lyrics?\s)?(?:video|audio|visuali[sz]er)
        | bonus\strack(?:\sversion)? | explicit(?:\sversion)? | deluxe(?:\s(?:edition|version))?
        | hd | hq | lyrics
    )\s*[)\]]?\s*$
    # After a digit the identity key does not take "feat" for a guest.
    | (?<=\d)\s+feat(?:\.|uring\s).+$""",
    re.IGNORECASE | re.VERBOSE,
)
# Who plays the songs of the one whose name stands beside these words, is not that one.
_PERFORMING_WORDS = frozenset(
    {"plays", "play", "performs", "sings", "tribute", "karaoke", "cover", "covers", "quartet", "orchestra", "piano"}
    | {"lullaby", "instrumental", "style", "made", "famous"}
)
_HANGUL_RUN = re.compile(r"[\uac00-\ud7a3]+(?:\s+[\uac00-\ud7a3]+)*")
_SMALL_WORDS = frozenset({"the", "and", "of"})
_MIN_LATIN = _MIN_HANGUL = 2


@lru_cache(maxsize=65_536)
def artist_forms(artist_key: str) -> tuple[str, ...]:
    """Spellings of one artist, from its half of the identity key, the plainest first.

    Without the article, in each of its two scripts ("아이유 iu": "아이유", "iu"), with Hangul romanized, and with short
    words joined ("ac dc": "acdc"). All are one artist's whole name, never a part of it.
    """
    name = _without_article(artist_key)
    forms = [name, artist_key, *_scripts(name)]
    words = [word for word in name.split() if word not in _SMALL_WORDS]
    if len(words) > 1 and min(map(len, words)) <= 3:
        forms.append(name.replace(" ", ""))
    return tuple(dict.fromkeys(form[:MAX_FORM_LENGTH] for form in forms if form))


@lru_cache(maxsize=65_536)
def lead_form(artist_key: str) -> str:
    """The first of several artists written as one name ("simon and garfunkel": "simon"); empty for a single one."""
    first, *others = _JOINED_NAMES.split(artist_key)
    return _without_article(first)[:MAX_FORM_LENGTH] if others else ""


def searched_forms(artist_key: str) -> tuple[str, ...]:
    """The spellings under which an artist is searched and found: all of the whole name, and the first of several."""
    lead = lead_form(artist_key)
    return (*artist_forms(artist_key), lead) if lead else artist_forms(artist_key)


@lru_cache(maxsize=65_536)
def credited_names(artist: str) -> frozenset[str]:
    """The keys of all artists that a credit line names, whatever separates them, each also without its article."""
    names = {key_halves(part, "")[0] for part in (*artist.split(";"), *_LISTED_NAMES.split(artist)) if part.strip()}
    return frozenset(_without_article(name) for name in names if name)


@lru_cache(maxsize=65_536)
def bare_title(title: str) -> str:
    """The title as written, without what stores and video sites append.

    It stays as it is where nothing else would be left, or where the appendix names a version or a number, such as the
    film's in 'From "Despicable Me 2"'.
    """
    appended = _DECORATION.search(title)
    if appended is None or not title[: appended.start()].strip():
        return title
    version = version_of(key_halves("", appended[0])[1])
    return title if version.kinds or version.numbers else title[: appended.start()]


@lru_cache(maxsize=65_536)
def bare_title_key(title_key: str, title: str) -> str:
    """The title's half of the identity key, without what stores and video sites append."""
    bare = bare_title(title)
    return title_key if bare == title else key_halves("", bare)[1]


@lru_cache(maxsize=65_536)
def title_forms(title_key: str, title: str) -> tuple[str, ...]:
    """Spellings of one title, from its half of the identity key and from the title as it was written.

    With numbers in digits, without the article and what stores append ("from the film", "bonus track"), in each of two
    scripts, and with Hangul romanized.
    """
    forms: list[str] = []
    for key in (title_key, bare_title_key(title_key, title)):
        plain = plain_numbers(key)
        forms += [_without_article(plain), plain]
    forms += [script for form in tuple(forms) for script in _scripts(form)]
    return tuple(dict.fromkeys(form for form in forms if form))


def _without_article(key: str) -> str:
    """ "the beatles" and "beatles the" as "beatles"; a name of the article alone stays."""
    return key.removeprefix("the ").removesuffix(" the") or key


def _scripts(text: str) -> list[str]:
    """The romanized text, and where Hangul stands beside a translation or transcription, both parts by themselves."""
    if not has_hangul(text):
        return []
    forms = [romanize(text)]
    hangul = " ".join(_HANGUL_RUN.findall(text))
    latin = " ".join(_HANGUL_RUN.sub(" ", text).split())
    translated = len(latin) >= _MIN_LATIN and not latin.isdecimal() and _PERFORMING_WORDS.isdisjoint(latin.split())
    if translated and len(hangul) >= _MIN_HANGUL:
        forms += [hangul, romanize(hangul), latin]
    return forms
