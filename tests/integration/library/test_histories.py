"""Histories of users, read from playlists and interactions."""

import pytest
from sqlalchemy import text

from core.errors import PermanentError
from db.engine import open_session
from services.personal import histories
from services.personal.histories import load_histories, load_history, owned_or_disliked
from services.personal.loaded_catalog import read_catalog


@pytest.fixture
def tracks(session, make_tracks):
    """Eight tracks, and two users without anything."""
    session.execute(text("INSERT INTO users (id) VALUES (1), (2)"))
    session.commit()
    return make_tracks(8)


@pytest.fixture
def catalog(database_url, tracks):
    """All tracks."""
    with open_session(database_url) as own:
        return read_catalog(own).catalog


def own(session, user_id, track_ids, name="list", days_ago=0):
    playlist = session.scalar(
        text("""
            INSERT INTO playlists (user_id, name, created_at) VALUES (:user, :name, now() - :days * interval '1 day')
            RETURNING id
        """),
        {"user": user_id, "name": name, "days": days_ago},
    )
    session.execute(
        text("INSERT INTO playlist_tracks SELECT :playlist, unnest(cast(:tracks AS bigint[])), 1"),
        {"playlist": playlist, "tracks": track_ids},
    )
    session.commit()


def interact(session, user_id, track_id, plays=0, skips=0, liked=0, played_days_ago=None, liked_days_ago=None):
    session.execute(
        text("""
            INSERT INTO interactions (user_id, track_id, plays, skips, liked, last_played_at, liked_at, updated_at)
            VALUES (:user, :track, :plays, :skips, :liked, now() - :played * interval '1 day',
                    now() - :liked_ago * interval '1 day', now() - interval '3 days')
        """),
        {
            "user": user_id,
            "track": track_id,
            "plays": plays,
            "skips": skips,
            "liked": liked,
            "played": played_days_ago,
            "liked_ago": liked_days_ago,
        },
    )
    session.commit()


def test_playlists_and_interactions_meet_in_one_row_for_each_track(session, tracks, catalog):
    own(session, 1, [tracks[5], tracks[1]], days_ago=10)
    own(session, 1, [tracks[1], tracks[2]], name="older", days_ago=30)
    interact(session, 1, tracks[5], plays=7, skips=2, played_days_ago=4)
    interact(session, 1, tracks[0], liked=-1, liked_days_ago=6, plays=1, played_days_ago=20)
    interact(session, 1, tracks[7], skips=1)
    own(session, 2, [tracks[3]])
    history = load_history(session, 1, catalog)
    assert history.positions.tolist() == [0, 1, 2, 5, 7]
    assert history.owned.tolist() == [False, True, True, True, False]
    assert history.plays.tolist() == [1, 0, 0, 7, 0]
    assert history.skips.tolist() == [0, 0, 0, 2, 1]
    assert history.likes.tolist() == [-1, 0, 0, 0, 0]
    # The latest of what happened counts; a track that was only skipped has the date of its row.
    assert history.age_days.tolist() == pytest.approx([6, 10, 30, 4, 3], abs=0.01)


def test_what_is_owned_or_disliked_is_excluded_and_nothing_else(session, tracks, catalog):
    own(session, 1, [tracks[1]])
    interact(session, 1, tracks[0], liked=-1)
    interact(session, 1, tracks[2], liked=1, plays=5)
    mask = owned_or_disliked(load_history(session, 1, catalog), len(catalog))
    assert mask.tolist() == [True, True] + 6 * [False]


def test_tracks_newer_than_the_catalog_are_left_out(session, tracks, catalog, make_tracks):
    newer = make_tracks(2)
    own(session, 1, [newer[0], tracks[4]])
    interact(session, 1, newer[1], plays=3)
    assert load_history(session, 1, catalog).positions.tolist() == [4]


def test_a_user_without_anything_has_an_empty_history_and_an_unknown_one_none(session, catalog):
    assert len(load_history(session, 1, catalog)) == 0
    with pytest.raises(PermanentError) as failed:
        load_history(session, 99, catalog)
    assert failed.value.code == "not-found"


def test_the_community_is_the_most_active_users(session, tracks, catalog, monkeypatch):
    monkeypatch.setattr(histories, "_USERS_AT_ONCE", 2)
    session.execute(text("INSERT INTO users (id) VALUES (3), (4), (5)"))
    own(session, 1, tracks[:2])
    own(session, 3, tracks[:5])
    own(session, 3, tracks[:5], name="the same again")
    own(session, 4, tracks[:3])
    interact(session, 4, tracks[6], plays=1)
    interact(session, 5, tracks[6], skips=4)
    found = load_histories(session, catalog, max_users=3)
    assert {user: history.positions.tolist() for user, history in found.items()} == {
        1: [0, 1],
        3: [0, 1, 2, 3, 4],
        4: [0, 1, 2, 6],
    }
    assert [len(history) for history in load_histories(session, catalog, max_users=1).values()] == [5]


def test_of_a_huge_collection_the_most_wanted_items_are_taken(session, tracks, catalog, monkeypatch):
    monkeypatch.setattr(histories, "MAX_ITEMS", 3)
    own(session, 1, tracks)
    for track in (tracks[6], tracks[2], tracks[3]):
        interact(session, 1, track, plays=9)
    (history,) = load_histories(session, catalog, max_users=10).values()
    assert history.positions.tolist() == [2, 3, 6]
    assert len(load_history(session, 1, catalog)) == len(tracks)
