"""How many models there are, what they take, how long they lie unused, and how they grow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from core.user_models import UserModelState
from db.repositories import model_usage
from db.repositories.model_usage import COUNTED_KINDS, StateUsage, UserUsage

GROWTH_DAYS = (7, 30)


@dataclass(frozen=True, slots=True)
class KindUsage:
    """All versions of one kind; `community` is what M3 knows of all users. Dates are None where there is no version."""

    kind: str
    models: int  #: Versions in any state.
    serving: int
    previous: int  #: Kept for a roll-back.
    deleting: int  #: Their files are being removed.
    size_bytes: int
    oldest_trained_at: datetime | None
    oldest_used_at: datetime | None  #: When the one that was unused for longest was used last.


@dataclass(frozen=True, slots=True)
class Growth:
    """How much there is more than some days ago."""

    days: int
    since: date | None  #: The day that was counted; None where none is that old.
    models: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything about how much the models take."""

    kinds: list[KindUsage]
    users: int  #: Users with a model.
    models: int
    size_bytes: int
    top_users: list[UserUsage]
    growth: list[Growth]


def read_usage(session: Session, *, top: int = 10) -> Usage:
    """Count the models now, with the `top` users whose models take most."""
    kinds = usage_by_kind(session)
    models, size_bytes = sum(kind.models for kind in kinds), sum(kind.size_bytes for kind in kinds)
    return Usage(
        kinds=kinds,
        users=model_usage.users_with_models(session),
        models=models,
        size_bytes=size_bytes,
        top_users=model_usage.largest_users(session, top),
        growth=[_growth(session, days, models, size_bytes) for days in GROWTH_DAYS],
    )


def usage_by_kind(session: Session) -> list[KindUsage]:
    """Every kind, also those of which there is nothing."""
    rows = model_usage.usage_by_state(session)
    return [_of_kind(str(kind), [row for row in rows if row.kind == kind]) for kind in COUNTED_KINDS]


def snapshot_day(session: Session, removed: Mapping[str, int] | None = None) -> None:
    """Keep today's counts, from which growth is told, and add what a clean-up `removed`, by kind; the caller commits.

    The clean-up calls it at its end. Counts of a second call of a day replace the first ones.
    """
    model_usage.write_day(session, removed or {})


def _of_kind(kind: str, rows: list[StateUsage]) -> KindUsage:
    by_state = {row.state: row.models for row in rows}
    return KindUsage(
        kind=kind,
        models=sum(by_state.values()),
        serving=by_state.get(UserModelState.SERVING, 0),
        previous=by_state.get(UserModelState.PREVIOUS, 0),
        deleting=by_state.get(UserModelState.DELETING, 0),
        size_bytes=sum(row.size_bytes for row in rows),
        oldest_trained_at=min((row.oldest_trained_at for row in rows), default=None),
        oldest_used_at=min((row.oldest_used_at for row in rows), default=None),
    )


def _growth(session: Session, days: int, models: int, size_bytes: int) -> Growth:
    before = model_usage.usage_days_ago(session, days)
    if not before:
        return Growth(days, None, None, None)
    return Growth(
        days,
        before[0].day,
        models - sum(row.models for row in before),
        size_bytes - sum(row.size_bytes for row in before),
    )
