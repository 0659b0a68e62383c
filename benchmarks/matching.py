"""`python -m benchmarks.matching [--references N] [--tracks N]`: load made-up references, and match tracks to them."""

import argparse
import csv
import json
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES
from core.identity import key_halves
from core.settings import get_settings
from db.engine import get_engine, open_session
from db.migrate import upgrade
from db.repositories.reference import TrackColumns, has_trigram_search, reference_state
from integrations.embedded import embedded_servers
from models.matching.forms import searched_forms
from models.matching.scoring import THRESHOLDS
from services.reference import artist_search
from services.reference.loading import load_reference
from services.reference.matching import Match, match_references

_CHUNK = 500
_ONSETS = (
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
)
_RHYMES = (
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
)
_N_WORDS = 20_000
#: Titles and names repeat words as languages do: the k-th word about 1/k as often as the first.
_ENDINGS = ("", "", "", "", "", " - Live", " (Acoustic)", " - Remastered 2011", " (feat. {})", " - {} Remix")


@dataclass(frozen=True, slots=True)
class Reference:
    """A made-up recording."""

    spotify_id: str
    isrc: str
    artist: str
    title: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement."""

    name: str
    n: int
    seconds: float
    found: int | None = None
    wrong: int | None = None

    @property
    def per_second(self) -> float:
        """Things each second."""
        return self.n / self.seconds


class Vocabulary:
    """Words, and texts made of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        words = {self._word() for _ in range(2 * _N_WORDS)}
        self._words = sorted(words)
        rng.shuffle(self._words)
        self._words = self._words[:_N_WORDS]
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


def match_all(session: Session, columns: TrackColumns) -> list[Match]:
    """All tracks, in chunks, as workers do."""
    found: list[Match] = []
    for start in range(0, len(columns), _CHUNK):
        rows = slice(start, start + _CHUNK)
        chunk = TrackColumns(
            columns.track_ids[rows],
            columns.spotify_id[rows],
            columns.isrc[rows],
            columns.artist[rows],
            columns.title[rows],
            columns.duration_ms[rows],
        )
        found += [replace(match, row=match.row + start) for match in match_references(session, chunk)]
    return found


def measure_matching(session: Session, name: str, columns: TrackColumns, truth: list[str | None]) -> Measured:
    """Time for all tracks, and how many were found, and wrongly."""
    started = time.perf_counter()
    matches = match_all(session, columns)
    seconds = time.perf_counter() - started
    wrong = sum(truth[match.row] != match.spotify_id for match in matches)
    return Measured(name, len(columns), seconds, len(matches), wrong)


def measure_naive(session: Session, columns: TrackColumns, truth: list[str | None], n: int) -> Measured:
    """The yardstick: one query a track for the exact key, nothing near."""
    found = wrong = 0
    started = time.perf_counter()
    for row in range(n):
        artist_key, title_key = key_halves(columns.artist[row], columns.title[row])
        hit = session.execute(
            text("""
                SELECT spotify_id FROM spotify_reference
                WHERE spotify_id = :id OR isrc = :isrc
                   OR artist_key = :artist AND title_key = :title AND abs(duration_ms - :ms) <= 3000
                ORDER BY abs(duration_ms - :ms) LIMIT 1
            """),
            {
                "id": columns.spotify_id[row],
                "isrc": columns.isrc[row],
                "artist": artist_key,
                "title": title_key,
                "ms": columns.duration_ms[row],
            },
        ).scalar()
        found += hit is not None
        wrong += hit is not None and hit != truth[row]
    return Measured("naive: one query a track, exact only", n, time.perf_counter() - started, found, wrong)


def measure_artist_search(session: Session, columns: TrackColumns) -> list[Measured]:
    """Names of artists looked up in this process' index, its making included, and by pg_trgm where there is one."""
    state = reference_state(session)
    forms = sorted({form for artist in columns.artist[:2_000] for form in searched_forms(key_halves(artist, "")[0])})

    def timed(name: str, n: int, action: Callable[[], object]) -> Measured:
        started = time.perf_counter()
        action()
        return Measured(name, n, time.perf_counter() - started)

    artist_search.forget_index()
    search = artist_search.near_artists
    # One more than the server would be asked for.
    first = forms[: artist_search.SMALL_SEARCH + 1]
    results = [
        timed("making the index of artists", 1, lambda: search(session, state, first, THRESHOLDS)),
        timed("artists searched, own index", len(forms), lambda: search(session, state, forms, THRESHOLDS)),
    ]
    if has_trigram_search(session):
        few = forms[: artist_search.SMALL_SEARCH]
        on_server = artist_search.search_on_server
        results.append(timed("artists searched, pg_trgm", len(few), lambda: on_server(session, few, THRESHOLDS)))
    return results


def run_all(database_url: str, n_references: int, n_tracks: int) -> list[Measured]:
    """Every measurement on an empty, migrated database."""
    rows = list(references(n_references))
    results: list[Measured] = []
    mix = {"key": 0.5, "id": 0.15, "isrc": 0.05, "near": 0.15, "absent": 0.15}
    mixes = {"mix: 50 % key, 20 % ids, 15 % near, 15 % absent": mix} | {
        f"all {kind}": {kind: 1.0} for kind in ("id", "isrc", "key", "near", "absent")
    }
    with tempfile.TemporaryDirectory() as folder, open_session(database_url) as session:
        path = Path(folder) / "references.csv"
        write_csv(path, rows)
        for name in ("load", "load again, nothing new"):
            started = time.perf_counter()
            load_reference(session, path, "benchmark", lambda *_: None)
            session.commit()
            results.append(Measured(name, n_references, time.perf_counter() - started))
        results += measure_artist_search(session, asked(rows, n_tracks, {"near": 1.0})[0])
        for name, shares in mixes.items():
            results.append(measure_matching(session, name, *asked(rows, n_tracks, shares)))
        results.append(measure_naive(session, *asked(rows, n_tracks, mix), n=min(200, n_tracks)))
    return results


def show(results: list[Measured]) -> None:
    """A table for people."""
    table = Table("measurement", box=SIMPLE_HEAD)
    for header in ("n", "seconds", "per second", "found", "wrong"):
        table.add_column(header, justify="right")
    for result in results:
        counts = ("" if count is None else f"{count:,}" for count in (result.found, result.wrong))
        table.add_row(result.name, f"{result.n:,}", f"{result.seconds:.2f}", f"{result.per_second:,.0f}", *counts)
    Console(width=120).print(table)


def main() -> None:
    """Measure on an embedded Postgres in a temporary folder, or on an empty database that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--references", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=10_000)
    parser.add_argument("--database-url", help="An empty database to use, such as one with pg_trgm.")
    parser.add_argument("--out", type=Path, default=Path("bench-results/matching.json"))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="musicspace-bench-"))
    folder.chmod(0o755)
    chosen = {"data_dir": folder, "database_url": options.database_url, "redis_url": None}
    try:
        with embedded_servers(get_settings().model_copy(update=chosen)) as urls:
            upgrade(urls.database_url)
            results = run_all(urls.database_url, options.references, options.tracks)
            get_engine(urls.database_url).dispose()
    finally:
        shutil.rmtree(folder)
    show(results)
    figures = {result.name: {"n": result.n, "seconds": result.seconds, "found": result.found} for result in results}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"python": platform.python_version(), **figures}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
