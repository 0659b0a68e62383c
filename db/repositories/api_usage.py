"""What providers were asked on which day. The day's limits hold here, because a flushed Redis must not lift them.

A call reserves the most that it may take before it is made; afterwards the reservation is replaced by what it took. A
worker that dies in between leaves the reservation, which is the safe side.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.providers import Provider, Usage
from core.quota_days import quota_day


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One provider on one day (from midnight to midnight Pacific time)."""

    provider: str
    day: date
    calls: int = 0
    failed_calls: int = 0
    tracks_asked: int = 0
    tracks_answered: int = 0
    tracks_from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    searches: int = 0
    cost_usd: float = 0.0


# Sums of binary fractions: without the last billionth of a dollar, ten calls of 0.1 would not fit into a budget of 1.
_RESERVE = text("""
    INSERT INTO api_usage (provider, day, calls, input_tokens, output_tokens, searches, cost_usd)
    SELECT :provider, :day, :calls, :input_tokens, :output_tokens, :searches, :cost_usd
    WHERE :calls <= COALESCE(CAST(:calls_per_day AS bigint), 2147483647)
      AND :cost_usd <= COALESCE(CAST(:budget_usd AS double precision), 'infinity') + 1e-9
    ON CONFLICT (provider, day) DO UPDATE
    SET calls = api_usage.calls + excluded.calls,
        input_tokens = api_usage.input_tokens + excluded.input_tokens,
        output_tokens = api_usage.output_tokens + excluded.output_tokens,
        searches = api_usage.searches + excluded.searches,
        cost_usd = api_usage.cost_usd + excluded.cost_usd
    WHERE api_usage.calls + excluded.calls <= COALESCE(CAST(:calls_per_day AS bigint), 2147483647)
      AND api_usage.cost_usd + excluded.cost_usd
          <= COALESCE(CAST(:budget_usd AS double precision), 'infinity') + 1e-9
    RETURNING 1
""")

_SETTLE = text("""
    UPDATE api_usage
    SET calls = GREATEST(0, calls + :calls), failed_calls = failed_calls + :failed_calls,
        input_tokens = GREATEST(0, input_tokens + :input_tokens),
        output_tokens = GREATEST(0, output_tokens + :output_tokens),
        searches = GREATEST(0, searches + :searches), cost_usd = GREATEST(0, cost_usd + :cost_usd)
    WHERE provider = :provider AND day = :day
""")


def clock(session: Session) -> datetime:
    """The time of the database server: all workers agree on the day, whatever their own clocks say."""
    moment: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment


def reserve(
    session: Session,
    provider: Provider,
    day: date,
    estimate: Usage,
    *,
    calls_per_day: int | None,
    budget_usd: float | None,
) -> bool:
    """Add the estimate to the day if the day's limits allow all of it; else change nothing and return False."""
    limits = {"calls_per_day": calls_per_day, "budget_usd": budget_usd}
    wanted = {"provider": provider, "day": day} | _amounts(estimate)
    return session.execute(_RESERVE, wanted | limits).scalar() is not None


def settle(
    session: Session, provider: Provider, day: date, reserved: Usage, taken: Usage, *, failed: bool = False
) -> None:
    """Replace a reservation by what the call really took; nothing, where it surely cost nothing."""
    before = _amounts(reserved)
    change = {name: amount - before[name] for name, amount in _amounts(taken).items()}
    session.execute(_SETTLE, {"provider": provider, "day": day, "failed_calls": int(failed)} | change)


def add_tracks(session: Session, provider: Provider, *, asked: int = 0, answered: int = 0, from_cache: int = 0) -> None:
    """Add tracks to today: asked of the provider, answered by it, and answered from the cache instead."""
    counts = {"asked": asked, "answered": answered, "from_cache": from_cache}
    session.execute(
        text("""
            INSERT INTO api_usage (provider, day, tracks_asked, tracks_answered, tracks_from_cache)
            VALUES (:provider, :day, :asked, :answered, :from_cache)
            ON CONFLICT (provider, day) DO UPDATE
            SET tracks_asked = api_usage.tracks_asked + excluded.tracks_asked,
                tracks_answered = api_usage.tracks_answered + excluded.tracks_answered,
                tracks_from_cache = api_usage.tracks_from_cache + excluded.tracks_from_cache
        """),
        {"provider": provider, "day": quota_day(clock(session))} | counts,
    )


def today(session: Session, provider: Provider) -> DayUsage:
    """What the provider was asked today, reservations of calls under way included."""
    day = quota_day(clock(session))
    found = (usage for usage in read_days(session, day) if (usage.provider, usage.day) == (provider, day))
    return next(found, DayUsage(provider, day))


def read_days(session: Session, first: date) -> list[DayUsage]:
    """Every provider's days from `first` on, the newest first."""
    rows = session.execute(
        text("""
            SELECT provider, day, calls, failed_calls, tracks_asked, tracks_answered, tracks_from_cache,
                   input_tokens, output_tokens, searches, cost_usd
            FROM api_usage WHERE day >= :first ORDER BY day DESC, provider
        """),
        {"first": first},
    ).all()
    return [DayUsage(*row) for row in rows]


def _amounts(usage: Usage) -> dict[str, int | float]:
    return {
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "searches": usage.searches,
        "cost_usd": usage.cost_usd,
    }
