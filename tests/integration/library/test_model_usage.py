"""How much models take: by kind and user, and how that grows."""

import time

import pytest
from sqlalchemy import text

from core.user_models import ModelKind
from db.repositories.user_models import NewVersion, push
from services.personal.usage import KindUsage, read_usage, snapshot_day


@pytest.fixture
def add(session):
    """Let a version serve."""

    def run(user, kind, version, size):
        if user is not None:
            session.execute(text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING"), {"id": user})
        path = f"{kind}/{user or 'community'}/{version}"
        push(session, NewVersion(user, ModelKind(kind), version, path, "0" * 64, size, {}))
        session.commit()

    return run


def of(usage, kind):
    return next(row for row in usage.kinds if row.kind == kind)


def days_ago(session, days):
    """Let what was counted today have been counted so many days ago."""
    session.execute(text("UPDATE model_usage_days SET day = day - :days"), {"days": days})
    session.commit()


def test_without_models_there_is_nothing(session):
    usage = read_usage(session)
    assert (usage.models, usage.users, usage.size_bytes, usage.top_users) == (0, 0, 0, [])
    assert of(usage, "m2") == KindUsage("m2", 0, 0, 0, 0, 0, None, None)


def test_states_bytes_and_ages_by_kind(session, add):
    for version in ("1", "2", "3"):
        add(7, "m1", version, 100)
    add(8, "m1", "1", 40)
    add(None, "m3", "1", 1000)
    session.execute(
        text("""
            UPDATE user_models SET trained_at = '2026-01-02+00', last_used_at = '2026-01-05+00' WHERE user_id = 8
        """)
    )
    usage = read_usage(session)
    m1 = of(usage, "m1")
    assert (m1.models, m1.serving, m1.previous, m1.deleting, m1.size_bytes) == (4, 2, 1, 1, 340)
    assert (f"{m1.oldest_trained_at:%m-%d}", f"{m1.oldest_used_at:%m-%d}") == ("01-02", "01-05")
    assert (of(usage, "m3").models, of(usage, "community").size_bytes) == (0, 1000)
    assert (usage.models, usage.users, usage.size_bytes) == (5, 2, 1340)


def test_the_largest_users_come_first(session, add):
    for user, size in ((1, 10), (2, 30), (3, 20)):
        add(user, "m2", "1", size)
    add(1, "m3", "1", 15)
    assert [(row.user_id, row.models, row.size_bytes) for row in read_usage(session, top=2).top_users] == [
        (2, 1, 30),
        (1, 2, 25),
    ]


def test_growth_is_told_from_the_last_count_that_is_old_enough(session, add):
    add(7, "m1", "1", 100)
    snapshot_day(session)
    days_ago(session, 40)
    add(8, "m1", "1", 50)
    snapshot_day(session)
    days_ago(session, 9)
    add(9, "m2", "1", 1)
    week, month = read_usage(session).growth
    assert (week.days, week.models, week.size_bytes) == (7, 1, 1)
    assert (month.days, month.models, month.size_bytes) == (30, 2, 51)
    today = session.scalar(text("SELECT (now() AT TIME ZONE 'UTC')::date"))
    assert [(today - growth.since).days for growth in (week, month)] == [9, 49]


def test_a_second_count_of_a_day_takes_the_place_of_the_first(session, add):
    add(7, "m1", "1", 100)
    add(7, "m2", "1", 10)
    snapshot_day(session, {"m1": 1})
    session.execute(text("DELETE FROM user_models WHERE kind = 'm2'"))
    add(8, "m1", "1", 100)
    snapshot_day(session, {"m1": 2})
    rows = session.execute(text("SELECT kind, models, size_bytes, removed FROM model_usage_days ORDER BY kind")).all()
    assert [tuple(row) for row in rows] == [("community", 0, 0, 0), ("m1", 2, 200, 3), ("m2", 0, 0, 0), ("m3", 0, 0, 0)]


@pytest.mark.slow
def test_usage_of_300_000_models_takes_less_than_a_second(session):
    session.execute(text("INSERT INTO users (id) SELECT generate_series(1, 50000)"))
    session.execute(
        text("""
            INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes, metrics)
            SELECT u, k, s, s, k || '/' || u || '/' || s, repeat('0', 64), u % 1000,
                jsonb_build_object('gate', jsonb_build_object('auc', 0.8, 'reason', repeat('x', 200)))
            FROM generate_series(1, 50000) u, unnest(ARRAY['m1', 'm2', 'm3']) k, unnest(ARRAY['serving', 'previous']) s
        """)
    )
    session.commit()
    session.execute(text("ANALYZE user_models"))
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        usage = read_usage(session)
        seconds.append(time.perf_counter() - started)
    print(f"usage of {usage.models:,} models: {min(seconds):.3f} s")
    assert usage.models == 300_000
    assert min(seconds) < 1.0
