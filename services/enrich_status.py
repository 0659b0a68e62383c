"""The state of enrichment as a whole: totals, sources, live work, rate and time left."""

from typing import Any

from sqlalchemy.orm import Session

from core.work import WorkKind
from db.repositories.throughput import live_work
from db.repositories.tracks import feature_totals


def enrich_status(session: Session) -> dict[str, Any]:
    """Counts over all tracks and over the live enrichment work.

    Keys: `tracks`, `complete`, `lacking`, `estimates_by_source`, `waiting` (tracks queued or running), `failed` (tracks
    of failed or quarantined items), `rate_per_s` (tracks a second over the last 15 s, or null), `eta_s` (or null).
    """
    work = live_work(session, WorkKind.ENRICH)
    rate = work.recent / work.window_s if work.recent else None
    return {
        **feature_totals(session),
        "waiting": work.waiting,
        "failed": work.failed,
        "rate_per_s": rate,
        "eta_s": work.waiting / rate if rate and work.waiting else None,
    }
