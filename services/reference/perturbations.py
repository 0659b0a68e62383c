"""Seeded ways in which other people spell a track that is in the reference table."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from models.matching.durations import TOLERANCE_MS
from models.matching.hangul import has_hangul, romanize


@dataclass(frozen=True, slots=True)
class Song:
    """A row of the table, or what somebody makes of it."""

    spotify_id: str
    artists: tuple[str, ...]  #: The first one is the lead.
    title: str
    duration_ms: int | None

    @property
    def artist(self) -> str:
        """All artists joined with ";"."""
        return ";".join(self.artists)


#: Returns `None` where it does not apply to the song.
Perturbation = Callable[[random.Random, Song], Song | None]

_GUESTS = ("Nova Lane", "DJ Karim", "The Hollow Tides", "Mira Sol", "Young Atlas", "수지")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EDITIONS = (
    *(" - Remastered", " - Remastered 2011", " (2009 Remaster)", " [Remastered]", " - 2015 Digital Remaster"),
    *(" - Radio Edit", " - Single Version", " - Album Version", " - Mono", " - Stereo"),
)
_DECORATIONS = (
    *(' (From "The Long Way Home")', " (Official Video)", " (Official Audio)", " [Official Music Video]"),
    *(" - Bonus Track", " (Explicit)", " (Original Motion Picture Soundtrack)", " (Lyrics)"),
)
_GUEST_IN_TITLE = re.compile(r"\s*[(\[](?:feat|ft)\.?\s[^)\]]*[)\]]", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[!?,.:\"…]")
_HANGUL_NAMES = ("김하늘", "서연", "바다소년", "이준호", "달빛", "한별", "소나기", "윤슬")


def exact(_: random.Random, song: Song) -> Song:
    """As it is."""
    return song


def case_and_punctuation(rng: random.Random, song: Song) -> Song:
    """Another case, other apostrophes and dashes, no or other punctuation, "&" for "and"."""

    def change(text: str) -> str:
        text = rng.choice((str.upper, str.lower, str.title, str))(text)
        text = text.replace("'", rng.choice(("’", "'", "´"))).replace(" - ", rng.choice((" – ", " - ")))
        text = re.sub(r"\b[Aa]nd\b", rng.choice(("&", "and")), text) if rng.random() < 0.5 else text
        shorter = _PUNCTUATION.sub("", text)
        return shorter if rng.random() < 0.5 and any(map(str.isalnum, shorter)) else text

    return replace(song, artists=tuple(map(change, song.artists)), title=change(song.title))


def typo_in_title(rng: random.Random, song: Song) -> Song | None:
    """One slip in the title: a letter more, less, another one, or two swapped."""
    title = _slip(rng, song.title)
    return None if title is None else replace(song, title=title)


def typo_in_artist(rng: random.Random, song: Song) -> Song | None:
    """One slip in the first artist's name."""
    artist = _slip(rng, song.artists[0])
    return None if artist is None else replace(song, artists=(artist, *song.artists[1:]))


def typo_in_both(rng: random.Random, song: Song) -> Song | None:
    """One slip in the title and one in the first artist's name."""
    changed = typo_in_title(rng, song)
    return changed and typo_in_artist(rng, changed)


def guest_added(rng: random.Random, song: Song) -> Song:
    """ "(feat. X)" after the title, or in the artist's name."""
    guest = rng.choice(_GUESTS)
    if rng.random() < 0.3:
        return replace(song, artists=(f"{song.artists[0]} feat. {guest}",))
    return replace(song, title=song.title + rng.choice((" (feat. {})", " [ft. {}]", " feat. {}")).format(guest))


def guest_removed(_: random.Random, song: Song) -> Song | None:
    """The title without its guests, and the first artist alone."""
    title = _GUEST_IN_TITLE.sub("", song.title)
    return replace(song, title=title, artists=song.artists[:1]) if title != song.title else None


def edition_added(rng: random.Random, song: Song) -> Song:
    """ "Remastered 2011", "Radio Edit" and the like."""
    return replace(song, title=song.title + rng.choice(_EDITIONS))


def decorated(rng: random.Random, song: Song) -> Song:
    """What stores and video sites append."""
    return replace(song, title=song.title + rng.choice(_DECORATIONS))


def other_separators(rng: random.Random, song: Song) -> Song | None:
    """Several artists, joined otherwise or the first one alone."""
    if len(song.artists) == 1:
        return None
    separator = rng.choice((" & ", ", ", " / ", " feat. ", " x ", ""))
    return replace(song, artists=(separator.join(song.artists),) if separator else song.artists[:1])


