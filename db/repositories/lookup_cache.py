"""Answers of providers, kept until they expire, and who is asking what right now: nobody asks what another one asks.

Statements that touch several rows do so in the order of their subjects, so that two of them cannot wait for each other.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.providers import Provider

# An index entry of Postgres holds some 2,700 bytes.
_LONGEST_SUBJECT_BYTES = 512


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What a provider said. `answer` is `None` where it does not know the subject."""

    answer: dict[str, Any] | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is known of the subjects, what this claimant asks now, and what somebody else is asking."""

    answers: dict[str, CachedAnswer]
    mine: set[str]
    busy: set[str]


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """Entries of one provider: answers in use, subjects it does not know, and subjects being asked."""

    answers: int = 0
    unknown: int = 0
    asked_now: int = 0


_FRESH = text("""
    SELECT subject, answer, answered_at FROM lookup_cache
    WHERE provider = :provider AND variant = :variant AND subject = ANY(CAST(:subjects AS text[]))
      AND expires_at > clock_timestamp()
""")

_CLAIM = text("""
    INSERT INTO lookup_cache (provider, variant, subject, claimant, claimed_until)
    SELECT :provider, :variant, subject, :claimant, clock_timestamp() + make_interval(secs => :seconds)
    FROM unnest(CAST(:subjects AS text[])) AS wanted (subject) ORDER BY subject COLLATE "C"
    ON CONFLICT (provider, variant, subject) DO UPDATE
    SET claimant = excluded.claimant, claimed_until = excluded.claimed_until
    WHERE (lookup_cache.expires_at IS NULL OR lookup_cache.expires_at <= clock_timestamp())
      AND (lookup_cache.claimed_until IS NULL OR lookup_cache.claimed_until <= clock_timestamp()
           OR lookup_cache.claimant = excluded.claimant)
    RETURNING subject
""")

# A late "unknown" does not displace an answer that somebody else got meanwhile.
_KEEP = text("""
    INSERT INTO lookup_cache (provider, variant, subject, answer, answered_at, expires_at)
    SELECT :provider, :variant, subject, CAST(answer AS jsonb), clock_timestamp(),
           clock_timestamp()
           + make_interval(secs => 86400 * CASE WHEN answer IS NULL THEN :unknown_days ELSE :cache_days END)
    FROM unnest(CAST(:subjects AS text[]), CAST(:answers AS text[])) AS told (subject, answer)
    ORDER BY subject COLLATE "C"
    ON CONFLICT (provider, variant, subject) DO UPDATE
    SET answer = excluded.answer, answered_at = excluded.answered_at, expires_at = excluded.expires_at,
        claimant = CASE WHEN lookup_cache.claimant = :claimant THEN NULL ELSE lookup_cache.claimant END,
        claimed_until = CASE WHEN lookup_cache.claimant = :claimant THEN NULL ELSE lookup_cache.claimed_until END
    WHERE excluded.answer IS NOT NULL OR lookup_cache.answer IS NULL OR lookup_cache.expires_at <= clock_timestamp()
""")

_HELD = """
    SELECT provider, variant, subject FROM lookup_cache
    WHERE provider = :provider AND variant = :variant AND claimant = :claimant
      AND (CAST(:subjects AS text[]) IS NULL OR subject = ANY(CAST(:subjects AS text[])))
    ORDER BY subject COLLATE "C" FOR UPDATE
