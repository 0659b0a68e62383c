"""Tracks to look up in an evaluation, each with what should be found."""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from core.identity import key_halves
from models.training_data import ReferenceTable
from services.reference.impostors import NEGATIVE, Stock
from services.reference.perturbations import POSITIVE, Song

#: One in so many known tracks gets a Hangul name and title, for real ones are few.
_HANGUL_ONE_IN = 40
_HANGUL_SYLLABLES = (
    "가나다라마바사아자하고노도로모보소오조호구누두루무부수우주기니디리미비시이지히별달꽃밤봄눈길문강산연은영"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A track to look up, and what should be found."""

    kind: str
    asked: Song
    truth: str | None  #: The Spotify id; `None` for an impostor.
    original: Song  #: What it was made from.


def songs_of(table: ReferenceTable) -> list[Song]:
    """The tracks whose duration is known."""
    tracks = table.tracks
    columns = zip(tracks.track_id, tracks.artist, tracks.title, tracks.duration_ms, strict=True)
    return [Song(spotify_id, tuple(artist.split(";")), title, ms) for spotify_id, artist, title, ms in columns if ms]


def with_hangul(rng: random.Random, songs: Sequence[Song]) -> list[Song]:
    """The songs, some of them under a Hangul name and title."""

    def name(n_words: int) -> str:
        return " ".join("".join(rng.choices(_HANGUL_SYLLABLES, k=rng.randint(2, 4))) for _ in range(n_words))

    return [
        replace(song, artists=(name(1),), title=name(rng.randint(1, 3))) if rng.randrange(_HANGUL_ONE_IN) == 0 else song
        for song in songs
    ]


def half_of(songs: Iterable[Song], held_out: set[str], number: int) -> Stock:
    """The songs of one half of the artists; the name decides, so that it is the same half for every seed."""
    mine = [song for song in songs if hashlib.sha256(song.artists[0].encode()).digest()[0] % 2 == number]
    known = [song for song in mine if song.spotify_id not in held_out]
    return Stock(
        known=known,
        removed=[song for song in mine if song.spotify_id in held_out],
        keys=frozenset(key_halves(song.artist, song.title) for song in known),
    )


def make_cases(rng: random.Random, stock: Stock, per_kind: int) -> list[Case]:
    """At most `per_kind` cases of every kind, made from songs that are in the table."""
    cases: list[Case] = []
    for kind, perturb in POSITIVE.items():
        cases += _first(per_kind, (_case(kind, perturb(rng, song), song, song.spotify_id) for song in _any(rng, stock)))
    for kind, imitate in NEGATIVE.items():
        made = ((imitate(rng, song, stock), song) for song in _any(rng, stock))
        impostors = ((asked, song) for asked, song in made if asked is not None and not stock.is_real(asked, song))
        cases += _first(per_kind, (_case(kind, asked, song, None) for asked, song in impostors))
    return cases


def _any(rng: random.Random, stock: Stock) -> list[Song]:
    return rng.sample(stock.known, len(stock.known))


def _case(kind: str, asked: Song | None, original: Song, truth: str | None) -> Case | None:
    return None if asked is None else Case(kind, asked, truth, original)


def _first(n: int, cases: Iterator[Case | None]) -> Iterator[Case]:
    return islice((case for case in cases if case is not None), n)
