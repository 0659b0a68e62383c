"""Seeded tracks that are not in the reference table, yet look like one that is."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.identity import key_halves
from models.matching.versions import version_of
from services.reference.perturbations import Song, typo_in_both

_VERSIONS: dict[str, tuple[str, ...]] = {
    "live version": (" - Live", " (Live)", " - Live at Wembley Stadium", " (Live from Paris)", " (MTV Unplugged)"),
    "remix": (" - Remix", " (Nova Lane Remix)", " - DJ Karim Edit", " (Club Mix)", " (VIP Mix)", " - Extended Mix"),
    "acoustic or demo": (" - Acoustic", " (Acoustic Version)", " - Demo", " (Piano Version)", " - Stripped"),
    "instrumental or karaoke": (" - Instrumental", " (Karaoke Version)", " (Instrumental Version)", " (A Cappella)"),
    "sped up or slowed": (" - Sped Up", " (Slowed + Reverb)", " - Nightcore Version", " (sped up)"),
    "re-recorded": (" (Taylor's Version)", " (Re-Recorded)", " - New Version", " (Korean Version)", " (2019 Version)"),
    "another part": (", Pt. 2", " (Part 2)", " II", " 2", " - Part Two", " Vol. 3"),
}
_COVERS = ("{} Tribute Band", "Karaoke {}", "The {} Cover Band", "Vitamin String Quartet plays {}", "{} Tribute")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Stock:
    """Where impostors are made from."""

    known: Sequence[Song]  #: In the reference table.
    removed: Sequence[Song]  #: Taken out of it.
    keys: frozenset[tuple[str, str]]  #: Halves of the identity keys of those known.

    def is_real(self, impostor: Song, original: Song) -> bool:
        """Whether what was made of `original` happens to be another track in the table."""
        key = key_halves(impostor.artist, impostor.title)
        made_up = impostor.spotify_id == original.spotify_id
        return made_up and key in self.keys and key != key_halves(original.artist, original.title)


#: Makes one impostor out of a song that is in the table; `None` where that does not work.
Impostor = Callable[[random.Random, Song, Stock], Song | None]


def removed(rng: random.Random, _: Song, stock: Stock) -> Song:
    """A real track that is not in the table, while others of the artist may be."""
    return rng.choice(stock.removed)


def removed_with_typos(rng: random.Random, _: Song, stock: Stock) -> Song | None:
    """The same with slips."""
    return typo_in_both(rng, rng.choice(stock.removed))


def other_song_of_the_artist(rng: random.Random, song: Song, stock: Stock) -> Song:
    """The artist and the duration of a known track, under the title of another."""
    return replace(song, title=rng.choice(stock.known).title)


def namesake(rng: random.Random, song: Song, stock: Stock) -> Song | None:
    """The title and the duration of a known track, by somebody else."""
    other = rng.choice(stock.known)
    return None if set(other.artists) & set(song.artists) else replace(song, artists=other.artists)


def cover(rng: random.Random, song: Song, _: Stock) -> Song:
    """The title and the duration of a known track, by those who play it in its artist's name."""
    return replace(song, artists=(rng.choice(_COVERS).format(song.artists[0]),))


def other_number(rng: random.Random, song: Song, _: Stock) -> Song | None:
    """Another number in the title, other than the year of a remaster."""
    changed = _NUMBER.sub(lambda match: str(int(match[0]) + rng.randint(1, 9)), song.title, count=1)
    return None if key_halves("", changed) == key_halves("", song.title) else replace(song, title=changed)


def _version(endings: tuple[str, ...]) -> Impostor:
    def named(rng: random.Random, song: Song, _: Stock) -> Song | None:
        version = version_of(key_halves("", song.title)[1])
        return None if version.kinds or version.numbers else replace(song, title=song.title + rng.choice(endings))

    return named


def _version_of_unknown_duration(rng: random.Random, song: Song, stock: Stock) -> Song | None:
    named = _version(_VERSIONS["live version"])(rng, song, stock)
    return named and replace(named, duration_ms=None)


def same_words_other_length(rng: random.Random, song: Song, _: Stock) -> Song:
    """A known artist and title at a duration that no release of the recording has."""
    assert song.duration_ms is not None
    return replace(song, duration_ms=int(song.duration_ms * rng.choice((0.6, 0.8, 1.15, 1.5))))


NEGATIVE: dict[str, Impostor] = {
    "taken out of the table": removed,
    "taken out, with typos": removed_with_typos,
    "another song of the artist": other_song_of_the_artist,
    "same title, other artist": namesake,
    "cover or tribute": cover,
    **{name: _version(endings) for name, endings in _VERSIONS.items()},
    "live version, duration unknown": _version_of_unknown_duration,
    "another number in the title": other_number,
    "same words, other length": same_words_other_length,
}
