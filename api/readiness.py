"""Is the whole system ready? Every part is really asked, all at the same time, each for at most three seconds."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio import CapacityLimiter, to_thread

from api.schemas.health import Check, Readiness
from core.errors import MusicSpaceError
from core.settings import Settings
from core.telemetry import get_logger
from db.engine import open_session
from db.migrate import head, require_current
from db.repositories.heartbeats import DISPATCHER, Heartbeat, read_heartbeats
from integrations.probes import Health, Probe, probe_postgres, probe_redis
from tasks.queues import Queue

log = get_logger(__name__)

LIMIT_S = 3.0

Results = dict[str, Check]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask and the checks it answers."""

    checks: tuple[str, ...]
    ask: Callable[[Settings], Results]

    def failed(self, detail: str) -> Results:
        """Every check of the question, answered with why there is no answer."""
        return {name: Check(ok=False, detail=detail) for name in self.checks}


async def readiness(settings: Settings) -> Readiness:
    """Ask everything at once."""
    answers: Results = {}
    # Threads of their own: busy endpoints must not make the system look broken.
    limiter = CapacityLimiter(len(QUESTIONS))

    async def put(question: Question) -> None:
        with anyio.move_on_after(LIMIT_S):
            # The thread of a question that takes too long ends by itself, when its own time-out does.
            answers.update(await to_thread.run_sync(_ask, question, settings, abandon_on_cancel=True, limiter=limiter))

    async with anyio.create_task_group() as group:
        for question in QUESTIONS:
            group.start_soon(put, question)
    checks: Results = {}
    for question in QUESTIONS:
        missing = question.failed(f"no answer within {LIMIT_S:.0f} s")
        checks |= {name: answers.get(name, missing[name]) for name in question.checks}
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


def _ask(question: Question, settings: Settings) -> Results:
    try:
        return question.ask(settings)
    except MusicSpaceError as error:
        return question.failed(error.message)
    except Exception as error:
        log.exception("readiness_check_failed", checks=question.checks)
        return question.failed(f"{type(error).__name__}; the log says more")


def _postgres(settings: Settings) -> Results:
    return {"postgres": _of_probe(probe_postgres(settings.required_database_url))}


def _broker(settings: Settings) -> Results:
    return {"broker": _of_probe(probe_redis(settings.required_redis_url))}


def _of_probe(probe: Probe) -> Check:
    return Check(ok=probe.health is Health.HEALTHY, detail=probe.detail)


def _schema(settings: Settings) -> Results:
    with open_session(settings.required_database_url) as session:
        require_current(session.connection())
    return {"schema": Check(ok=True, detail=f"revision {head()}")}


def _workers(settings: Settings) -> Results:
    with open_session(settings.required_database_url) as session:
        require_current(session.connection())
        beats = read_heartbeats(session)
    fresh = [beat for beat in beats if beat.age_s < settings.worker.dead_after_seconds]
    return {_worker_check(queue): _consumer(queue, fresh) for queue in Queue} | {DISPATCHER: _dispatcher(fresh)}


def _dispatcher(fresh: list[Heartbeat]) -> Check:
    for beat in fresh:
        if beat.worker == DISPATCHER:
            return Check(ok=True, detail=f"ran {max(beat.age_s, 0):.0f} s ago")
    return Check(ok=False, detail="beat does not run, or nobody consumes its queue")


def _consumer(queue: Queue, fresh: list[Heartbeat]) -> Check:
    consumers = [beat for beat in fresh if queue in beat.queues]
    if not consumers:
        return Check(ok=False, detail="nobody consumes this queue")
    latest = min(consumers, key=lambda beat: beat.age_s)
    return Check(ok=True, detail=f"{latest.worker}, seen {max(latest.age_s, 0):.0f} s ago")


def _worker_check(queue: Queue) -> str:
    return f"worker:{queue}"


QUESTIONS: tuple[Question, ...] = (
    Question(("postgres",), _postgres),
    Question(("schema",), _schema),
    Question(("broker",), _broker),
    Question((*(_worker_check(queue) for queue in Queue), DISPATCHER), _workers),
)
