"""The tasks of beat that renew models: jobs start, their work is dispatched, an outage is left to the next run."""

import pytest
from sqlalchemy import text

from core.settings import use_settings

# A module, not its tasks: looking at a task makes Celery read its settings.
from tasks import maintenance
from tasks.publishing import queue_depth
from tasks.queues import Queue


@pytest.fixture
def chosen(settings):
    personal = settings.personal.model_copy(update={"community_min_users": 2, "debounce_seconds": 60.0})
    own = settings.model_copy(update={"personal": personal})
    use_settings(own)
    return own


@pytest.fixture
def users(session, chosen, make_tracks):
    """Users 1 to 3 with eleven tracks they played; the models of the first are outdated and quiet."""
    tracks = make_tracks(11)
    session.execute(text("INSERT INTO users SELECT generate_series(1, 3)"))
    session.execute(
        text("""
            INSERT INTO interactions (user_id, track_id, plays)
            SELECT u.id, t, 1 FROM users u, unnest(CAST(:tracks AS bigint[])) t
        """),
        {"tracks": tracks},
    )
    session.execute(
        text("""
            INSERT INTO personalized_users (user_id, outdated_at, changed_at)
            VALUES (1, now() - interval '5 min', now() - interval '2 min'), (2, now(), now()), (3, NULL, NULL)
        """)
    )
    session.commit()


def test_models_of_quiet_users_are_renewed_once(session, users):
    maintenance.renew_models.run()
    jobs = session.execute(text("SELECT user_id, kind, params ->> 'reason' FROM jobs WHERE user_id IS NOT NULL")).all()
    assert [tuple(job) for job in jobs] == [(1, "init-models", "outdated")]
    assert queue_depth(Queue.ENRICH) == 2, "features first"
    session.rollback()
    maintenance.renew_models.run()
    assert session.scalar(text("SELECT count(*) FROM jobs WHERE user_id IS NOT NULL")) == 1


def test_the_community_is_renewed_if_anything_changed(session, users):
    maintenance.renew_community.run()
    maintenance.renew_community.run()
    assert session.scalar(text("SELECT count(*) FROM jobs WHERE unique_key = 'community'")) == 1
    assert queue_depth(Queue.TRAIN) == 1


def test_a_database_that_is_away_is_left_to_the_next_run(chosen):
    away = chosen.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    use_settings(away)
    maintenance.renew_models.run()
    maintenance.renew_community.run()
