"""The learned router: from two estimates of a value to one that was nearer to the truth in validation.

A first guess lies between both estimates and is moved along a line fitted to absolute errors; trees correct it where
that helped in validation; and each genre group draws the outcome back to the base as far as that was better there, so
that no group fares worse than with the base alone. The outcome may lie a little beyond both estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from models.artifacts import load_artifact, write_arrays
from models.evaluation.errors import SCALES
from models.predictors.protocol import clip_to_ranges
from models.routing.genre_groups import GROUPS
from models.routing.mixing import NOT_LOOKED_UP
from models.routing.protocol import Pair, Routed
from models.routing.router_inputs import N_LINE_COLUMNS, N_TREE_COLUMNS, Numbers, RouterInputs
from models.routing.router_intervals import RouterIntervals
from models.tree_ensemble import TreeEnsemble

NAME = "router"
#: By the share of the other estimate: up to a twentieth is the base, from nineteen twentieths on the other.
RULES = ("learned-base", "learned-mixture", "learned-other")
_NEARLY = 0.05
TREES_FILE, NUMBERS_FILE = "trees.onnx", "numbers.npz"


@dataclass(frozen=True, slots=True)
class RouterModel:
    """Everything that was trained."""

    share: NDArray[np.float64]  #: [9], of the other estimate in the first guess
    line: NDArray[np.float64]  #: [9, N_LINE_COLUMNS], normalized correction of the first guess
    trees: bytes  #: Of `models.tree_export`; output k is the normalized correction of feature k
    trust: NDArray[np.float64]  #: [GROUPS], 0 (base alone) .. 1
    intervals: RouterIntervals
    gain: NDArray[np.float64]  #: Coefficients of `models.routing.expected_gain.GainModel`
    gain_unknown: NDArray[np.float64]  #: [9], its `unknown`

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All but the trees, by name."""
        names = ("share", "line", "trust", "gain", "gain_unknown")
        return {**{name: getattr(self, name) for name in names}, **self.intervals.arrays()}

    @classmethod
    def restore(cls, trees: bytes, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        intervals = RouterIntervals.restore(arrays)
        return cls(
            share=arrays["share"],
            line=arrays["line"],
            trees=trees,
            trust=arrays["trust"],
            intervals=intervals,
            gain=arrays["gain"],
            gain_unknown=arrays["gain_unknown"],
        )

    def write_files(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        (folder / TREES_FILE).write_bytes(self.trees)
        write_arrays(folder / NUMBERS_FILE, self.arrays())


class LearnedRouter:
    """Routes with a trained model. See `models.routing.protocol.Strategy` for the contract."""

    name: ClassVar[str] = "learned"

    def __init__(self, model: RouterModel, version: str) -> None:
        self.model = model
        self.version = version
        self._trees = TreeEnsemble(model.trees, name="the trees of the router")
        shapes = (model.line.shape[1], self._trees.n_columns, len(model.trust))
        if shapes != (N_LINE_COLUMNS, N_TREE_COLUMNS, len(GROUPS)):
            raise ConfigurationError(
                "artifact-corrupt",
                "The router was trained for other inputs than this version has. Train it again with `musicspace train "
                "router --data FILE`.",
            )

    def __call__(self, pair: Pair) -> Routed:
        """Route every value."""
        inputs = RouterInputs.of(pair)
        known = ~np.isnan(pair.other)
        moved = self.learned_values(inputs) - inputs.base
        values = inputs.base + self._trust(inputs) * np.where(known, moved, 0.0)
        weight = _share_of_other(values - inputs.base, np.where(known, inputs.apart, 0.0))
        rule = np.where(weight <= _NEARLY, 0, np.where(weight >= 1 - _NEARLY, 2, 1))
        half_widths = self.model.intervals.half_widths_of(inputs) * SCALES
        return Routed(
            clip_to_ranges(values * SCALES),
            weight.astype(np.float32),
            np.where(known, rule, len(RULES)).astype(np.int8),
            (*RULES, NOT_LOOKED_UP),
            np.where(known, half_widths, pair.base_uncertainty).astype(np.float32),
        )

    def learned_values(self, inputs: RouterInputs) -> Numbers:
        """Normalized values [n, 9] before genre groups draw them back to the base; NaN where not looked up."""
        first = first_guess(inputs, self.model.share, self.model.line)
        return np.asarray(first + self._trees.predict(inputs.tree_columns(first)))

    def _trust(self, inputs: RouterInputs) -> Numbers:
        """By track, [n, 1]."""
        return np.asarray(inputs.groups @ self.model.trust)[:, None]

    @classmethod
    def load(cls, artifacts_dir: Path) -> Self:
        """Load the artifact `router` below `artifacts_dir`.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`, with the path and the way out.
        """
        artifact = load_artifact(artifacts_dir, NAME)
        model = RouterModel.restore(artifact.read(TREES_FILE), artifact.arrays(NUMBERS_FILE))
        return cls(model, artifact.card.version)


def first_guess(inputs: RouterInputs, share: Numbers, line: Numbers) -> Numbers:
    """Normalized values [n, 9] from shares [9] and lines [9, N_LINE_COLUMNS]; NaN where not looked up."""
    # No matrix product: it adds up in another order for one track than for many, and trees split at any difference.
    corrections = np.column_stack([(inputs.line_columns(k) * own).sum(axis=1) for k, own in enumerate(line)])
    return np.asarray(inputs.base + share * inputs.apart + corrections)


def _share_of_other(moved: Numbers, apart: Numbers) -> Numbers:
    """How far [n, 9] values went from the base to the other estimate, 0..1; 0 where both are the same."""
    share = np.zeros_like(moved)
    np.divide(moved, apart, out=share, where=apart != 0)
    return np.asarray(np.clip(share, 0.0, 1.0))
