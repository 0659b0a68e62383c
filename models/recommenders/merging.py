"""One ranking out of several models, by weights learned on held-out items.

Scores of different models do not compare: a cosine, a margin and log-odds have nothing in common. Ranks do. Over the
candidates of one user, the value of an item under a model is 1 - ln(rank) / ln(1 + candidates), so that the first
places are far apart and the last ones close together; an item that a model did not score has the value 0. The merged
score is the weighted mean of the values. Weights are at least 0 and add up to 1: what share each model has in the say.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from core.user_models import ModelKind
from models.recommenders.history import History
from models.recommenders.protocol import Recommender, Scored

FORMAT_VERSION = 1
#: The weights that ship: for an M3 that knows what users have in common, and for one that knows a single user alone.
WEIGHTS_FILE, ALONE_FILE = "merge_weights.json", "merge_weights_alone.json"
#: Weights are searched in steps of 1 / STEPS.
STEPS = 20
#: Places of a ranking that count when weights are learned.
_CUTOFF = 100
#: Fewer users than this say more about themselves than about the models.
FEWEST_EXAMPLES = 20
#: Scores of one model that differ by less than this share of their range count as equal.
_RELEVANT = 1e-6
#: Shares are stored with four decimals.
_ROUNDING = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MergeWeights:
    """The share of each model, for every set of models that may be at hand together."""

    shares: Mapping[frozenset[ModelKind], Mapping[ModelKind, float]]  #: Of each set, at least 0, sum 1.
    provenance: Mapping[str, Any] = field(default_factory=dict)  #: JSON: what they were learned from.

    def of(self, kinds: Iterable[ModelKind]) -> dict[ModelKind, float]:
        """Shares for models at hand; where their set was not learned, those of the whole set, scaled to sum 1."""
        present = sorted(set(kinds))
        known = self.shares.get(frozenset(present))
        if known is not None:
            return {kind: known[kind] for kind in present}
        whole = self.shares.get(frozenset(ModelKind), {})
        total = sum(whole.get(kind, 0.0) for kind in present)
        if total <= 0:
            return dict.fromkeys(present, 1 / max(len(present), 1))
        return {kind: whole.get(kind, 0.0) / total for kind in present}

    def to_json(self) -> str:
        """The content of a file that `read_weights` takes."""
        shares = {
            "+".join(sorted(kinds)): {kind.value: round(share, 4) for kind, share in sorted(own.items())}
            for kinds, own in sorted(self.shares.items(), key=lambda item: (-len(item[0]), sorted(item[0])))
        }
        document = {"format_version": FORMAT_VERSION, "provenance": dict(self.provenance), "shares": shares}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class MergeExample:
    """One user of a validation: what each model scored without knowing the held-out items, and those items."""

    scored: Mapping[ModelKind, Scored]
    held_out: NDArray[np.intp]  #: [h], positions.


def score_candidates(
    recommenders: Collection[Recommender], history: History, excluded: NDArray[np.bool_], limit: int
) -> dict[ModelKind, Scored]:
    """What `merge` takes: the best `limit` of every model, and their union scored by all of them.

    `excluded` is [n]; the history is that of the user whom the models, at most one of a kind, belong to.
    """
    ranked = [(each, each.rank(history, excluded, limit)) for each in recommenders]
    union = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *(own.positions for _, own in ranked)]))
    return {each.kind: _completed(own, each, history, np.setdiff1d(union, own.positions)) for each, own in ranked}


def merge(scored: Mapping[ModelKind, Scored], weights: MergeWeights) -> Scored:
    """All items that any model scored, the best first; ties go to the lower position.

    Parameters
    ----------
    scored
        For each model at hand, the candidates with its scores, as `score_candidates` gives them. A model that is
        missing, or that fell back to something common to all users, is left out.
    weights
        From `learn_weights`, or `default_weights()`.

    Returns
    -------
    merged
        Scores are 0..1.
    """
    if not scored:
        return Scored(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
    kinds = sorted(scored)
    positions, values = _values(scored, kinds)
    shares = weights.of(kinds)
    merged = values @ np.array([shares[kind] for kind in kinds])
    order = np.lexsort((positions, -merged))
    return Scored(positions[order], merged[order].astype(np.float32))


def learn_weights(
    examples: Sequence[MergeExample], provenance: Mapping[str, Any] | None = None, *, alone: bool = False
) -> MergeWeights:
    """The shares of the highest mean NDCG@100, for every set of two or three models.

    All shares in steps of 1/20 are tried; among equals those nearest to equal shares win. For a set of models, only
    users count whom all of them have scored; with fewer than `FEWEST_EXAMPLES` of those the defaults stay, which are
    those of `default_weights(alone=alone)`. The result depends on nothing but the examples.
    """
    shares = dict(default_weights(alone=alone).shares)
    for size in (3, 2):
        for kinds in combinations(sorted(ModelKind), size):
            useful = [example for example in examples if all(kind in example.scored for kind in kinds)]
            if len(useful) >= FEWEST_EXAMPLES:
                shares[frozenset(kinds)] = _best_shares(useful, kinds)
    return MergeWeights(shares, {"users": len(examples)} | dict(provenance or {}))


@cache
def default_weights(*, alone: bool = False) -> MergeWeights:
    """The weights that ship, learned by `musicspace evaluate recommenders --write-weights`.

    An M3 that knows nothing of other users is worth far less: for it there are weights of their own (`alone`).
    """
    name = ALONE_FILE if alone else WEIGHTS_FILE
    return read_weights(files("models.recommenders").joinpath(name).read_text(encoding="utf-8"))


def read_weights(content: str) -> MergeWeights:
    """Weights from the content of a file.

    Raises
    ------
    ConfigurationError
        `user-model-corrupt`: it is no such file, or shares are no shares.
    """
    try:
        document = json.loads(content)
        known = document["format_version"] == FORMAT_VERSION
        shares = {
            frozenset(map(ModelKind, name.split("+"))): {ModelKind(kind): float(share) for kind, share in own.items()}
            for name, own in document["shares"].items()
        }
        provenance = dict(document["provenance"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError("user-model-corrupt", f"The weights of merging cannot be read: {error!r}.") from None
    if not known or not all(_are_shares(kinds, own) for kinds, own in shares.items()):
        raise ConfigurationError("user-model-corrupt", "The weights of merging are of another format, or no shares.")
    return MergeWeights(shares, provenance)


def _completed(ranked: Scored, recommender: Recommender, history: History, others: NDArray[np.intp]) -> Scored:
    """What a recommender has ranked together with other items, the best first."""
    positions = np.concatenate([ranked.positions, others])
    scores = np.concatenate([ranked.scores, recommender.scores(history, others)])
    order = np.lexsort((positions, -scores))
    return Scored(positions[order], scores[order])


def _are_shares(kinds: frozenset[ModelKind], own: Mapping[ModelKind, float]) -> bool:
    values = list(own.values())
    return own.keys() == kinds and min(values) >= 0 and abs(sum(values) - 1) < _ROUNDING


def _values(scored: Mapping[ModelKind, Scored], kinds: Sequence[ModelKind]) -> tuple[NDArray[np.intp], Floats]:
    """All candidates, [c], ascending, and their value under each model, [c, kinds]."""
    positions = np.unique(np.concatenate([scored[kind].positions for kind in kinds]))
    values = np.zeros((len(positions), len(kinds)))
    for column, kind in enumerate(kinds):
        own = scored[kind]
        rows = np.searchsorted(positions, own.positions)
        # Equal scores share the last of their ranks: a model that knows nothing of many items favors none of them.
        scores = _coarse(own.scores)
        ranks = np.searchsorted(-scores, -scores, side="right")
        values[rows, column] = 1 - np.log(ranks) / np.log1p(len(positions))
    return positions, values


def _coarse(scores: NDArray[np.float32]) -> Floats:
    """Scores without their last digits: what differs by rounding alone is equal, or ranks would jump between runs."""
    step = float(np.ptp(scores)) * _RELEVANT if len(scores) else 0.0
    return np.rint(scores / step) if step > 0 else scores.astype(np.float64)


def _best_shares(examples: Sequence[MergeExample], kinds: Sequence[ModelKind]) -> dict[ModelKind, float]:
    # Its package reads tables, which answering requests needs not.
    from models.evaluation.ranking import ndcg

    values, relevant = _stacked(examples, kinds)
    n_relevant = np.array([len(example.held_out) for example in examples], dtype=np.intp)
    best: tuple[float, ...] = ()
    best_gain = -np.inf
    for shares in sorted(_all_shares(len(kinds)), key=lambda shares: np.ptp(shares)):
        order = np.argsort(-(values @ np.array(shares)), axis=1, kind="stable")[:, :_CUTOFF]
        gain = float(np.nanmean(ndcg(np.take_along_axis(relevant, order, axis=1), n_relevant, _CUTOFF)))
        if gain > best_gain + 1e-9:
            best, best_gain = shares, gain
    return dict(zip(kinds, best, strict=True))


def _stacked(examples: Sequence[MergeExample], kinds: Sequence[ModelKind]) -> tuple[Floats, NDArray[np.bool_]]:
    """Values [u, c, kinds] of all users and which candidates were held out [u, c]; padding is below everything."""
    candidates = [_values(example.scored, kinds) for example in examples]
    width = max(len(positions) for positions, _ in candidates)
    values = np.full((len(examples), width, len(kinds)), -1.0)
    relevant = np.zeros((len(examples), width), dtype=np.bool_)
    for row, (positions, own) in enumerate(candidates):
        values[row, : len(positions)] = own
        relevant[row, : len(positions)] = np.isin(positions, examples[row].held_out)
    return values, relevant


def _all_shares(size: int) -> Iterator[tuple[float, ...]]:
    """Every way to divide 1 among so many, in steps of 1 / STEPS."""
    for parts in product(range(STEPS + 1), repeat=size - 1):
        if sum(parts) <= STEPS:
            yield tuple(part / STEPS for part in (*parts, STEPS - sum(parts)))
