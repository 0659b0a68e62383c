"""A user of whom there is something in every table, with words that nobody else has."""

import json
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.settings import ImportSettings, Settings
from core.user_models import ModelKind
from db.repositories import work_items
from db.tables import Base
from models.recommenders.protocol import TrainedModel
from services.importing import import_playlist
from services.personal.life import storage_of, store_version
from services.playlists.reader import parse_playlist


def fill(session: Session, settings: Settings, user: int, *, word: str) -> None:
    """Playlists, events, feedback, models of two versions, a finished import and a failed one, all with the word."""
    tracks = import_words(session, user, word)
    session.execute(
        text("""
            INSERT INTO interaction_events (user_id, event_id, track_id, kind, occurred_at)
            SELECT :user, :word || id, id, 'play', now() FROM unnest(CAST(:tracks AS bigint[])) AS t (id)
        """),
        {"user": user, "word": word, "tracks": tracks},
    )
    session.execute(
        text("INSERT INTO interactions (user_id, track_id, plays) SELECT :user, unnest(CAST(:tracks AS bigint[])), 1"),
        {"user": user, "tracks": tracks},
    )
    session.execute(text("INSERT INTO personalized_users (user_id) VALUES (:user)"), {"user": user})
    session.execute(
        text("""
            INSERT INTO dj_feedback (event_id, user_id, current_track_id, next_track_id, goal, action, terms)
            VALUES (:word, :user, :track, :track, 'up', 'like', '{}')
        """),
        {"word": word, "user": user, "track": tracks[0]},
    )
    for version in range(2):
        for kind in ModelKind:
            store_model(session, settings, user, kind, f"{word} {version}")
    end_jobs(session, user, word)
    session.commit()


def import_words(session: Session, user: int, word: str) -> list[int]:
    """Import a playlist named by the word; returns its tracks."""
    playlist = parse_playlist(b"artist,title\nIU,Lilac\nQueen,Innuendo\n", "list.csv", ImportSettings())
    summary = import_playlist(session, playlist, user_id=user, name=word, predictor="m1", chunk_size=1)
    query = text("SELECT track_id FROM playlist_tracks WHERE playlist_id = :id ORDER BY position")
    return list(session.scalars(query, {"id": summary.playlist_id}))


def store_model(session: Session, settings: Settings, user: int | None, kind: ModelKind, word: str) -> str:
    """Let a model serve whose file holds the word; returns its path."""
    trained = TrainedModel(kind, "test-1", {"model.json": json.dumps({"word": word}).encode()})
    row = store_version(session, storage_of(settings), user, trained).row
    assert row is not None
    return row.path


def end_jobs(session: Session, user: int, word: str) -> None:
    """Work off the items of a user's jobs: the first fails with the word in its message, the others are done."""
    items = session.scalars(
        text("SELECT w.id FROM work_items w JOIN jobs j ON j.id = w.job_id WHERE j.user_id = :user ORDER BY w.id"),
        {"user": user},
    ).all()
    for place, item in enumerate(items):
        held = work_items.claim(session, item, "test", 60)
        assert held is not None
        if place == 0:
            work_items.fail(session, held, "track-missing", f"no track {word}")
        else:
            work_items.finish(session, held, {"note": word})


def tables_with(session: Session, word: str) -> set[str]:
    """The tables in which any column of any row holds the word."""
    query = "SELECT EXISTS (SELECT 1 FROM {name} AS t WHERE t::text LIKE :word)"
    return {
        name for name in Base.metadata.tables if session.scalar(text(query.format(name=name)), {"word": f"%{word}%"})
    }


def files_with(root: Path, word: str) -> list[Path]:
    """The files below a folder that hold the word."""
    return [path for path in sorted(root.rglob("*")) if path.is_file() and word.encode() in path.read_bytes()]


def ledger_counts(session: Session) -> list[tuple[object, ...]]:
    """What the ledger adds up to, leaving out removals of users."""
    query = text("""
        SELECT j.kind, w.kind, w.state, w.error_code, count(*), sum(w.size), sum(w.attempts),
            count(j.finished_at), sum((SELECT count(*) FROM attempts a WHERE a.work_item_id = w.id))
        FROM jobs j JOIN work_items w ON w.job_id = j.id WHERE j.kind <> 'forget-user'
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """)
    return [tuple(row) for row in session.execute(query)]
