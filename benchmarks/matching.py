"""`python -m benchmarks.matching [--references N] [--tracks N]`: load made-up references, and match tracks to them."""

import argparse
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.synthetic_references import asked, references, write_csv
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
