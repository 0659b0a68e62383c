"""Made-up recordings for a reference table, and tracks to look for in it."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from core.features import FEATURE_NAMES
from db.repositories.reference import TrackColumns

_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
]
_RHYMES = [
    "a",
    "ar",
    "e",
    "el",
    "en",
    "er",
    "i",
    "ia",
    "ick",
    "ing",
    "o",
    "ock",
    "on",
    "or",
    "u",
    "un",
    "y",
    "ale",
    "ight",
    "ove",
]
_N_WORDS = 20_000
_ENDINGS = ("", "", "", "", "", " - Live", " (Acoustic)", " - Remastered 2011", " (feat. {})", " - {} Remix")


@dataclass(frozen=True, slots=True)
class Reference:
    """A made-up recording."""

    spotify_id: str
    isrc: str
    artist: str
    title: str
    duration_ms: int


class Vocabulary:
    """Words, and texts made of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        words = {self._word() for _ in range(2 * _N_WORDS)}
        self._words = sorted(words)
        rng.shuffle(self._words)
        self._words = self._words[:_N_WORDS]
        # Titles and names repeat words as languages do: the k-th word about 1/k as often as the first.
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(len(self._words))))

    def _word(self) -> str:
        syllables = self._rng.choice((1, 2, 2, 3))
        return "".join(self._rng.choice(_ONSETS) + self._rng.choice(_RHYMES) for _ in range(syllables))

    def phrase(self, lengths: tuple[int, ...]) -> str:
        """Some words, capitalized."""
        words = self._rng.choices(self._words, cum_weights=self._weights, k=self._rng.choice(lengths))
        return " ".join(words).title()


def references(n: int, seed: int = 1) -> Iterator[Reference]:
    """n recordings of about n / 7 artists, a few of whom have very many."""
    rng = random.Random(seed)
    vocabulary = Vocabulary(rng)
    artists = list(dict.fromkeys(vocabulary.phrase((1, 2, 2, 2, 3)) for _ in range(n // 5)))
    weights = list(accumulate(1 / (rank + 50) ** 0.8 for rank in range(len(artists))))
    for number in range(n):
        (artist,) = rng.choices(artists, cum_weights=weights)
        title = vocabulary.phrase((1, 2, 2, 3, 3, 4, 5)) + rng.choice(_ENDINGS).format(artists[number % len(artists)])
        yield Reference(
            f"{number:022d}", f"QZABC{number:07d}", artist, title, int(rng.gauss(215_000, 55_000)) % 600_000 + 30_000
        )


def write_csv(path: Path, rows: list[Reference], seed: int = 2) -> None:
    """The file that is loaded."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("spotify_id", "isrc", "artist", "title", "duration_ms", *FEATURE_NAMES))
        for row in rows:
            shares = [f"{rng.random():.4f}" for _ in range(7)]
            features = (*shares, f"{rng.uniform(60, 200):.3f}", f"{rng.uniform(-30, 0):.3f}")
            table.writerow((row.spotify_id, row.isrc, row.artist, row.title, row.duration_ms, *features))


def asked(
    rows: list[Reference], n: int, shares: dict[str, float], seed: int = 3
) -> tuple[TrackColumns, list[str | None]]:
    """Tracks to look up, in a mix of kinds, and the Spotify id each should be found under."""
    rng = random.Random(seed)
    vocabulary = Vocabulary(rng)
    columns = TrackColumns([], [], [], [], [], [])
    truth: list[str | None] = []
    for number in range(n):
        (kind,) = rng.choices(list(shares), list(shares.values()))
        row = rng.choice(rows)
        if kind == "absent":
            row = replace(row, artist=vocabulary.phrase((2, 3)), title=vocabulary.phrase((2, 3, 4)), spotify_id="")
        if kind == "near":
            row = replace(row, title=_swapped(rng, row.title), artist=_swapped(rng, row.artist))
        truth.append(row.spotify_id or None)
        columns.track_ids.append(number)
        columns.spotify_id.append(row.spotify_id if kind == "id" else None)
        columns.isrc.append(row.isrc if kind == "isrc" else None)
        columns.artist.append(row.artist)
        columns.title.append(row.title)
        columns.duration_ms.append(row.duration_ms + rng.randint(-1_500, 1_500))
    return columns, truth


def _swapped(rng: random.Random, name: str) -> str:
    """The name with two neighbors of its first word swapped."""
    place = rng.randrange(max(name.find(" "), len(name.split()[0]), 2) - 1)
    return name[:place] + name[place : place + 2][::-1] + name[place + 2 :]