def other_order(rng: random.Random, song: Song) -> Song | None:
    """Several artists in another order."""
    if len(song.artists) == 1:
        return None
    others = [*song.artists[1:]]
    rng.shuffle(others)
    return replace(song, artists=(*others, song.artists[0]))


def article_moved(rng: random.Random, song: Song) -> Song | None:
    """ "The Beatles" as "Beatles, The" or "Beatles"."""
    lead = song.artists[0]
    if not lead.lower().startswith("the ") or len(lead) < 8:
        return None
    return replace(song, artists=(lead[4:] + rng.choice((", The", "")), *song.artists[1:]))


def hangul_beside_name(rng: random.Random, song: Song) -> Song | None:
    """A Latin name with its Hangul beside it: "X" as "한별 (X)" or "X (한별)"."""
    lead = song.artists[0]
    if not lead.isascii() or not any(map(str.isalpha, lead)) or lead.isdecimal() or len(lead) < 3:
        return None
    hangul = rng.choice(_HANGUL_NAMES)
    both = rng.choice((f"{hangul} ({lead})", f"{lead} ({hangul})", f"{hangul} {lead}"))
    return replace(song, artists=(both, *song.artists[1:]))


def hangul_romanized(_: random.Random, song: Song) -> Song | None:
    """Hangul in Latin letters, artist and title."""
    if not has_hangul(song.artist + song.title):
        return None
    return replace(song, artists=tuple(romanize(name).title() for name in song.artists), title=romanize(song.title))


def hangul_one_script(rng: random.Random, song: Song) -> Song | None:
    """The artist in both scripts, "아이유 (Aiyu)", and of a title in two scripts one of them."""
    if not has_hangul(song.artists[0]):
        return None
    lead = song.artists[0]
    latin = romanize(lead).title()
    return replace(song, artists=(rng.choice((f"{lead} ({latin})", f"{latin} ({lead})", latin)), *song.artists[1:]))


def duration_shifted(rng: random.Random, song: Song) -> Song:
    """A duration up to 2.5 s away, as other releases have, or cut to seconds."""
    assert song.duration_ms is not None
    if rng.random() < 0.3:
        return replace(song, duration_ms=song.duration_ms // 1000 * 1000)
    shift = rng.randint(-TOLERANCE_MS + 500, TOLERANCE_MS - 500)
    return replace(song, duration_ms=max(song.duration_ms + shift, 1000))


def duration_unknown(_: random.Random, song: Song) -> Song:
    """No duration."""
    return replace(song, duration_ms=None)


def several_at_once(rng: random.Random, song: Song) -> Song | None:
    """Lower case, a slip in the title, a guest and a shifted duration."""
    changed = typo_in_title(rng, song)
    if changed is None:
        return None
    changed = guest_added(rng, duration_shifted(rng, changed))
    return replace(changed, title=changed.title.lower(), artists=tuple(map(str.lower, changed.artists)))


POSITIVE: dict[str, Perturbation] = {
    "as it is": exact,
    "case and punctuation": case_and_punctuation,
    "a typo in the title": typo_in_title,
    "a typo in the artist": typo_in_artist,
    "a typo in both": typo_in_both,
    "guest added": guest_added,
    "guest removed": guest_removed,
    "remaster or edition added": edition_added,
    "decoration of stores and video sites": decorated,
    "artists joined otherwise": other_separators,
    "artists in another order": other_order,
    "article moved or dropped": article_moved,
    "Hangul beside a Latin name": hangul_beside_name,
    "Hangul romanized": hangul_romanized,
    "Hangul artist in both scripts": hangul_one_script,
    "duration shifted": duration_shifted,
    "duration unknown": duration_unknown,
    "several of these at once": several_at_once,
}


def _slip(rng: random.Random, text: str) -> str | None:
    """The text with one slip at a letter; `None` for texts of fewer than four letters."""
    places = [place for place, char in enumerate(text) if char.isalpha()]
    if len(places) < 4:
        return None
    place = rng.choice(places)
    kind = rng.randrange(4)
    letter = rng.choice([char for char in _LETTERS if char != text[place].lower()])
    if kind == 0:
        return text[:place] + letter + text[place + 1 :]
    if kind == 1:
        return text[:place] + letter + text[place:]
    if kind == 2 or place + 1 == len(text) or text[place] == text[place + 1]:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
