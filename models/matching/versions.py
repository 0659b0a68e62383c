"""What sets one recording of a song apart from another: the version it names, and the numbers in its title.

Two titles can only be the same recording where both agree, however similar the rest is.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# Word, as identity keys have it -> the kind of version it stands for; words of one kind agree with each other.
_VERSION_WORDS: dict[str, str] = {
    word: kind
    for kind, words in {
        "live": "live concert unplugged session sessions directo vivo ao onstage mtv festival 라이브 ライブ",
        "remix": "remix remixed rmx mix rework reworked bootleg mashup flip vip remezcla refix 리믹스 リミックス",
        "edit": "edit",
        "dub": "dub",
        "acoustic": "acoustic acustico acustica acoustique akustik stripped 어쿠스틱",
        "instrumental": "instrumental inst 인스트 연주곡",
        "karaoke": "karaoke 노래방 반주 mr backing playback カラオケ",
        "a-cappella": "acapella cappella acappella vocals",
        "cover": "cover covers covered tribute rendition 커버",
        "demo": "demo demos rough 데모",
        "take": "take takes outtake alternate alternative rehearsal unreleased",
        "fast": "sped speed nightcore fast faster",
        "slow": "slowed slow screwed chopped reverb",
        "extended": "extended",
        "short": "short",
        "orchestral": "orchestral orchestra symphonic philharmonic quartet strings",
        "piano": "piano",
        "lullaby": "lullaby",
        "lo-fi": "lofi fi",
        "8d": "8d",
        "reprise": "reprise",
        "intro": "intro introduction prelude 인트로",
        "outro": "outro 아웃트로",
        "interlude": "interlude skit",
        "medley": "medley",
        "version": "version ver versions versione versao redux revisited rerecorded recorded taylors 버전",
        "clean": "clean",
        "commentary": "commentary",
        "club": "club",
        "radio": "radio",
        "spanish": "spanish espanol",
        "english": "english",
        "korean": "korean 한국어",
        "japanese": "japanese 일본어",
        "chinese": "chinese mandarin",
        "french": "french",
        "german": "german deutsch",
        "italian": "italian italiano",
        "portuguese": "portuguese",
    }.items()
    for word in words.split()
}
# In the name of an artist they mark somebody who performs the songs of others.
_IMITATION_WORDS = frozenset(
    {"karaoke", "tribute", "tributes", "covers", "cover", "lullaby", "lullabies", "instrumental"}
    | {"plays", "performs", "sings"}
)
# What a title says of a recording wherever it says it, also where the identity key takes it for a part of a guest's
# name ("Song feat. Guest Remix").
_STATED = frozenset(
    {"live", "remix", "dub", "acoustic", "instrumental", "karaoke", "a-cappella", "cover", "demo", "take", "fast"}
    | {"slow", "extended", "reprise", "medley", "lo-fi", "8d", "club"}
)
_WORD = re.compile(r"\w+")
_NUMBER_AFTER_GUEST = re.compile(r"\b(?:feat|ft|featuring)\b[^()\[\]-]*\s(\d{1,2}|ii|iii|iv)\s*$", re.IGNORECASE)
_DATED_VERSION = re.compile(r"\b(?:19|20)\d\d version\b", re.IGNORECASE)

_COUNTED = frozenset(
    {"part", "pt", "pts", "parts", "vol", "volume", "no", "number", "chapter", "ch", "act", "movement", "mvt", "book"}
    | {"op", "opus", "episode", "ep", "scene", "side", "phase"}
)
_SPELLED_IN_ORDER = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ROMAN_IN_ORDER = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_SPELLED = {word: str(number) for number, word in enumerate(_SPELLED_IN_ORDER, 1)}
_ROMAN = {word: str(number) for number, word in enumerate(_ROMAN_IN_ORDER, 1)}
# Alone these are an English word, a letter, or a sign; after "part" they count.
_AMBIGUOUS_ROMAN = frozenset({"i", "v", "x", "vi", "xi"})
_FULL_WORDS = {"pt": "part", "vol": "volume"}
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Version:
    """Which version of a song a title names."""

    kinds: frozenset[str]  #: Such as "live" and "remix"; empty for the song itself.
    numbers: tuple[str, ...]  #: All numbers, sorted, without leading zeros; also those of "Part II" and "Pt. Two".


@lru_cache(maxsize=65_536)
def version_of(title_key: str) -> Version:
    """The version that a title names, from its half of the identity key."""
    kinds: set[str] = set()
    numbers: list[str] = []
    before = ""
    for word in title_key.split():
        numbers += _numbers_in(word, before)
        if word in _VERSION_WORDS:
            kinds.add(_VERSION_WORDS[word])
        before = word
    return Version(frozenset(kinds), tuple(sorted(numbers)))


@lru_cache(maxsize=65_536)
def stated_version(title: str) -> Version:
    """What the whole of a title, as written, says of the version: the surest kinds, and the numbers that count."""
    words = _WORD.findall(title.casefold())
    kinds = _STATED.intersection(_VERSION_WORDS.get(word, "") for word in words)
    if _DATED_VERSION.search(title):
        kinds |= {"version"}
    numbers = [n for before, word in pairwise(words) if before in _COUNTED for n in _numbers_in(word, before)]
    if _NUMBER_AFTER_GUEST.search(title) and words[-2] not in _COUNTED:
        numbers += _numbers_in(words[-1], "part")
    return Version(frozenset(kinds), tuple(sorted(numbers)))


@lru_cache(maxsize=65_536)
def imitation_words(artist: str) -> frozenset[str]:
    """The words of an artist's name, as written, which say that somebody performs the songs of others."""
    return _IMITATION_WORDS.intersection(_WORD.findall(artist.casefold()))


def plain_numbers(title_key: str) -> str:
    """The title with its counting words and numbers written in one way: "pt ii" becomes "part 2"."""
    words: list[str] = []
    before = ""
    for word in title_key.split():
        counted = _numbers_in(word, before)
        words.append(
            counted[0] if counted and word in _ROMAN | _SPELLED else {"pt": "part", "vol": "volume"}.get(word, word)
        )
        before = word
    return " ".join(words)


def _numbers_in(word: str, before: str) -> list[str]:
    """The numbers a word stands for, after the word `before`; after "part" a letter is one, too."""
    if found := _DIGITS.findall(word):
        return [str(int(digits)) for digits in found]
    if before in _COUNTED:
        number = _ROMAN.get(word) or _SPELLED.get(word)
        return [number] if number else [word] if len(word) == 1 else []
    return [_ROMAN[word]] if word in _ROMAN and word not in _AMBIGUOUS_ROMAN else []
