"""Outdated models: what marks a user, when the trainings follow, and that no change is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.personal_settings import PersonalSettings
from core.settings import ImportSettings
from db.engine import open_session
from db.repositories import personalized_users as users
from services.importing import import_playlist
from services.personal.interactions import NamedEvent, record
from services.personal.jobs import start_init_models, start_training
from services.personal.outdated import due_users, start_due, start_outdated_community
from services.playlists.reader import parse_playlist

QUIET_S, LONGEST_S = 600.0, 3600.0


@pytest.fixture
def chosen(settings):
    personal = PersonalSettings(debounce_seconds=QUIET_S, max_outdated_seconds=LONGEST_S, community_min_users=2)
    return settings.model_copy(update={"personal": personal})


@pytest.fixture
def tracks(session, make_tracks):
    """Ten tracks and users 1 to 4, of whom the first three asked for models."""
    session.execute(text("INSERT INTO users SELECT generate_series(1, 4)"))
    session.execute(text("INSERT INTO personalized_users SELECT generate_series(1, 3)"))
    return make_tracks(10)


def play(session, user_id, track_id, name):
    recorded = record(session, [NamedEvent(name, user_id, "play", datetime(2026, 5, 1, tzinfo=UTC), track_id)], 10)
    session.commit()
    return recorded


def ago(session, user_id, *, changed_s, outdated_s):
    session.execute(
        text("""UPDATE personalized_users SET changed_at = now() - make_interval(secs => :changed),
                outdated_at = now() - make_interval(secs => :outdated) WHERE user_id = :id"""),
        {"id": user_id, "changed": changed_s, "outdated": outdated_s},
    )
    session.commit()


def marked(session):
    found = session.scalars(
        text("SELECT user_id FROM personalized_users WHERE outdated_at IS NOT NULL ORDER BY 1")
    ).all()
    session.rollback()
    return found


def test_new_interactions_mark_users_who_asked_for_models(session, tracks):
    play(session, 2, tracks[0], "a")
    play(session, 4, tracks[0], "b")
    assert marked(session) == [2]
    first = session.execute(text("SELECT outdated_at, changed_at FROM personalized_users WHERE user_id = 2")).one()
    play(session, 2, tracks[1], "c")
    second = session.execute(text("SELECT outdated_at, changed_at FROM personalized_users WHERE user_id = 2")).one()
    assert first.outdated_at == second.outdated_at
    assert first.changed_at < second.changed_at


def test_an_event_that_is_known_marks_nobody(session, tracks):
    play(session, 2, tracks[0], "a")
    session.execute(text("UPDATE personalized_users SET outdated_at = NULL"))
    assert play(session, 2, tracks[0], "a").duplicates == 1
    assert marked(session) == []


def test_an_import_marks_its_user_if_it_adds_anything(session, tracks):
    def bring():
        playlist = parse_playlist(b"artist,title\nNina Simone,Feeling Good\n", "a.csv", ImportSettings())
        import_playlist(session, playlist, user_id=3, name="a", predictor="m1", chunk_size=10)
        session.commit()

    bring()
    assert marked(session) == [3]
    session.execute(text("UPDATE personalized_users SET outdated_at = NULL"))
    bring()
    assert marked(session) == []


def test_trainings_follow_once_the_user_is_quiet_or_after_long(session, chosen, tracks):
    assert due_users(session, chosen) == []
    for user_id in (1, 2, 3):
        play(session, user_id, tracks[0], "a")
    ago(session, 1, changed_s=QUIET_S - 60, outdated_s=LONGEST_S - 60)
    ago(session, 2, changed_s=QUIET_S + 60, outdated_s=QUIET_S + 60)
    ago(session, 3, changed_s=5, outdated_s=LONGEST_S + 60)
    assert due_users(session, chosen) == [3, 2]
    jobs = start_due(session, chosen)
    session.commit()
    assert marked(session) == [1]
    query = text("SELECT user_id, params FROM jobs WHERE id = ANY(:ids) ORDER BY user_id")
    assert session.execute(query, {"ids": jobs}).all() == [(2, {"reason": "outdated"}), (3, {"reason": "outdated"})]
    assert start_due(session, chosen) == []


def test_a_change_during_a_training_marks_again_and_waits_for_its_end(session, chosen, tracks):
    job = start_init_models(session, chosen, 1).job_id
    session.commit()
    play(session, 1, tracks[0], "a")
    ago(session, 1, changed_s=QUIET_S + 1, outdated_s=QUIET_S + 1)
    assert due_users(session, chosen) == []
    session.execute(text("DELETE FROM live_targets"))
    session.execute(text("UPDATE jobs SET finished_at = now() WHERE id = :id"), {"id": job})
    assert due_users(session, chosen) == [1]


def test_a_job_that_leaves_a_model_to_another_one_leaves_the_mark(session, chosen, tracks):
    play(session, 1, tracks[0], "a")
    start_training(session, chosen, 1, "m2")
    assert not start_init_models(session, chosen, 1).whole
    session.commit()
    assert marked(session) == [1]


def test_a_rolled_back_start_leaves_the_mark(session, chosen, tracks):
    play(session, 1, tracks[0], "a")
    ago(session, 1, changed_s=QUIET_S + 1, outdated_s=QUIET_S + 1)
    assert len(start_due(session, chosen)) == 1
    session.rollback()
    assert marked(session) == [1]


def test_runs_at_once_start_each_user_once(session, database_url, chosen, tracks):
    session.execute(text("INSERT INTO users SELECT generate_series(10, 90)"))
    session.execute(
        text(
            "INSERT INTO personalized_users (user_id, outdated_at, changed_at) "
            "SELECT id, now() - interval '2 h', now() - interval '2 h' FROM users WHERE id >= 10"
        )
    )
    session.commit()

    def run(_):
        with open_session(database_url) as own:
            started = start_due(own, chosen, 30)
            own.commit()
            return started

    with ThreadPoolExecutor(6) as pool:
        jobs = [job for started in pool.map(run, range(18)) for job in started]
    assert len(jobs) == len(set(jobs)) == 81
    assert session.scalar(text("SELECT count(*) FROM live_targets WHERE kind = 'train-user'")) == 3 * 81


def test_the_longest_outdated_go_first_and_a_run_is_bounded(session, chosen, tracks):
    for user_id in (1, 2, 3):
        ago(session, user_id, changed_s=QUIET_S + 1, outdated_s=QUIET_S + user_id)
    assert due_users(session, chosen, 2) == [3, 2]


def test_the_community_is_trained_again_only_if_anything_changed(session, chosen, tracks):
    assert start_outdated_community(session, chosen) == []
    for user_id in (1, 2):
        for track_id in tracks:
            play(session, user_id, track_id, f"x{track_id}")
    [job] = start_outdated_community(session, chosen)
    assert start_outdated_community(session, chosen) == []
    session.execute(text("UPDATE jobs SET finished_at = now() WHERE id = :id"), {"id": job})
    session.execute(text("DELETE FROM live_targets"))
    session.execute(
        text(
            "INSERT INTO user_models (kind, version, state, path, sha256, size_bytes, trained_at) "
            "VALUES ('m3', 'v', 'serving', 'm3/community/v', '', 0, :at)"
        ),
        {"at": datetime.now(UTC) + timedelta(seconds=1)},
    )
    session.commit()
    assert start_outdated_community(session, chosen) == []
    session.execute(text("UPDATE user_models SET trained_at = now() - interval '1 day'"))
    assert len(start_outdated_community(session, chosen)) == 1
    assert users.community_trained_at(session) is not None
