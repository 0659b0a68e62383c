"""The same near matches with the server's pg_trgm and without it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from reference_files import reference, write_references
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.identity import key_halves
from db.engine import get_engine, open_session
from db.migrate import upgrade
from db.repositories.reference import TrackColumns, has_trigram_search, reference_state
from models.matching.forms import searched_forms
from models.matching.scoring import THRESHOLDS
from models.matching.trigrams import similarity
from services.reference import artist_search
from services.reference.loading import load_reference
from services.reference.matching import match_references

SERVER = "postgresql://postgres@127.0.0.1:5432"
NAMES = [
    *("Metallica", "Megadeth", "The Metal Band", "Imagine Dragons", "AC/DC", "Beyoncé", "Die Ärzte", "Ёлка", "Ελλάδα"),
    *(
        "아이유 (IU)",
        "방탄소년단",
        "ガギグゲゴ",
        "U2",
        "!!!",
        "Simon & Garfunkel",
        "Sigur Rós",
        "हिन्दी",
        "A$AP Rocky",
        "Øresund",
    ),
]


@pytest.fixture
def with_trigrams(tmp_path: Path) -> Iterator[Session]:
    """A database with pg_trgm, and references in it."""
    name = f"musicspace_test_{uuid4().hex[:8]}"
    try:
        connection = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError as error:
        pytest.skip(f"no Postgres server with extensions on this machine: {error}")
    with connection:
        if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone():
            pytest.skip("the Postgres server of this machine lacks pg_trgm")
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' LC_COLLATE 'C'"
        )
    url = f"{SERVER}/{name}"
    try:
        upgrade(url)
        with open_session(url) as session:
            session.execute(text("CREATE EXTENSION pg_trgm"))
            rows = [reference(number, artist, f"Song {number} Of All") for number, artist in enumerate(NAMES)]
            load_reference(session, write_references(tmp_path / "songs.csv", *rows), None, lambda *_: None)
            session.commit()
            artist_search.forget_index()
            yield session
    finally:
        artist_search.forget_index()
        get_engine(url).dispose()
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def misspelled() -> TrackColumns:
    """Every track with its title's and, where long enough, its artist's letters swapped."""
    artists = [name if len(name) < 5 else name[:2] + name[3] + name[2] + name[4:] for name in NAMES]
    n = len(NAMES)
    return TrackColumns(
        list(range(n)), [None] * n, [None] * n, artists, [f"Snog {number} Of All" for number in range(n)], [200_000] * n
    )


def test_similarity_is_what_the_server_says(with_trigrams: Session) -> None:
    keys = [key_halves(name, "")[0] for name in NAMES]
    for one in keys:
        for other in keys:
            answer = with_trigrams.execute(
                text("SELECT similarity(:one, :other)"), {"one": one, "other": other}
            ).scalar()
            assert similarity(one, other) == pytest.approx(answer, abs=1e-6), (one, other)


def test_both_searches_find_the_same_artists(with_trigrams: Session) -> None:
    assert has_trigram_search(with_trigrams)
    state = reference_state(with_trigrams)
    forms = {form for name in (*NAMES, *misspelled().artist) for form in searched_forms(key_halves(name, "")[0])}
    on_server = artist_search.search_on_server(with_trigrams, forms, THRESHOLDS)
    # More than the server is asked for.
    many = [*forms, *(f"filler {number}" for number in range(artist_search.SMALL_SEARCH))]
    in_process = artist_search.near_artists(with_trigrams, state, many, THRESHOLDS)
    assert {form: keys for form, keys in in_process.items() if keys} == dict(on_server)
    assert len(on_server) >= len(NAMES)


def test_both_give_the_same_matches(with_trigrams: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    on_server = match_references(with_trigrams, misspelled())
    assert artist_search._cached is None, "the server was not asked"
    monkeypatch.setattr(artist_search, "SMALL_SEARCH", 0)
    in_process = match_references(with_trigrams, misspelled())
    assert artist_search._cached is not None
    assert [match.evidence for match in in_process] == [match.evidence for match in on_server]
    assert len(on_server) > len(NAMES) // 2


def test_a_server_without_the_extension_is_not_asked(session: Session) -> None:
    has_extension = session.scalar(text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')"))
    assert not has_extension
    assert not has_trigram_search(session)
