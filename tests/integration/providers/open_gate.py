"""A gate that lets everything through and keeps account, and questions to ask."""

from collections.abc import Callable
from typing import TypeVar

from core.errors import NotNowError
from core.providers import Question, Usage

T = TypeVar("T")


class OpenGate:
    """Records the estimate and the usage of each call; opens for the first `calls` only, where given."""

    def __init__(self, calls: int | None = None) -> None:
        self.accounts: list[tuple[Usage, Usage]] = []
        self._left = calls

    def through(self, estimate: Usage, send: Callable[[], tuple[T, Usage]]) -> T:
        if self._left is not None:
            if self._left == 0:
                raise NotNowError("The gate of this test is closed.", 1.0)
            self._left -= 1
        outcome, usage = send()
        self.accounts.append((estimate, usage))
        return outcome


def questions(count: int) -> list[Question]:
    """Tracks with Spotify ids and plain names."""
    return [
        Question(f"ref-{n}", f"Artist {n};Guest {n}", f"Song {n}", spotify_id=f"{n:022d}", duration_ms=200_000)
        for n in range(count)
    ]
