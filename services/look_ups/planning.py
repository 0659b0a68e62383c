"""Choose which tracks providers are asked about, the most promising first, and never more than the budget buys."""

import json
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.provider_limits import limits_of
from core.providers import PAID, Provider
from core.settings import Settings
from core.work import JobKind, WorkKind
from db.repositories import api_usage
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.jobs import job_progress
from db.repositories.look_ups import count_items, ids_worth_asking, note_in_summary, targets_of_job, uncertainties
from db.repositories.tracks import load_batch
from services.look_ups.clients import enabled_providers, open_client

# Tracks whose expected gain is worked out at once; bounds memory.
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class PaidPlan:
    """What a budget buys of a paid provider."""

    provider: Provider
    candidates: int  #: tracks with an inferred feature that it was not asked about
    worthwhile: int  #: those of them whose expected gain reaches `MUSICSPACE_LOOK_UP__MIN_GAIN`
    budget_usd: float  #: the given one, or what is left of the day's if that is less
    usd_per_call: float  #: the most that a call of a full batch may cost
    calls: int
    chosen: list[int] = field(repr=False)  #: tracks, the most promising first
    expected_gain: float = 0.0  #: sum of the expected decreases of the chosen tracks' errors (MNE)
    possible_gain: float = 0.0  #: the same of all candidates

    @property
    def cost_usd(self) -> float:
        """The most that the plan may cost."""
        return self.calls * self.usd_per_call


def require_provider(settings: Settings) -> None:
    """Raise `ConfigurationError` (`provider-disabled`) where no provider may be asked; the message names settings."""
    if not enabled_providers(settings):
        reasons = "; ".join(f"{provider}: {limits_of(settings, provider).why_disabled}" for provider in Provider)
        raise ConfigurationError("provider-disabled", f"No provider may be asked ({reasons}).")


def plan_paid(
    session: Session,
    settings: Settings,
    *,
    budget_usd: float | None = None,
    track_ids: Sequence[int] | None = None,
    without: frozenset[int] = frozenset(),
) -> PaidPlan:
    """What the budget buys of Gemini, among the given tracks or the whole library. Nothing is written or sent.

    Tracks in `without` are left out.

    Raises
    ------
    ConfigurationError
        `provider-disabled`: it has no key.
    """
    with closing(open_client(settings, Provider.GEMINI)) as client:
        worth_asking = ids_worth_asking(session, client.provider, client.variant, track_ids)
        candidates = [track_id for track_id in worth_asking if track_id not in without]
        gains = _expected_gains(session, candidates, settings)
        left = _budget_left(session, settings, client.provider)
        budget = left if budget_usd is None else min(budget_usd, left)
        per_call = client.estimate(client.batch_size).cost_usd
        affordable = len(candidates) if per_call <= 0 else math.floor(budget / per_call + 1e-9) * client.batch_size
        order = np.argsort(-gains, kind="stable")
        worthwhile = order[gains[order] >= settings.look_up.min_gain]
        chosen = worthwhile[:affordable]
        return PaidPlan(
            provider=client.provider,
            candidates=len(candidates),
            worthwhile=len(worthwhile),
            budget_usd=budget,
            usd_per_call=per_call,
            calls=math.ceil(len(chosen) / client.batch_size),
            chosen=[candidates[row] for row in chosen.tolist()],
            expected_gain=float(gains[chosen].sum()),
            possible_gain=float(gains.sum()),
        )


def plan_import(session: Session, job_id: int, settings: Settings) -> dict[str, int | None]:
    """After the enrichment of an import: start a job that asks providers about its tracks, if there is anything to ask.

    The import's own job does not wait for it: its tracks have their features.
    """
    if not enabled_providers(settings):
        return {"look_up_job": None, "enqueued": 0}
    tracks = targets_of_job(session, job_id, WorkKind.ENRICH)
    look_up_job, enqueued = start_look_ups(session, settings, track_ids=tracks, asked_by=job_id)
    if look_up_job is not None:
        note_in_summary(session, job_id, json.dumps({"look_up_job": look_up_job}))
    return {"look_up_job": look_up_job, "enqueued": enqueued}


