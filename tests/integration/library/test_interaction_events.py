"""Interactions: each event once, sums that do not depend on the order, requests at once, and how fast."""

import random
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.errors import PermanentError
from db.engine import open_session
from services.personal.interactions import NamedEvent, Recorded, record

START = datetime(2026, 5, 1, tzinfo=UTC)


def event(name: str, track: int, kind: str = "play", minute: int = 0, user: int = 1) -> NamedEvent:
    return NamedEvent(name, user, kind, START + timedelta(minutes=minute), track)


def send(session, *events: NamedEvent, most: int = 20_000) -> Recorded:
    recorded = record(session, events, most)
    session.commit()
    return recorded


def sums(session) -> list[tuple]:
    rows = session.execute(
        text("SELECT user_id, track_id, plays, skips, liked, liked_at, last_played_at FROM interactions ORDER BY 1, 2")
    ).all()
    session.rollback()
    return [tuple(row) for row in rows]


def test_events_are_added_up_once(session, make_tracks):
    a, b = make_tracks(2)
    events = [event("1", a), event("2", a, minute=5), event("3", a, "skip"), event("4", b, "like", 7)]
    assert send(session, *events, events[0]) == Recorded(4, 1, [])
    expected = [
        (1, a, 2, 1, 0, None, START + timedelta(minutes=5)),
        (1, b, 0, 0, 1, START + timedelta(minutes=7), None),
    ]
    assert sums(session) == expected
    assert send(session, *events, event("5", b)) == Recorded(1, 4, [])
    assert sums(session) == [expected[0], (1, b, 1, 0, 1, START + timedelta(minutes=7), START)]


def test_of_two_events_with_one_id_the_first_counts(session, make_tracks):
    [a] = make_tracks(1)
    assert send(session, event("x", a, "like"), event("x", a, "dislike", 9)) == Recorded(1, 1, [])
    assert [row[4] for row in sums(session)] == [1]


def test_an_id_is_unique_for_its_user_only(session, make_tracks):
    [a] = make_tracks(1)
    assert send(session, event("x", a), event("x", a, user=2)).accepted == 2
    assert [row[0] for row in sums(session)] == [1, 2]


def test_sums_do_not_depend_on_the_order_in_which_events_come(session, make_tracks):
    a, b = make_tracks(2)
    chance = random.Random(3)
    kinds = ["play", "skip", "like", "dislike", "unlike"]
    events = [event(str(n), chance.choice((a, b)), chance.choice(kinds), minute=n) for n in range(40)]
    outcomes = []
    for user in (1, 2, 3):
        own = [NamedEvent(e.event_id, user, e.kind, e.occurred_at, e.track_id) for e in events]
        chance.shuffle(own)
        for start in range(0, len(own), 7):
            send(session, *own[start : start + 7])
        outcomes.append([row[1:] for row in sums(session) if row[0] == user])
    last = {e.track_id: {"like": 1, "dislike": -1, "unlike": 0}[e.kind] for e in events if e.kind not in kinds[:2]}
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert {row[0]: row[3] for row in outcomes[0]} == last


def test_an_older_like_that_comes_late_changes_nothing(session, make_tracks):
    [a] = make_tracks(1)
    send(session, event("1", a, "dislike", minute=10))
    send(session, event("2", a, "like", minute=5))
    assert [(row[4], row[5]) for row in sums(session)] == [(-1, START + timedelta(minutes=10))]


def test_unknown_tracks_are_told_and_the_rest_is_kept(session, make_tracks):
    [a] = make_tracks(1)
    session.execute(text("UPDATE tracks SET spotify_id = 'abc' WHERE id = :id"), {"id": a})
    unknown = NamedEvent("s", 1, "play", START, spotify_id="zzz")
    recorded = send(session, event("1", 10**9), NamedEvent("2", 1, "play", START, spotify_id="abc"), unknown)
    assert (recorded.accepted, recorded.duplicates) == (1, 0)
    assert [(each.index, each.event_id, each.reason) for each in recorded.rejected] == [
        (0, "1", "unknown-track"),
        (2, "s", "unknown-track"),
    ]
    assert "1000000000" in recorded.rejected[0].detail
    assert "zzz" in recorded.rejected[1].detail
    assert [row[:3] for row in sums(session)] == [(1, a, 1)]


def test_of_unknown_tracks_alone_nothing_comes(session):
    assert send(session, event("1", 10**9)).accepted == 0
    assert session.scalar(text("SELECT count(*) FROM users")) == 0


def test_too_many_events_name_the_setting(session, make_tracks):
    [a] = make_tracks(1)
    with pytest.raises(PermanentError, match="MUSICSPACE_RECOMMEND__MAX_EVENTS") as caught:
        record(session, [event(str(n), a) for n in range(3)], 2)
    assert caught.value.code == "file-too-large"


def test_requests_at_once_neither_block_nor_count_twice(session, database_url, make_tracks):
    tracks = make_tracks(30)
    chance = random.Random(5)
    events = [
        event(f"e{n}", chance.choice(tracks), chance.choice(["play", "skip", "like"]), n, user=n % 7 + 1)
        for n in range(1500)
    ]
    session.execute(text("INSERT INTO users SELECT generate_series(1, 3)"))
    session.execute(text("INSERT INTO personalized_users SELECT generate_series(1, 3)"))
    session.commit()

    def request(mine: Iterable[NamedEvent]) -> int:
        with open_session(database_url) as own:
            recorded = record(own, list(mine), 10_000)
            own.commit()
            return recorded.accepted

    # Every event is sent three times, in an order of its own.
    parts = []
    for _ in range(3):
        chance.shuffle(events)
        parts += [events[start : start + 250] for start in range(0, len(events), 250)]
    with ThreadPoolExecutor(9) as pool:
        assert sum(pool.map(request, parts)) == len(events)
    plays = sum(each.kind == "play" for each in events)
    assert session.scalar(text("SELECT sum(plays) FROM interactions")) == plays
    assert session.scalar(text("SELECT count(*) FROM personalized_users WHERE outdated_at IS NOT NULL")) == 3


def test_ten_thousand_events_take_less_than_a_second(session, make_tracks):
    tracks = make_tracks(5_000)
    chance = random.Random(1)
    seconds = []
    for repeat in range(5):
        events = [
            event(f"{repeat}-{n}", chance.choice(tracks), chance.choice(["play", "skip", "like"]), n, n % 500 + 1)
            for n in range(10_000)
        ]
        started = time.perf_counter()
        assert send(session, *events).accepted == 10_000
        seconds.append(time.perf_counter() - started)
    print(f"\n10,000 events: {min(seconds) * 1000:.0f} ms, the slowest of five {max(seconds) * 1000:.0f} ms")
    assert min(seconds) < 1.0
