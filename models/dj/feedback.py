"""Weights of the terms, learned from what people skipped, liked and let play.

Of two suggestions of one choice, the one that was received better should have scored higher. That is pairwise ranking
with a logistic loss (RankNet with a linear scorer; Burges et al., "Learning to rank using gradient descent", ICML 2005)
on the differences of their terms. Weights stay at or above 0, and close to those of the settings (L2) where feedback
says little.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio_settings import DjSettings, DjWeights
from core.errors import PermanentError

Doubles = NDArray[np.float64]

_TERMS = tuple(DjWeights.model_fields)
_FOLDS = 5
_BOOTSTRAPS = 2_000
#: Strength of the pull toward the given weights, as so many pairs.
_PRIOR_PAIRS = 40.0
#: Shares of play that differ by less say nothing.
_SAME_SHARE = 0.25
_LIKED, _SKIPPED = 1.0, -1.0


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody made of one suggestion."""

    context: str  #: The choice it belongs to, e.g. session and current track; only suggestions of one are compared.
    terms: Mapping[str, float]  #: As in `Suggestion.terms`; one that is missing counts as 0.5.
    liked: bool = False
    skipped: bool = False
    played_share: float | None = None  #: Share of the track that was played, 0..1.

    @property
    def value(self) -> float | None:
        """How well it was received: -1 (skipped at once) to 2 (liked, and played whole); None where nothing tells."""
        share = np.nan if self.played_share is None else float(np.clip(self.played_share, 0, 1))
        if not self.liked and not self.skipped and np.isnan(share):
            return None
        return (0.0 if np.isnan(share) else share) + _LIKED * self.liked + _SKIPPED * self.skipped


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What learning gained on choices that it had not seen (cross-validation, each context in one fold)."""

    n_pairs: int
    n_contexts: int
    accuracy_before: float  #: Share of held-out pairs that the given weights put in the right order, ties half.
    accuracy_after: float  #: The same, with learned weights.
    gain: float
    gain_low: float  #: Ends of the 95 % interval of the gain (paired bootstrap over contexts).
    gain_high: float

    @property
    def is_gain(self) -> bool:
        """Whether the learned weights are better beyond chance."""
        return self.gain_low > 0


@dataclass(frozen=True, slots=True)
class _Pairs:
    differences: Doubles  #: [p, terms], the better one less the worse one
    context: NDArray[np.intp]  #: [p]

    def __len__(self) -> int:
        return len(self.differences)


def learn_weights(
    feedback: Sequence[Feedback], settings: DjSettings, seed: int = 0
) -> tuple[DjWeights, FeedbackReport]:
    """New weights with the same sum as those of the settings, and what they gain.

    The weights are learned from all feedback; whether to use them is for the caller to say (`FeedbackReport.is_gain`).

    Raises
    ------
    PermanentError
        `too-little-feedback`: fewer pairs than `settings.feedback_min_pairs`, or all from fewer than five contexts.
    """
    pairs = _pairs(feedback)
    n_contexts = len(np.unique(pairs.context))
    if len(pairs) < settings.feedback_min_pairs or n_contexts < _FOLDS:
        raise PermanentError(
            "too-little-feedback",
            f"Stored feedback gives {len(pairs)} preferences from {n_contexts} choices; learning weights needs "
            f"{settings.feedback_min_pairs} (MUSICSPACE_DJ__FEEDBACK_MIN_PAIRS) from {_FOLDS}. Collect more first.",
        )
    given = np.array([getattr(settings.weights, name) for name in _TERMS], np.float64)
    report = _report(pairs, given, np.random.default_rng(seed))
    weights = _fit(pairs.differences, given)
    return DjWeights(**dict(zip(_TERMS, np.round(weights, 4).tolist(), strict=True))), report


def _pairs(feedback: Sequence[Feedback]) -> _Pairs:
    """All pairs of one context that were received differently."""
    by_context: dict[str, list[tuple[float, list[float]]]] = defaultdict(list)
    for one in feedback:
        if (value := one.value) is not None:
            terms = [one.terms.get(name, 0.5) for name in _TERMS]
            if np.isfinite(terms).all():
                by_context[one.context].append((value, terms))
    differences: list[Doubles] = []
    context: list[int] = []
    for number, received in enumerate(by_context.values()):
        for at, (value, terms) in enumerate(received):
            for other_value, other in received[:at]:
                if abs(value - other_value) >= _SAME_SHARE:
                    sign = np.sign(value - other_value)
                    differences.append(sign * (np.array(terms) - np.array(other)))
                    context.append(number)
    return _Pairs(np.array(differences, np.float64).reshape(-1, len(_TERMS)), np.array(context, np.intp))


def _fit(differences: Doubles, given: Doubles) -> Doubles:
    """Weights [terms] of the least logistic loss near the `given` ones, with the same sum."""
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import expit

    def loss(margins: Doubles) -> float:
        return float(np.logaddexp(0, -margins).sum())

    # How surely a difference of scores decides is not in the weights, which are relative; it is found first.
    margins = differences @ given
    sureness = float(
        np.exp(minimize_scalar(lambda log: loss(np.exp(log) * margins), bounds=(0, 4), method="bounded").x)
    )
    scale = sureness * given
    pull = _PRIOR_PAIRS / max(float(np.square(scale).sum()), 1e-9)

    def objective(weights: Doubles) -> tuple[float, Doubles]:
        margins = differences @ weights
        gradient = -(expit(-margins) @ differences) + 2 * pull * (weights - scale)
        return loss(margins) + pull * float(np.square(weights - scale).sum()), gradient

    found = minimize(objective, scale, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(given)).x
    total = float(found.sum())
    weights: Doubles = found * given.sum() / total if total > 0 else given
    return weights


def _report(pairs: _Pairs, given: Doubles, rng: np.random.Generator) -> FeedbackReport:
    """Accuracy on contexts that were left out, before and after."""
    contexts = np.unique(pairs.context)
    fold_of = np.empty(contexts.max() + 1, np.intp)
    fold_of[contexts] = rng.permutation(len(contexts)) % _FOLDS
    folds = fold_of[pairs.context]
    before = _right(pairs.differences @ given)
    after = np.empty(len(pairs))
    for fold in range(_FOLDS):
        held_out = folds == fold
        after[held_out] = _right(pairs.differences[held_out] @ _fit(pairs.differences[~held_out], given))
    low, high = _interval(after - before, pairs.context, rng)
    gain = float((after - before).mean())
    return FeedbackReport(len(pairs), len(contexts), float(before.mean()), float(after.mean()), gain, low, high)


def _right(margins: Doubles) -> Doubles:
    """1 where the better one scores higher, 0 where it scores lower, 0.5 where they are equal."""
    return (1 + np.sign(np.round(margins, 9))) / 2


def _interval(gains: Doubles, context: NDArray[np.intp], rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the mean gain of pairs, contexts drawn with replacement (Efron and Tibshirani, 1993)."""
    _, number = np.unique(context, return_inverse=True)
    sums = np.bincount(number, gains)
    counts = np.bincount(number)
    drawn = rng.integers(0, len(counts), (_BOOTSTRAPS, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
