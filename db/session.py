"""The session type, for entry points: they pass sessions on to services but hold no SQL."""

from sqlalchemy.orm import Session

__all__ = ["Session"]
