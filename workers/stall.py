"""Notice a worker that is alive but has stopped consuming.

After a broker reconnect a Celery worker can keep its heartbeat and take no message any more (celery issues 8030 and
10205). From outside it looks healthy; from inside, its queue is not empty, it has hands free, and nothing arrives.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class StallWatch:
    """Decides from successive observations; times are monotonic seconds."""

    patience_s: float
    _received: int = -1
    _idle_since: float | None = None

    def observe(self, now: float, *, received: int, waiting: int | None, free: bool) -> bool:
        """True once messages waited for `patience_s` while the worker had free processes and received none.

        `received` counts messages since the start; `waiting` is the depth of its queues, `None` if the broker is away.
        """
        stuck = waiting is not None and waiting > 0 and free and received == self._received
        self._received = received
        if not stuck:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = now
        return now - self._idle_since >= self.patience_s
