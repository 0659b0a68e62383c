"""The cache of answers: nobody asks what another one asks, and what was paid for is kept."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from core.providers import Provider
from db.engine import open_session
from db.repositories import lookup_cache
from db.repositories.lookup_cache import CacheCounts

WHO = (Provider.GEMINI, "gemini-2.5-flash/1")
ANSWER = {"features": {"tempo": 120.5}, "evidence": {"sources": ["https://example.org/가"]}}


def claim(session, subjects, claimant="one", seconds=60.0):
    found = lookup_cache.claim(session, *WHO, subjects, claimant, seconds)
    session.commit()
    return found


def keep(session, answers, claimant="one", cache_days=180.0, unknown_days=14.0):
    lookup_cache.keep(session, *WHO, claimant, answers, cache_days, unknown_days)
    session.commit()


def release(session, claimant="one", subjects=None):
    lookup_cache.release(session, *WHO, claimant, subjects)
    session.commit()


def age(session, days):
    session.execute(
        text("""
            UPDATE lookup_cache SET answered_at = answered_at - make_interval(days => :days),
                expires_at = expires_at - make_interval(days => :days),
                claimed_until = claimed_until - make_interval(days => :days)
        """),
        {"days": days},
    )
    session.commit()


def n_rows(session):
    return session.scalar(text("SELECT count(*) FROM lookup_cache"))


def test_a_subject_is_claimed_answered_and_then_known(session):
    first = claim(session, ["아이유|좋은 날", "queen|innuendo"])
    assert (first.answers, first.mine, first.busy) == ({}, {"아이유|좋은 날", "queen|innuendo"}, set())
    second = claim(session, ["아이유|좋은 날", "abba|sos"], "two")
    assert (second.mine, second.busy) == ({"abba|sos"}, {"아이유|좋은 날"})
    keep(session, {"아이유|좋은 날": ANSWER, "queen|innuendo": None})
    third = claim(session, ["아이유|좋은 날", "queen|innuendo", "abba|sos"], "three")
    assert {subject: known.answer for subject, known in third.answers.items()} == {
        "아이유|좋은 날": ANSWER,
        "queen|innuendo": None,
    }
    assert (third.mine, third.busy) == (set(), {"abba|sos"})


def test_variants_and_providers_are_apart(session):
    keep(session, {"a": ANSWER})
    other = lookup_cache.claim(session, Provider.GEMINI, "another model", ["a"], "one", 60)
    assert (other.answers, other.mine) == ({}, {"a"})
    assert lookup_cache.claim(session, Provider.RECCOBEATS, WHO[1], ["a"], "two", 60).mine == {"a"}


def test_answers_expire_and_unknown_ones_sooner(session):
    keep(session, {"known": ANSWER, "unknown": None})
    age(session, 15)
    found = claim(session, ["known", "unknown"])
    assert (set(found.answers), found.mine) == ({"known"}, {"unknown"})
    age(session, 166)
    assert claim(session, ["known"], "two").mine == {"known"}


def test_a_claim_runs_out_and_its_late_answer_is_kept(session):
    claim(session, ["a", "b"], "slow", seconds=0.05)
    time.sleep(0.06)
    assert claim(session, ["a", "b"], "quick").mine == {"a", "b"}
    keep(session, {"a": ANSWER}, "slow")
    found = claim(session, ["a", "b"], "third")
    assert (set(found.answers), found.busy) == ({"a"}, {"b"})
    # The claim of the quick one on `a` was not ended by the slow one's answer.
    holder = text("SELECT claimant FROM lookup_cache WHERE subject = 'a'")
    assert session.scalar(holder) == "quick"
    keep(session, {"a": None}, "quick")
    assert claim(session, ["a"], "third").answers["a"].answer == ANSWER, "ignorance displaces no knowledge"


def test_the_same_claimant_gets_its_subjects_again(session):
    claim(session, ["a", "b"])
    assert claim(session, ["a", "b", "c"]).mine == {"a", "b", "c"}


def test_release_frees_only_the_own_claims(session):
    keep(session, {"old": ANSWER}, cache_days=1)
    age(session, 2)
    claim(session, ["old", "new", "other"])
    claim(session, ["theirs"], "two")
    release(session, subjects=["other"])
    assert claim(session, ["other", "new"], "three").mine == {"other"}
    release(session)
    # What was never answered leaves no row; an expired answer stays until it is forgotten.
    assert session.scalars(text("SELECT subject FROM lookup_cache ORDER BY 1")).all() == ["old", "other", "theirs"]
    assert claim(session, ["old", "new", "theirs"], "four").busy == {"theirs"}


def in_threads(run, n):
    """Run it n times at once under names of its own; its errors are those of the test."""
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, [f"worker {i}" for i in range(n)]))


def test_threads_never_claim_the_same_subject_nor_block_each_other(database_url):
    subjects = [f"가수 {i}|노래" for i in range(200)]

    def run(name):
        owned = set()
        with open_session(database_url) as session:
            for _ in range(5):
                mine = claim(session, random.sample(subjects, 120), name).mine
                owned |= mine
                keep(session, dict.fromkeys(list(mine)[::2], ANSWER), name)
        return owned

    owned = in_threads(run, 8)
    assert sum(map(len, owned)) == len(set().union(*owned)), "nobody gets what another one has"
    assert len(set().union(*owned)) > 150


def test_claims_and_releases_in_any_order_do_not_deadlock(database_url):
    subjects = [f"s{i}" for i in range(300)]

    def run(name):
        with open_session(database_url) as session:
            for _ in range(15):
                claim(session, random.sample(subjects, 200), name)
                release(session, name)

    in_threads(run, 6)


def test_five_thousand_subjects_take_a_moment(session):
    subjects = [f"가수 {i}|노래 {i}" for i in range(5_000)]
    started = time.monotonic()
    assert len(claim(session, [*subjects, *subjects]).mine) == 5_000
    keep(session, dict.fromkeys(subjects, ANSWER))
    assert len(claim(session, subjects, "two").answers) == 5_000
    assert time.monotonic() - started < 10
    print(f"claim, keep and read of 5,000 subjects: {time.monotonic() - started:.2f} s")


def test_subjects_of_any_length_are_told_apart(session):
    random.seed(7)
    # Hangul that cannot be compressed into an index entry.
    long = "".join(chr(random.randrange(0xAC00, 0xD7A3)) for _ in range(5_000))
    subjects = [long, long + "x", long[:-1], "short", ""]
    assert claim(session, subjects).mine == set(subjects)
    keep(session, {long: ANSWER, "": None})
    found = claim(session, subjects, "two")
    assert (set(found.answers), found.busy) == ({long, ""}, {long + "x", long[:-1], "short"})
    # What a long one is stored as is no subject that a short one could be.
    stored = session.scalars(text("SELECT subject FROM lookup_cache WHERE length(subject) > 100")).all()
    assert len(stored) == 3
    assert claim(session, stored, "three").mine == set(stored)


@pytest.mark.parametrize("foreign", ["NUL \0 inside", "half a pair \ud83d", "\\u0000"])
def test_odd_characters_of_the_web_lose_no_answer(session, foreign):
    keep(session, {"a": {"evidence": [foreign], foreign: 1.5}})
    stored = claim(session, ["a"]).answers["a"].answer
    kept = foreign.replace("\0", "").replace("\ud83d", "")
    assert stored == {"evidence": [kept], kept: 1.5}


def test_what_expired_long_ago_is_forgotten_in_portions(session):
    keep(session, {"fresh": ANSWER, **{f"old {i}": None for i in range(5)}}, unknown_days=1)
    claim(session, ["left behind"], "dead")
    age(session, 9)
    claim(session, ["asked now"])
    assert lookup_cache.forget_expired(session, 4) == 4
    assert lookup_cache.forget_expired(session, 4) == 2
    assert lookup_cache.forget_expired(session, 4) == 0
    assert session.scalars(text("SELECT subject FROM lookup_cache ORDER BY 1")).all() == ["asked now", "fresh"]


def test_entries_are_counted(session):
    assert lookup_cache.count_entries(session) == {}
    keep(session, {"a": ANSWER, "b": ANSWER, "c": None})
    claim(session, ["d"])
    assert lookup_cache.count_entries(session) == {Provider.GEMINI: CacheCounts(answers=2, unknown=1, asked_now=1)}
    assert n_rows(session) == 4
