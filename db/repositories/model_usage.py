"""How much the models of users take: by kind, by user, and day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.user_models import ModelKind, UserModelState

#: What M3 knows of all users is counted by itself, beside the kinds of users' models.
COMMUNITY = "community"
COUNTED_KINDS = (*ModelKind, COMMUNITY)
_KIND = f"CASE WHEN user_id IS NULL THEN '{COMMUNITY}' ELSE kind END"


@dataclass(frozen=True, slots=True)
class StateUsage:
    """Versions of one kind in one state."""

    kind: str
    state: UserModelState
    models: int
    size_bytes: int
    oldest_trained_at: datetime
    oldest_used_at: datetime


@dataclass(frozen=True, slots=True)
class UserUsage:
    """All versions of one user."""

    user_id: int
    models: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What there was of one kind on a day."""

    kind: str
    day: date
    models: int
    size_bytes: int


def usage_by_state(session: Session) -> list[StateUsage]:
    """Counts by kind and state, in that order; what there is none of is left out."""
    rows = session.execute(
        text(f"""
            SELECT {_KIND} AS counted, state, count(*), sum(size_bytes)::bigint, min(trained_at), min(last_used_at)
            FROM user_models GROUP BY counted, state ORDER BY counted, state
        """)
    )
    return [StateUsage(kind, UserModelState(state), *numbers) for kind, state, *numbers in rows]


def largest_users(session: Session, limit: int) -> list[UserUsage]:
    """The users whose models take most."""
    rows = session.execute(
        text("""
            SELECT user_id, count(*), sum(size_bytes)::bigint AS size_bytes FROM user_models
            WHERE user_id IS NOT NULL GROUP BY user_id ORDER BY size_bytes DESC, user_id LIMIT :limit
        """),
        {"limit": limit},
    )
    return [UserUsage(*row) for row in rows]


def users_with_models(session: Session) -> int:
    """How many users have a model."""
    return int(session.scalar(text("SELECT count(DISTINCT user_id) FROM user_models")) or 0)


def usage_days_ago(session: Session, days: int) -> list[DayUsage]:
    """What was counted `days` days ago or, where nothing was on that day, on the last one before; empty if never."""
    rows = session.execute(
        text("""
            SELECT kind, day, models, size_bytes FROM model_usage_days
            WHERE day = (SELECT max(day) FROM model_usage_days WHERE day <= (now() AT TIME ZONE 'UTC')::date - :days)
            ORDER BY kind
        """),
        {"days": days},
    )
    return [DayUsage(*row) for row in rows]


def write_day(session: Session, removed: Mapping[str, int]) -> None:
    """Count the models of every kind for today (UTC); a second count of the day takes the place of the first.

    `removed` models, by kind, are added to those that were removed earlier on the day.
    """
    session.execute(
        text(f"""
            INSERT INTO model_usage_days AS d (day, kind, models, size_bytes, removed)
            SELECT (now() AT TIME ZONE 'UTC')::date, wanted.kind, coalesce(m.models, 0), coalesce(m.size_bytes, 0),
                wanted.removed
            FROM unnest(CAST(:kinds AS text[]), CAST(:removed AS int[])) AS wanted (kind, removed)
            LEFT JOIN (SELECT {_KIND} AS counted, count(*) AS models, sum(size_bytes) AS size_bytes
                       FROM user_models GROUP BY counted) m ON m.counted = wanted.kind
            ORDER BY wanted.kind
            ON CONFLICT (day, kind) DO UPDATE
            SET models = excluded.models, size_bytes = excluded.size_bytes, removed = d.removed + excluded.removed,
                measured_at = excluded.measured_at
        """),
        {"kinds": [str(kind) for kind in COUNTED_KINDS], "removed": [removed.get(kind, 0) for kind in COUNTED_KINDS]},
    )


def removed_by_kind(session: Session) -> dict[str, int]:
    """How many models the clean-up removed so far."""
    rows = session.execute(
        text("SELECT kind, sum(removed)::bigint AS removed FROM model_usage_days GROUP BY kind ORDER BY kind")
    )
    return {row.kind: row.removed for row in rows}