def start_look_ups(
    session: Session,
    settings: Settings,
    *,
    track_ids: Sequence[int] | None = None,
    budget_usd: float | None = None,
    asked_by: int | None = None,
) -> tuple[int | None, int]:
    """Enqueue look-ups for the given tracks, or the whole library; returns the job, if any, and how many tracks.

    Tracks that a free provider can be asked about go there first; what that does not know is passed on by `pass_on`.
    Tracks it cannot be asked about go to the paid one at once.
    """
    providers = enabled_providers(settings)
    free = [provider for provider in providers if provider not in PAID]
    chosen = {provider: _worth_asking(session, settings, provider, track_ids) for provider in free}
    if Provider.GEMINI in providers:
        first = frozenset(track_id for ids in chosen.values() for track_id in ids)
        plan = plan_paid(session, settings, budget_usd=budget_usd, track_ids=track_ids, without=first)
        chosen[plan.provider] = plan.chosen
    if not any(chosen.values()):
        return None, 0
    params = {"budget_usd": budget_usd, "import": asked_by}
    job_id, _ = create_job(session, JobKind.LOOK_UP, params={key: v for key, v in params.items() if v is not None})
    counts = {provider: _enqueue(session, settings, job_id, provider, ids) for provider, ids in chosen.items()}
    seal_job(session, job_id, {"enqueued": {str(provider): n for provider, n in counts.items()}})
    return job_id, sum(counts.values())


def pass_on(session: Session, settings: Settings, job_id: int, provider: Provider, unknown: Sequence[int]) -> int:
    """Enqueue, in the same job, what a free provider does not know, as far as it is worth the money of a paid one."""
    if provider in PAID or not unknown or Provider.GEMINI not in enabled_providers(settings):
        return 0
    plan = plan_paid(session, settings, budget_usd=_job_budget_left(session, settings, job_id), track_ids=unknown)
    return _enqueue(session, settings, job_id, plan.provider, plan.chosen)


def _enqueue(session: Session, settings: Settings, job_id: int, provider: Provider, ids: Sequence[int]) -> int:
    if not ids:
        return 0
    with closing(open_client(settings, provider)) as client:
        size = client.batch_size
    deadline = datetime.now(UTC) + timedelta(hours=settings.look_up.patience_hours)
    return enqueue_targets(
        session,
        job_id,
        WorkKind.LOOK_UP,
        ids,
        version=provider,
        chunk_size=size,
        extra={"job_id": job_id, "deadline": deadline.isoformat(timespec="seconds")},
        in_order=provider in PAID,
    )


def _worth_asking(
    session: Session, settings: Settings, provider: Provider, track_ids: Sequence[int] | None
) -> list[int]:
    with closing(open_client(settings, provider)) as client:
        return ids_worth_asking(session, provider, client.variant, track_ids)


def _expected_gains(session: Session, track_ids: Sequence[int], settings: Settings) -> NDArray[np.float64]:
    """Expected decrease of each track's error, [n]; none where the predictor in use said nothing."""
    from models.routing.expected_gain import expected_gain

    gains = [np.empty(0)]
    for start in range(0, len(track_ids), _CHUNK):
        ids = track_ids[start : start + _CHUNK]
        tracks = load_batch(session, ids)
        unsure = uncertainties(session, ids, settings.enrich.predictor)
        gains.append(expected_gain(unsure, tracks.genres, tracks.popularity, settings.artifacts_dir))
    return np.nan_to_num(np.concatenate(gains))


def _job_budget_left(session: Session, settings: Settings, job_id: int) -> float | None:
    """What is left of the budget that the job was given, counting what it enqueued at the highest price."""
    job = job_progress(session, job_id)
    budget = job.params.get("budget_usd") if job is not None else None
    if budget is None:
        return None
    with closing(open_client(settings, Provider.GEMINI)) as client:
        calls = count_items(session, job_id, WorkKind.LOOK_UP, Provider.GEMINI)
        return max(float(budget) - calls * client.estimate(client.batch_size).cost_usd, 0.0)


def _budget_left(session: Session, settings: Settings, provider: Provider) -> float:
    limits = limits_of(settings, provider)
    if limits.budget_usd_per_day is None:
        return math.inf
    return max(limits.budget_usd_per_day - api_usage.today(session, provider).cost_usd, 0.0)
