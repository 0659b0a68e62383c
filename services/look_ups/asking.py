"""One look-up, in the steps between which its caller commits.

`open_round` claims what nobody else is asking, `ask_open` asks, `keep` writes the answers down at once, because they
were paid for, and `store_answers` brings them to the tracks, in the transaction that ends the work item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES, N_FEATURES
from core.provider_settings import LookUpSettings
from core.providers import SOURCE_OF, Answer, Gate, Provider, ProviderClient
from db.repositories import lookup_cache
from db.repositories.api_usage import add_tracks
from db.repositories.estimates import Estimates
from db.repositories.look_ups import Asked, questions
from models.routing.answer_error import answer_half_widths
from services.enrichment import store_estimates
from services.routing import Preference

#: An answer by id is about the right recording; that its provider measured it well is not known for certain.
_CONFIDENCE_BY_ID = 0.95
_CONFIDENCE_UNSTATED = 0.5


@dataclass(slots=True)
class Round:
    """The tracks of one look-up. `answers` holds what is known, by subject; `None`: the provider does not know it."""

    provider: Provider
    variant: str
    claimant: str
    asked: list[Asked]
    answers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    mine: set[str] = field(default_factory=set)  #: Claimed by this round, still to be asked.
    busy: set[str] = field(default_factory=set)  #: Somebody else is asking about these.
    from_cache: int = 0


def open_round(
    session: Session, client: ProviderClient, track_ids: Sequence[int], claimant: str, claim_seconds: float
) -> Round:
    """Read the questions, take known answers from the cache, claim what nobody else is asking. To be committed."""
    asked = [entry for entry in questions(session, client.provider, track_ids) if client.can_ask(entry.question)]
    subjects = sorted({entry.subject for entry in asked})
    claimed = lookup_cache.claim(session, client.provider, client.variant, subjects, claimant, claim_seconds)
    answers = {subject: cached.answer for subject, cached in claimed.answers.items()}
    return Round(
        client.provider,
        client.variant,
        claimant,
        asked,
        answers,
        claimed.mine,
        claimed.busy,
        from_cache=sum(entry.subject in answers for entry in asked),
    )


def ask_open(open_: Round, client: ProviderClient, gate: Gate) -> dict[str, dict[str, Any] | None]:
    """Ask about everything that this round claimed, once for each subject; answers by subject. Raises as `ask` does."""
    by_subject = {entry.subject: entry.question for entry in open_.asked if entry.subject in open_.mine}
    if not by_subject:
        return {}
    subject_of = {question.ref: subject for subject, question in by_subject.items()}
    replies = client.ask(list(by_subject.values()), gate)
    return {subject_of[ref]: _as_json(answer) for ref, answer in replies.items()}


def keep(session: Session, open_: Round, fresh: Mapping[str, dict[str, Any] | None], settings: LookUpSettings) -> None:
    """Write fresh answers into the cache and the accounts. To be committed at once."""
    if fresh:
        lookup_cache.keep(
            session,
            open_.provider,
            open_.variant,
            open_.claimant,
            dict(fresh),
            cache_days=settings.cache_days,
            unknown_days=settings.unknown_cache_days,
        )
    answered = sum(answer is not None for answer in fresh.values())
    add_tracks(session, open_.provider, asked=len(fresh), answered=answered, from_cache=open_.from_cache)
    open_.answers |= fresh
    open_.mine -= fresh.keys()


def give_back(session: Session, open_: Round) -> None:
    """Let others ask what this round claimed and did not ask. To be committed."""
    if open_.mine:
        lookup_cache.release(session, open_.provider, open_.variant, open_.claimant, subjects=open_.mine)


def store_answers(session: Session, open_: Round, preference: Preference) -> list[int]:
    """Write the answers as estimates and resolve them; returns the tracks that the provider does not know."""
    rows = [(entry.track_id, open_.answers.get(entry.subject)) for entry in open_.asked]
    known = sorted((track_id, answer) for track_id, answer in rows if answer is not None)
    if known:
        answers = [answer for _, answer in known]
        store_estimates(
            session,
            SOURCE_OF[open_.provider],
            open_.variant,
            np.array([track_id for track_id, _ in known], dtype=np.int64),
            _estimates(open_.provider, answers),
            preference=preference,
            evidence=[answer["evidence"] for answer in answers],
        )
    return [track_id for track_id, answer in rows if answer is None]


def _as_json(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "features": dict(answer.features),
        "confidence": answer.confidence,
        "evidence": dict(answer.evidence),
    }


def _estimates(provider: Provider, answers: Sequence[Mapping[str, Any]]) -> Estimates:
    values = np.array(
        [[answer["features"].get(name, np.nan) for name in FEATURE_NAMES] for answer in answers], dtype=np.float32
    ).reshape(-1, N_FEATURES)
    if provider is Provider.RECCOBEATS:
        # Nobody publishes how far off it is, so its uncertainty stays unknown.
        uncertainty = np.full_like(values, np.nan)
    else:
        uncertainty = np.where(np.isnan(values), np.float32(np.nan), answer_half_widths())
    unstated = _CONFIDENCE_BY_ID if provider is Provider.RECCOBEATS else _CONFIDENCE_UNSTATED
    stated = [unstated if answer["confidence"] is None else answer["confidence"] for answer in answers]
    return Estimates(values, uncertainty.astype(np.float32), np.array(stated, dtype=np.float32))