"""


def claim(
    session: Session, provider: Provider, variant: str, subjects: Iterable[str], claimant: str, seconds: float
) -> Claimed:
    """Read what is known, and claim for `seconds` what is neither known nor being asked by somebody else.

    Two claimants never both get a subject. The claimed rows are locked until the caller's transaction ends, which
    should be soon. A claimant that claims again gets its own subjects again.
    """
    named = {_stored(subject): subject for subject in subjects}
    scope = {"provider": provider, "variant": variant}
    answers = _read(session, scope, list(named))
    if not (open_ones := [key for key in named if key not in answers]):
        return Claimed({named[key]: answer for key, answer in answers.items()}, set(), set())
    values = scope | {"claimant": claimant, "seconds": seconds, "subjects": open_ones}
    mine = set(session.scalars(_CLAIM, values))
    # Somebody may have answered since the first look.
    answers |= _read(session, scope, [key for key in open_ones if key not in mine])
    return Claimed(
        {named[key]: answer for key, answer in answers.items()},
        {named[key] for key in mine},
        {named[key] for key in open_ones if key not in mine and key not in answers},
    )


def keep(
    session: Session,
    provider: Provider,
    variant: str,
    claimant: str,
    answers: Mapping[str, dict[str, Any] | None],
    cache_days: float,
    unknown_days: float,
) -> None:
    """Store answers (`None`: the provider does not know) and end this claimant's claims on their subjects.

    An answer is stored even if the claim ran out meanwhile, because it was paid for; the claim of another claimant who
    asks by now stays.
    """
    if answers:
        told = {_stored(subject): answer for subject, answer in answers.items()}
        values = {"provider": provider, "variant": variant, "claimant": claimant, "subjects": list(told)}
        days = {"cache_days": cache_days, "unknown_days": unknown_days}
        texts = [None if answer is None else json.dumps(_storable(answer), allow_nan=False) for answer in told.values()]
        session.execute(_KEEP, values | days | {"answers": texts})


def release(
    session: Session, provider: Provider, variant: str, claimant: str, subjects: Iterable[str] | None = None
) -> None:
    """End this claimant's claims without an answer: all of them, or (faster) those on the named subjects."""
    keys = None if subjects is None else [_stored(subject) for subject in subjects]
    values = {"provider": provider, "variant": variant, "claimant": claimant, "subjects": keys}
    session.execute(
        text(f"""
            WITH held AS ({_HELD}), never_answered AS (
                DELETE FROM lookup_cache USING held
                WHERE (lookup_cache.provider, lookup_cache.variant, lookup_cache.subject)
                      = (held.provider, held.variant, held.subject)
                  AND lookup_cache.answered_at IS NULL
            )
            UPDATE lookup_cache SET claimant = NULL, claimed_until = NULL FROM held
            WHERE (lookup_cache.provider, lookup_cache.variant, lookup_cache.subject)
                  = (held.provider, held.variant, held.subject)
              AND lookup_cache.answered_at IS NOT NULL
        """),
        values,
    )


def forget_expired(session: Session, limit: int) -> int:
    """Delete at most `limit` rows that expired, or were claimed and never answered, a week ago; returns how many."""
    deleted = session.execute(
        text("""
            WITH old AS (
                SELECT provider, variant, subject FROM lookup_cache
                WHERE (expires_at < clock_timestamp() - interval '7 days' OR expires_at IS NULL)
                  AND (claimed_until IS NULL OR claimed_until < clock_timestamp() - interval '7 days')
                ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
            )
            DELETE FROM lookup_cache USING old
            WHERE (lookup_cache.provider, lookup_cache.variant, lookup_cache.subject)
                  = (old.provider, old.variant, old.subject)
            RETURNING 1
        """),
        {"limit": limit},
    )
    return len(deleted.all())


def count_entries(session: Session) -> dict[str, CacheCounts]:
    """What the cache holds, by provider, all variants together."""
    rows = session.execute(
        text("""
            SELECT provider,
                   count(*) FILTER (WHERE expires_at > clock_timestamp() AND answer IS NOT NULL),
                   count(*) FILTER (WHERE expires_at > clock_timestamp() AND answer IS NULL),
                   count(*) FILTER (WHERE claimed_until > clock_timestamp())
            FROM lookup_cache GROUP BY provider
        """)
    )
    return {provider: CacheCounts(*counts) for provider, *counts in rows}


def _read(session: Session, scope: dict[str, str], keys: list[str]) -> dict[str, CachedAnswer]:
    rows = session.execute(_FRESH, scope | {"subjects": keys}) if keys else ()
    return {key: CachedAnswer(answer, answered_at) for key, answer, answered_at in rows}


def _stored(subject: str) -> str:
    """The subject itself, or, where it is too long for an index, its beginning with a hash of all of it.

    The shortened form is always longer than a subject that is stored as it is, so the two cannot be mistaken.
    """
    encoded = subject.encode()
    if len(encoded) <= _LONGEST_SUBJECT_BYTES:
        return subject
    beginning = encoded[:_LONGEST_SUBJECT_BYTES].decode(errors="ignore")
    return f"{beginning}#{hashlib.sha256(encoded).hexdigest()}"


def _storable(value: Any) -> Any:
    """The value without NUL and lone surrogates, which Postgres takes in no text; web pages may hold both."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="ignore").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value
