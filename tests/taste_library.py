"""A small library with three tastes that tell apart by sound, artists and genre, and users who have one of them."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.features import FEATURES
from core.settings import Settings

TASTES = ("folk", "house", "metal")
PER_TASTE = 60
_ARTISTS_PER_TASTE = 6


def with_storage(settings: Settings, folder: Path) -> Settings:
    """Settings under which models of users lie in a folder, and a changed library is seen at once."""
    personal = settings.personal.model_copy(update={"storage_url": str(folder), "catalog_refresh_seconds": 0.001})
    return settings.model_copy(update={"personal": personal})


def add_library(session: Session) -> dict[str, list[int]]:
    """Insert and commit the tracks of every taste; returns their ids."""
    found = {taste: [_add_track(session, taste, number) for number in range(PER_TASTE)] for taste in TASTES}
    session.commit()
    return found


def add_user(session: Session, user_id: int, track_ids: Sequence[int], played: Sequence[int] = ()) -> None:
    """Insert and commit a user with a playlist of tracks, some of which were played."""
    session.execute(text("INSERT INTO users (id) VALUES (:id)"), {"id": user_id})
    session.execute(
        text("""
            WITH list AS (INSERT INTO playlists (user_id, name) VALUES (:user, 'all') RETURNING id)
            INSERT INTO playlist_tracks (playlist_id, track_id, position)
            SELECT list.id, t.id, t.place FROM list, unnest(CAST(:tracks AS bigint[])) WITH ORDINALITY AS t (id, place)
        """),
        {"user": user_id, "tracks": list(track_ids)},
    )
    session.execute(
        text("""
            INSERT INTO interactions (user_id, track_id, plays, last_played_at)
            SELECT :user, id, 3, now() FROM unnest(CAST(:tracks AS bigint[])) AS t (id)
        """),
        {"user": user_id, "tracks": list(played)},
    )
    session.commit()


def _add_track(session: Session, taste: str, number: int) -> int:
    """Features lie around a middle of the taste's own, as far from it as the number says."""
    middle = (0.5 + TASTES.index(taste)) / len(TASTES)
    share = middle + (number % 10 - 4.5) / 60
    artist, title = f"{taste.title()} Artist {number % _ARTISTS_PER_TASTE}", f"{taste.title()} Song {number}"
    values = {feature.name: feature.low + share * (feature.high - feature.low) for feature in FEATURES}
    columns = {
        "identity_key": f"{artist}|{title}".lower(),
        "artist": artist,
        "title": title,
        "genres": [taste],
        "popularity": number,
        **values,
    }
    names = ", ".join(columns)
    query = f"INSERT INTO tracks ({names}) VALUES ({', '.join(f':{name}' for name in columns)}) RETURNING id"
    return int(session.scalar(text(query), columns) or 0)
