"""Weigh a language model's answers against the predictor in use, and keep the route of every value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from core.features import FEATURE_NAMES, FEATURES
from core.sources import Source
from db.repositories import estimates as estimate_rows
from db.repositories.estimates import Estimates, Ids
from db.repositories.tracks import load_batch

if TYPE_CHECKING:
    from models.routing.protocol import Routed, Strategy

_SCALES = np.array([feature.scale for feature in FEATURES], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Preference:
    """Whom to believe among those that infer: the predictor in use, and how another answer is weighed against it."""

    predictor: str
    routing: "Strategy | None" = None  #: `None`: what was routed before stays as it is.


def route(
    session: Session, track_ids: Ids, estimates: Mapping[str, Estimates], preference: Preference
) -> dict[str, Estimates]:
    """The aligned estimates with the routed ones brought up to date, which are written as well.

    Nothing changes without a strategy, or where no track has both a predictor's and a language model's estimate.
    """
    base, answers = estimates.get(preference.predictor), estimates.get(Source.GEMINI)
    if preference.routing is None or base is None or answers is None:
        return dict(estimates)
    both = np.flatnonzero((~np.isnan(answers.values) & ~np.isnan(base.values)).any(axis=1))
    if not len(both):
        return dict(estimates)
    routed, kept = _routed(session, track_ids, base, answers, both, preference.routing)
    written = Estimates(*(column[both] for column in (kept.values, kept.uncertainty, kept.confidence)))
    evidence = _evidence(routed, preference, base.values[both], answers.values[both])
    estimate_rows.write_estimates(
        session, Source.ROUTED, preference.routing.name, track_ids[both], written, evidence=evidence
    )
    return {**estimates, Source.ROUTED: kept}


def _routed(
    session: Session, track_ids: Ids, base: Estimates, answers: Estimates, both: Ids, strategy: "Strategy"
) -> "tuple[Routed, Estimates]":
    """What the strategy made of the rows in `both`, and the same aligned with all rows."""
    from models.routing.protocol import Pair

    tracks = load_batch(session, track_ids[both].tolist())
    routed = strategy(
        Pair(
            base.values[both],
            base.uncertainty[both],
            answers.values[both],
            answers.uncertainty[both],
            tracks.genres,
            tracks.popularity,
        )
    )
    answered = ~np.isnan(answers.values[both])
    kept = Estimates.unknown(len(track_ids))
    kept.values[both] = np.where(answered, routed.values, np.nan)
    kept.uncertainty[both] = np.where(answered, routed.uncertainty, np.nan)
    kept.confidence[both] = base.confidence[both]
    return routed, kept


def _evidence(
    routed: "Routed", preference: Preference, base: estimate_rows.Floats, answers: estimate_rows.Floats
) -> list[dict[str, Any]]:
    """Per track: the strategy, the two it chose from, and for each feature its rule, weight and divergence."""
    divergence = np.abs(base - answers) / _SCALES
    between = [str(preference.predictor), str(Source.GEMINI)]
    rows = []
    for row in range(len(base)):
        routes = {
            name: {
                "rule": routed.rules[routed.rule[row, column]],
                "weight": round(float(routed.weight[row, column]), 3),
                "divergence": round(float(divergence[row, column]), 3),
            }
            for column, name in enumerate(FEATURE_NAMES)
            if not np.isnan(divergence[row, column])
        }
        strategy = preference.routing.name if preference.routing is not None else None
        rows.append({"strategy": strategy, "between": between, "routes": routes})
    return rows
