"""Counts over the ledger for metrics."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.work import WorkKind, WorkState

_TRAININGS = f"('{WorkKind.TRAIN_USER}', '{WorkKind.TRAIN_COMMUNITY}')"


@dataclass(frozen=True, slots=True)
class Ended:
    """Trainings that ended in one way."""

    kind: str  #: Of the model, or `community`.
    state: WorkState
    items: int


@dataclass(frozen=True, slots=True)
class Live:
    """Work items of a kind that are queued or running."""

    kind: str
    state: WorkState
    items: int


def trainings_by_end(session: Session) -> list[Ended]:
    """How trainings of models of users, and of all users, ended so far."""
    rows = session.execute(
        text(f"""
            SELECT payload ->> 'version' AS version, state, count(*) FROM work_items
            WHERE kind IN {_TRAININGS} AND finished_at IS NOT NULL GROUP BY version, state ORDER BY version, state
        """)
    )
    return [Ended(kind, WorkState(state), items) for kind, state, items in rows]


def live_items(session: Session) -> list[Live]:
    """What waits for a worker and what one holds; stages that were not released do not count."""
    rows = session.execute(
        text("""
            SELECT kind, state, count(*) FROM work_items WHERE state = 'queued' GROUP BY kind, state
            UNION ALL
            SELECT kind, state, count(*) FROM work_items WHERE state = 'running' GROUP BY kind, state
            ORDER BY kind, state
        """)
    )
    return [Live(kind, WorkState(state), items) for kind, state, items in rows]
