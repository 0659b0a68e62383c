"""Versions of the predictors: what was trained, what serves, what served before.

`lock_model` comes first wherever the serving version is about to change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, RowMapping, insert, text
from sqlalchemy.orm import Session

from core.model_states import ModelState
from db.tables import ModelPromotion, ModelVersion


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A trained version; `promoted_at` is when it was last promoted."""

    id: int
    name: str
    version: str
    state: ModelState
    reason: str
    card_sha256: str
    metrics: dict[str, Any]
    baseline: str | None
    job_id: int | None
    trained_at: datetime
    promoted_at: datetime | None


_SELECT = """
    SELECT v.id, v.name, v.version, v.state, v.reason, v.card_sha256, v.metrics, v.baseline, v.job_id, v.trained_at,
        (SELECT max(p.promoted_at) FROM model_promotions p WHERE p.model_version_id = v.id) AS promoted_at
    FROM model_versions v
"""


def lock_model(session: Session, name: str) -> None:
    """Serialize whatever changes the serving version of a predictor until the end of the transaction."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"model:{name}"})


def list_versions(session: Session, name: str | None = None) -> list[VersionRow]:
    """All versions, or those of one predictor, the newest first."""
    query = text(f"{_SELECT} WHERE v.name = coalesce(:name, v.name) ORDER BY v.name, v.id DESC")
    return [_version(row) for row in session.execute(query, {"name": name})]


def find_version(session: Session, name: str, version: str) -> VersionRow | None:
    """One version, or `None`."""
    query = text(f"{_SELECT} WHERE v.name = :name AND v.version = :version")
    row = session.execute(query, {"name": name, "version": version}).one_or_none()
    return None if row is None else _version(row)


def promoted_version(session: Session, name: str) -> VersionRow | None:
    """The version that serves; `None` where it is the one shipped with MusicSpace."""
    query = text(f"{_SELECT} WHERE v.name = :name AND v.state = 'promoted'")
    row = session.execute(query, {"name": name}).one_or_none()
    return None if row is None else _version(row)


def add_version(
    session: Session,
    *,
    name: str,
    version: str,
    state: ModelState,
    reason: str,
    card_sha256: str,
    metrics: dict[str, Any],
    baseline: str | None,
    job_id: int | None,
) -> int:
    """Record a version that was trained; returns its id. `push_promotion` makes it serve."""
    values = {
        "name": name,
        "version": version,
        "state": state,
        "reason": reason,
        "card_sha256": card_sha256,
        "metrics": metrics,
        "baseline": baseline,
        "job_id": job_id,
    }
    return session.execute(insert(ModelVersion).values(values).returning(ModelVersion.id)).scalar_one()


def set_card_digest(session: Session, version_id: int, card_sha256: str) -> None:
    """Record the card of a version whose folder was written anew."""
    session.execute(
        text("UPDATE model_versions SET card_sha256 = :sha256 WHERE id = :id"),
        {"id": version_id, "sha256": card_sha256},
    )


def push_promotion(session: Session, version_id: int, reason: str) -> None:
    """Let a version serve and retire the one that served."""
    session.execute(
        text("""
            UPDATE model_versions SET state = 'retired'
            WHERE state = 'promoted' AND name = (SELECT name FROM model_versions WHERE id = :id)
        """),
        {"id": version_id},
    )
    session.execute(
        text("UPDATE model_versions SET state = 'promoted', reason = :reason WHERE id = :id"),
        {"id": version_id, "reason": reason},
    )
    session.execute(insert(ModelPromotion).values(model_version_id=version_id, reason=reason))


def previous_version(session: Session, name: str) -> VersionRow | None:
    """The version a rollback would bring back; `None` where that is the one shipped with MusicSpace."""
    query = text(f"""
        {_SELECT} JOIN model_promotions s ON s.model_version_id = v.id
        WHERE v.name = :name AND s.rolled_back_at IS NULL ORDER BY s.id DESC OFFSET 1 LIMIT 1
    """)
    row = session.execute(query, {"name": name}).one_or_none()
    return None if row is None else _version(row)


def pop_promotion(session: Session, name: str, reason: str) -> None:
    """Retire the version that serves and let the one before it serve again."""
    previous = previous_version(session, name)
    session.execute(
        text("""
            UPDATE model_promotions SET rolled_back_at = clock_timestamp(), rollback_reason = :reason
            WHERE id = (SELECT max(p.id) FROM model_promotions p JOIN model_versions v ON v.id = p.model_version_id
                        WHERE v.name = :name AND p.rolled_back_at IS NULL)
        """),
        {"name": name, "reason": reason},
    )
    session.execute(
        text("UPDATE model_versions SET state = 'retired', reason = :reason WHERE name = :name AND state = 'promoted'"),
        {"name": name, "reason": f"Rolled back: {reason}"},
    )
    if previous is not None:
        session.execute(
            text("UPDATE model_versions SET state = 'promoted', reason = :reason WHERE id = :id"),
            {"id": previous.id, "reason": f"Serves again after a rollback: {reason}"},
        )


def list_promotions(session: Session, name: str) -> Sequence[RowMapping]:
    """Every promotion of a predictor with its version, the oldest first."""
    rows = session.execute(
        text("""
            SELECT v.version, p.reason, p.promoted_at, p.rolled_back_at, p.rollback_reason
            FROM model_promotions p JOIN model_versions v ON v.id = p.model_version_id
            WHERE v.name = :name ORDER BY p.id
        """),
        {"name": name},
    )
    return rows.mappings().all()


def _version(row: Row[Any]) -> VersionRow:
    return VersionRow(**{**row._mapping, "state": ModelState(row.state)})
