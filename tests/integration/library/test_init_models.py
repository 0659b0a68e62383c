"""Init-models: one job a user, features before M1 before M2 before M3, and trainings that collapse."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from core.errors import PermanentError
from core.settings import EnrichSettings
from core.user_models import ModelKind
from core.work import JobKind, WorkKind
from db.engine import open_session
from db.repositories import work_items
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.jobs import cancel_job
from db.repositories.personalized_users import count_active_users
from services.job_control import get_job
from services.personal.jobs import start_community_training, start_init_models, start_training
from services.personal.status import user_status


@pytest.fixture
def chosen(settings):
    return settings.model_copy(update={"enrich": EnrichSettings(predictor="m1", chunk_size=10)})


@pytest.fixture
def user(session, make_tracks):
    """User 7 with 15 tracks in a playlist, one of them with features, and another track that they liked."""
    tracks = make_tracks(16)
    session.execute(text("INSERT INTO users VALUES (7)"))
    playlist = session.scalar(text("INSERT INTO playlists (user_id, name) VALUES (7, 'a') RETURNING id"))
    for place, track in enumerate(tracks[:15]):
        session.execute(
            text("INSERT INTO playlist_tracks VALUES (:p, :t, :n)"), {"p": playlist, "t": track, "n": place}
        )
    session.execute(text("INSERT INTO interactions (user_id, track_id, liked) VALUES (7, :t, 1)"), {"t": tracks[15]})
    features = "danceability, energy, valence, acousticness, instrumentalness, liveness, speechiness, tempo, loudness"
    session.execute(text(f"UPDATE tracks SET ({features}) = (1,1,1,1,1,1,1,99,-9) WHERE id = :id"), {"id": tracks[0]})
    session.commit()
    return tracks


def items(session, job_id):
    query = text(
        "SELECT kind, stage, state, payload ->> 'version', size FROM work_items WHERE job_id = :id ORDER BY id"
    )
    return [tuple(row) for row in session.execute(query, {"id": job_id})]


def end(session, job_id, *, failing=False):
    """Claim and end every queued item of a job; returns the kinds of work and of models."""
    ids = session.scalars(
        text("SELECT id FROM work_items WHERE job_id = :id AND state = 'queued' ORDER BY id"), {"id": job_id}
    ).all()
    done = []
    for item_id in ids:
        held = work_items.claim(session, item_id, "test", 60)
        if failing:
            work_items.fail(session, held, "track-missing", "gone")
        else:
            work_items.finish(session, held, {"trained": True, "swapped": True})
        done.append((held.kind, held.payload["version"]))
    session.commit()
    return done


def test_features_come_first_then_each_model(session, chosen, user):
    started = start_init_models(session, chosen, 7)
    session.commit()
    assert (started.created, started.whole) == (True, True)
    assert items(session, started.job_id) == [
        ("enrich", 0, "queued", "m1", 10),
        ("enrich", 0, "queued", "m1", 5),
        ("train-user", 1, "waiting", "m1", 1),
        ("train-user", 2, "waiting", "m2", 1),
        ("train-user", 3, "waiting", "m3", 1),
    ]
    job = get_job(session, started.job_id)
    assert (job.kind, job.user_id, job.summary["tracks"], job.summary["enqueued"]) == ("init-models", 7, 16, 15)
    stages = [end(session, started.job_id) for _ in range(4)]
    assert stages == [
        [("enrich", "m1")] * 2,
        [("train-user", "m1")],
        [("train-user", "m2")],
        [("train-user", "m3")],
    ]
    assert get_job(session, started.job_id).state == "done"


def test_tracks_that_cannot_be_enriched_do_not_stop_the_trainings(session, chosen, user):
    started = start_init_models(session, chosen, 7)
    session.commit()
    end(session, started.job_id, failing=True)
    assert end(session, started.job_id) == [("train-user", "m1")]


def test_asking_again_returns_the_job_that_is_live(session, chosen, user):
    first = start_init_models(session, chosen, 7)
    assert start_init_models(session, chosen, 7) == type(first)(first.job_id, created=False)
    session.commit()
    for _ in range(4):
        end(session, first.job_id)
    again = start_init_models(session, chosen, 7)
    assert again.created
    assert again.job_id != first.job_id


def test_requests_at_once_share_one_job_and_train_each_model_once(session, database_url, chosen, user):
    def request(number):
        with open_session(database_url) as own:
            kinds = list(ModelKind)
            started = (
                start_init_models(own, chosen, 7) if number % 2 else start_training(own, chosen, 7, kinds[number % 3])
            )
            own.commit()
            return started

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, range(24)))
    counts = "SELECT payload ->> 'version', count(*) FROM work_items WHERE kind = 'train-user' GROUP BY 1 ORDER BY 1"
    assert session.execute(text(counts)).all() == [("m1", 1), ("m2", 1), ("m3", 1)]
    assert session.scalar(text("SELECT count(*) FROM jobs WHERE kind = 'init-models'")) == 1


def test_a_training_that_is_live_is_joined_whatever_started_it(session, chosen, user):
    single = start_training(session, chosen, 7, ModelKind.M2)
    assert start_training(session, chosen, 7, ModelKind.M2) == type(single)(single.job_id, created=False)
    whole = start_init_models(session, chosen, 7)
    assert (whole.created, whole.whole) == (True, False)
    assert [row[3] for row in items(session, whole.job_id) if row[0] == "train-user"] == ["m1", "m3"]
    assert start_training(session, chosen, 7, ModelKind.M3).job_id == whole.job_id
    assert get_job(session, single.job_id).params == {"model": "m2"}


def test_users_do_not_wait_for_each_other(session, chosen, user):
    session.execute(text("INSERT INTO users VALUES (8)"))
    jobs = {start_init_models(session, chosen, user_id).job_id for user_id in (7, 8)}
    assert len(jobs) == 2


def test_a_user_nobody_knows_is_not_found(session, chosen):
    for start in (start_init_models, lambda *ask: start_training(*ask, ModelKind.M1)):
        with pytest.raises(PermanentError, match="There is no user 99") as caught:
            start(session, chosen, 99)
        assert caught.value.code == "not-found"


def test_a_user_who_is_being_removed_gets_no_models(session, chosen, user):
    job_id, _ = create_job(session, JobKind.FORGET_USER, params={"user_id": 7}, unique_key="7")
    enqueue_targets(session, job_id, WorkKind.FORGET_USER, [7], version="user", chunk_size=1)
    seal_job(session, job_id, {})
    with pytest.raises(PermanentError, match="being removed") as caught:
        start_init_models(session, chosen, 7)
    assert caught.value.code == "wrong-state"


def test_the_community_is_trained_by_one_job_once_there_are_enough_users(session, chosen, user):
    few = chosen.model_copy(update={"personal": chosen.personal.model_copy(update={"community_min_users": 2})})
    assert get_job(session, start_init_models(session, few, 7).job_id).summary["community_job"] is None
    for user_id in (8, 9):
        session.execute(text("INSERT INTO users VALUES (:id)"), {"id": user_id})
        session.execute(
            text("INSERT INTO interactions (user_id, track_id, plays) SELECT :id, unnest(CAST(:t AS bigint[])), 1"),
            {"id": user_id, "t": user[: 10 if user_id == 8 else 9]},
        )
    assert start_init_models(session, chosen, 9).created
    job = get_job(session, start_init_models(session, few, 8).job_id).summary["community_job"]
    assert start_community_training(session) == type(start_community_training(session))(job, created=False)
    assert items(session, job) == [("train-community", 0, "queued", "community", 1)]
    cancel_job(session, job)
    assert start_community_training(session).created


def test_users_count_by_tracks_they_want(session, chosen, user):
    query = text("""INSERT INTO interactions (user_id, track_id, plays, skips, liked)
                    SELECT 8, t, :plays, :skips, :liked FROM unnest(CAST(:tracks AS bigint[])) t""")
    session.execute(text("INSERT INTO users VALUES (8)"))
    session.execute(query, {"tracks": user[:9], "plays": 1, "skips": 3, "liked": 0})
    session.execute(query, {"tracks": user[9:12], "plays": 0, "skips": 3, "liked": 0})
    session.execute(query, {"tracks": user[12:15], "plays": 5, "skips": 0, "liked": -1})
    assert count_active_users(session, 9, 10) == 2
    assert count_active_users(session, 10, 10) == 1
    assert count_active_users(session, 15, 10) == 1
    assert count_active_users(session, 1, 1) == 1
    assert count_active_users(session, 17, 10) == 0
    session.execute(text("UPDATE interactions SET liked = -1 WHERE user_id = 7"))
    assert count_active_users(session, 16, 10) == 0


def test_the_status_tells_what_trains_and_why_nothing_serves(session, chosen, user):
    assert {status.state for status in user_status(session, 7)} == {"none"}
    started = start_init_models(session, chosen, 7)
    session.commit()
    assert {(status.state, status.job_id) for status in user_status(session, 7)} == {("training", started.job_id)}
    end(session, started.job_id)
    [item] = session.scalars(text("SELECT id FROM work_items WHERE state = 'queued'")).all()
    held = work_items.claim(session, item, "test", 60)
    work_items.finish(session, held, {"trained": False, "swapped": False, "reason": "Too few."})
    session.commit()
    end(session, started.job_id, failing=True)
    m1, m2, m3 = user_status(session, 7)
    assert (m1.state, m1.why_not, m1.serving) == ("fallback", "Too few.", None)
    assert (m2.state, m2.why_not, m2.last_training.error_code) == ("none", "gone", "track-missing")
    assert m3.state == "training"
    with pytest.raises(PermanentError, match="no user 99"):
        user_status(session, 99)
