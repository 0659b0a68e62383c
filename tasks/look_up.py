"""Tasks: choose what providers are asked after an import, and ask one of them about a few tracks."""

import random
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy.orm import Session

from core.errors import NotNowError, RetryableError
from core.provider_limits import limits_of
from core.providers import Provider
from core.settings import Settings, get_settings
from core.telemetry import get_logger
from core.work import WorkKind
from db.engine import open_session
from tasks.app import app
from tasks.execution import run_work_item
from tasks.patience import patience
from tasks.publishing import ring
from tasks.queues import TaskName
from tasks.strategies import strategy

if TYPE_CHECKING:
    from core.providers import Gate, ProviderClient
    from services.look_ups.asking import Round

log = get_logger(__name__)

# Somebody else asks about a track of ours; the answer is in the cache soon.
_BUSY_S = 2.0
# Somebody may raise a limit, and should not wait much longer for it.
_LONGEST_TURN_S = 300.0


@app.task(name=str(TaskName.PLAN_LOOK_UPS))
def plan_look_ups(item_id: int) -> None:
    """Claim the last item of an import and start the look-ups of its tracks."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        from services.look_ups.planning import plan_import

        return plan_import(session, payload["job_id"], settings)

    if run_work_item(item_id, work, settings):
        ring(settings)


@app.task(name=str(TaskName.LOOK_UP))
def look_up(item_id: int) -> None:
    """Claim the item and ask its provider. Tracks that get no answer keep the values they have."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            return _look_up(session, payload, settings)
        except NotNowError as error:
            if datetime.now(UTC) >= datetime.fromisoformat(payload["deadline"]):
                return _unanswered(session, payload, reason=error.message)
            wait_s = error.retry_after_s + _turn_s(session, Provider(payload["version"]), settings)
            raise NotNowError(error.message, wait_s) from error

    def give_up(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        return _unanswered(session, payload, reason="it failed again and again; see the attempts")

    if run_work_item(item_id, work, settings, give_up=give_up):
        ring(settings)


def _turn_s(session: Session, provider: Provider, settings: Settings) -> float:
    """A turn in the line of those who wait, drawn at random; the line moves as fast as the provider's limit allows.

    Else all would come back at once, all but a few of them in vain.
    """
    from db.repositories.look_ups import count_queued

    waiting = count_queued(session, WorkKind.LOOK_UP, provider)
    return random.uniform(0.0, min(60.0 * waiting / limits_of(settings, provider).calls_per_minute, _LONGEST_TURN_S))


def _look_up(session: Session, payload: dict[str, Any], settings: Settings) -> dict[str, Any]:
    from services.look_ups import asking
    from services.look_ups.planning import pass_on
    from services.routing import Preference

    provider = Provider(payload["version"])
    client, gate = client_and_gate(provider)
    round_ = _answered_round(payload["targets"], client, gate, settings)
    preference = Preference(settings.enrich.predictor, strategy(settings.routing.strategy, settings.artifacts_dir))
    unknown = asking.store_answers(session, round_, preference)
    passed_on = pass_on(session, settings, payload["job_id"], provider, unknown)
    return {
        "provider": provider,
        "answered": len(round_.asked) - len(unknown),
        "unknown": len(unknown),
        "from_cache": round_.from_cache,
        "passed_on": passed_on,
    }


def _answered_round(targets: list[int], client: "ProviderClient", gate: "Gate", settings: Settings) -> "Round":
    """Claim, ask and keep, each committed on its own: an answer that was paid for outlives whatever comes later.

    Raises
    ------
    NotNowError
        From the gate, or because somebody else is asking about some of the tracks.
    """
    from services.look_ups import asking

    url = settings.required_database_url
    with open_session(url) as own:
        # A worker that dies leaves its claims behind; they end when its call must have ended.
        round_ = asking.open_round(own, client, targets, uuid4().hex, claim_seconds(client.provider, settings))
        own.commit()
    try:
        fresh = asking.ask_open(round_, client, gate)
    except BaseException:
        _give_back(round_, url)
        raise
    patience(settings)(_keep, round_, fresh, settings)
    _give_back(round_, url)
    if round_.busy:
        message = f"Another look-up is asking {client.provider} about {len(round_.busy)} of the tracks."
        raise NotNowError(message, _BUSY_S)
    return round_


def _give_back(round_: "Round", url: str) -> None:
    """Let others ask what this round did not get an answer for."""
    from services.look_ups import asking

    if not round_.mine:
        return
    try:
        with open_session(url) as own:
            asking.give_back(own, round_)
            own.commit()
    except RetryableError as error:
        # Claims run out by themselves, so a database that is away must not hide what happened before.
        log.warning("claims_not_given_back", code=error.code, reason=error.message)


def _keep(round_: "Round", fresh: "dict[str, dict[str, Any] | None]", settings: Settings) -> None:
    from services.look_ups import asking

    with open_session(settings.required_database_url) as own:
        asking.keep(own, round_, fresh, settings.look_up)
        own.commit()


def claim_seconds(provider: Provider, settings: Settings) -> float:
    """How long nobody else asks about a claimed track: a call and a repair, waits for a slot, and a margin."""
    timeout_s = settings.gemini.timeout_seconds if provider is Provider.GEMINI else settings.reccobeats.timeout_seconds
    return 2 * (timeout_s + settings.look_up.wait_seconds) + 10


def _unanswered(session: Session, payload: dict[str, Any], *, reason: str) -> dict[str, Any]:
    from services.look_ups.planning import pass_on

    provider = Provider(payload["version"])
    passed_on = pass_on(session, get_settings(), payload["job_id"], provider, payload["targets"])
    return {"provider": provider, "unanswered": len(payload["targets"]), "reason": reason, "passed_on": passed_on}


@cache
def client_and_gate(provider: Provider) -> "tuple[ProviderClient, Gate]":
    """One client and one gate of each provider for all threads of a process, under its settings at the first call."""
    from services.look_ups.clients import open_client
    from tasks.provider_gate import ProviderGate

    settings = get_settings()
    return open_client(settings, provider), ProviderGate(settings, provider)
