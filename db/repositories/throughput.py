"""How much work of a kind is left, and how fast it goes."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

WINDOW_S = 15.0


@dataclass(frozen=True, slots=True)
class LiveWork:
    """Targets (tracks) waiting or running, failed or quarantined, and ended within the last `window_s` seconds."""

    waiting: int
    failed: int
    recent: int
    window_s: float


def live_work(session: Session, kind: str) -> LiveWork:
    """Count the targets of all items of a kind."""
    row = session.execute(
        text("""
            SELECT coalesce(sum(size) FILTER (WHERE state IN ('waiting', 'queued', 'running')), 0) AS waiting,
                   coalesce(sum(size) FILTER (WHERE state IN ('failed', 'quarantined')), 0) AS failed,
                   coalesce(sum(size) FILTER (
                       WHERE state = 'done' AND finished_at > clock_timestamp() - make_interval(secs => :window_s)
                   ), 0) AS recent
            FROM work_items WHERE kind = :kind
        """),
        {"kind": kind, "window_s": WINDOW_S},
    ).one()
    return LiveWork(int(row.waiting), int(row.failed), int(row.recent), WINDOW_S)
