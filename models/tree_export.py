"""Boosted trees of LightGBM and scikit-learn as one ONNX file, for `models.tree_ensemble`.

All trees of all targets become one `TreeEnsemble` node (https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html)
and an addition. Both libraries compare with thresholds in double precision, the node in single precision; thresholds
are rounded down, which sends every float32 value the same way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from models.tree_ensemble import INPUT, OUTPUT

_ML_DOMAIN, _ML_OPSET, _OPSET, _IR_VERSION = "ai.onnx.ml", 5, 18, 10
# Values of the node's attributes, from the specification.
_SUM, _NO_TRANSFORM, _LESS_OR_EQUAL = 1, 0, 0

# Bits of LightGBM's `decision_type`: https://github.com/microsoft/LightGBM/blob/master/include/LightGBM/tree.h
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_TYPE = 0b0001, 0b0010, 0b1100
_MISSING_IS_ZERO, _MISSING_IS_NAN = 0b0100, 0b1000
# LightGBM takes values of this size and below for zero.
_ZERO = np.float64(np.float32(1e-35))
# Objectives whose prediction is the plain sum of the leaves; a booster with an objective of one's own names none.
_PLAIN_OBJECTIVES = frozenset({"", "custom", "regression", "regression_l1", "huber", "fair", "quantile", "mape"})


@dataclass(frozen=True, slots=True)
class _Tree:
    """One tree of s splits, root first, and s + 1 leaves. A child below zero is the leaf `-1 - child`."""

    column: NDArray[np.int64]  #: [s]
    threshold: NDArray[np.float64]  #: [s]; values up to it go left
    left: NDArray[np.int64]  #: [s]
    right: NDArray[np.int64]  #: [s]
    missing_left: NDArray[np.bool_]  #: [s], where NaN goes
    leaves: NDArray[np.float64]  #: [s + 1]


@dataclass(frozen=True, slots=True)
class _TreeSum:
    """What one model predicts: a constant and the leaves of its trees."""

    constant: float
    trees: list[_Tree]


def export_trees(
    models: Sequence[Sequence[Any]], n_columns: int, base: ArrayLike = 0.0, scale: ArrayLike = 1.0
) -> bytes:
    """Write models as ONNX: output k is `base[k] + scale[k] * mean(model.predict(x) for model in models[k])`.

    Parameters
    ----------
    models
        For each of the k targets one or more models to average: `lightgbm.Booster` (up to its best iteration) or
        `sklearn.ensemble.GradientBoostingRegressor`.
    n_columns
        c, the number of input columns.
    base, scale
        One number for all targets, or [k].

    Returns
    -------
    content
        The same models give the same bytes.

    Raises
    ------
    ValueError
        A target has no model, or a model has what the format lacks: categorical splits, zeros as missing values,
        linear leaves, several outputs, an output transformed by its objective.
    """
    if not all(models):
        raise ValueError("every target needs a model")
    base, scale = (np.broadcast_to(np.asarray(each, dtype=np.float64), len(models)) for each in (base, scale))
    trees: list[_Tree] = []
    target: list[int] = []
    factors: list[float] = []
    constants = base.copy()
    for k, of_target in enumerate(models):
        share = float(scale[k]) / len(of_target)
        for model in of_target:
            sum_ = _read(model)
            constants[k] += share * sum_.constant
            trees += sum_.trees
            target += [k] * len(sum_.trees)
            factors += [share] * len(sum_.trees)
    content: bytes = _model(trees, target, factors, constants, n_columns).SerializeToString(deterministic=True)
    return content


def _read(model: Any) -> _TreeSum:
    return _read_lightgbm(model.model_to_string()) if hasattr(model, "model_to_string") else _read_sklearn(model)


def _read_lightgbm(text: str) -> _TreeSum:
    """A booster from its text format; predictions start at zero, as the first tree holds the average."""
    blocks = [dict(_assignments(block)) for block in text.partition("\nend of trees")[0].split("\nTree=")]
    header = blocks[0]
    objective = header.get("objective", "")
    if header["num_tree_per_iteration"] != "1" or "average_output" in header or objective not in _PLAIN_OBJECTIVES:
        raise ValueError(f"only plain regression can be exported, not the objective {objective!r}")
    trees = [_lightgbm_tree(block) for block in blocks[1:]]
    return _TreeSum(0.0, trees)


def _assignments(block: str) -> Iterator[tuple[str, str]]:
    """The lines `name=value` of a block; `average_output` stands alone."""
    for line in block.splitlines():
        name, _, value = line.partition("=")
        yield name, value


def _lightgbm_tree(block: dict[str, str]) -> _Tree:
    def numbers(name: str, dtype: type) -> NDArray[Any]:
        return np.array(block.get(name, "").split(), dtype=dtype)

    threshold = numbers("threshold", np.float64)
    decision = numbers("decision_type", np.int64)
    missing = decision & _MISSING_TYPE
    if (decision & _CATEGORICAL).any() or (missing == _MISSING_IS_ZERO).any() or block.get("is_linear", "0") != "0":
        raise ValueError("a tree has categorical splits, zeros as missing values, or linear leaves")
    # Where a column had no missing value in training, LightGBM takes NaN for zero.
    missing_left = np.where(missing == _MISSING_IS_NAN, (decision & _DEFAULT_LEFT) != 0, threshold >= 0)
    around_zero = np.where(threshold >= 0, _ZERO, np.nextafter(-_ZERO, -np.inf))
    return _Tree(
        column=numbers("split_feature", np.int64),
        threshold=np.where(np.abs(threshold) <= _ZERO, around_zero, threshold),
        left=numbers("left_child", np.int64),
        right=numbers("right_child", np.int64),
        missing_left=missing_left,
        leaves=numbers("leaf_value", np.float64),
    )


def _read_sklearn(model: Any) -> _TreeSum:
    """A fitted `GradientBoostingRegressor` that starts at a constant, as all do by default."""
    constant = 0.0 if model.init_ == "zero" else float(np.ravel(model.init_.constant_)[0])
    trees = [_sklearn_tree(tree.tree_, model.learning_rate) for tree in model.estimators_[:, 0]]
    return _TreeSum(constant, trees)


def _sklearn_tree(tree: Any, learning_rate: float) -> _Tree:
    """scikit-learn numbers splits and leaves together; here each kind has numbers of its own."""
    split = tree.children_left >= 0
    number = np.where(split, np.cumsum(split) - 1, -np.cumsum(~split))
    return _Tree(
        column=tree.feature[split],
        threshold=tree.threshold[split],
        left=number[tree.children_left[split]],
        right=number[tree.children_right[split]],
        missing_left=tree.missing_go_to_left[split].astype(np.bool_),
        leaves=learning_rate * tree.value[~split, 0, 0],
    )


def _model(
    trees: list[_Tree], target: list[int], factors: list[float], constants: NDArray[np.float64], n_columns: int
) -> ModelProto:
    """The graph; trees are written one after another, with child and leaf numbers shifted accordingly."""
    trees = [_with_a_split(tree) for tree in trees]
    roots = np.cumsum([0] + [len(tree.column) for tree in trees])[:-1]
    first_leaves = np.cumsum([0] + [len(tree.leaves) for tree in trees])[:-1]
    shifts = list(zip(trees, roots, first_leaves, strict=True))
    left = np.concatenate([_shifted(tree.left, root, leaf) for tree, root, leaf in shifts])
    right = np.concatenate([_shifted(tree.right, root, leaf) for tree, root, leaf in shifts])
    weights = np.concatenate([factor * tree.leaves for factor, tree in zip(factors, trees, strict=True)])
    ensemble = helper.make_node(
        "TreeEnsemble",
        [INPUT],
        ["sums"],
        domain=_ML_DOMAIN,
        n_targets=len(constants),
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
        tree_roots=roots,
        nodes_featureids=np.concatenate([tree.column for tree in trees]),
        nodes_splits=_tensor("splits", _rounded_down(np.concatenate([tree.threshold for tree in trees]))),
        nodes_modes=_tensor("modes", np.full(len(left), _LESS_OR_EQUAL, dtype=np.uint8)),
        nodes_missing_value_tracks_true=np.concatenate([tree.missing_left for tree in trees]).astype(np.int64),
        nodes_truenodeids=np.abs(left) - (left < 0),
        nodes_trueleafs=(left < 0).astype(np.int64),
        nodes_falsenodeids=np.abs(right) - (right < 0),
        nodes_falseleafs=(right < 0).astype(np.int64),
        leaf_targetids=np.repeat(target, [len(tree.leaves) for tree in trees]),
        leaf_weights=_tensor("weights", weights.astype(np.float32)),
    )
    addition = helper.make_node("Add", ["sums", "constants"], [OUTPUT])
    graph = helper.make_graph(
        [ensemble, addition],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", n_columns])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", len(constants)])],
        [_tensor("constants", constants.astype(np.float32))],
    )
    opsets = [helper.make_opsetid(_ML_DOMAIN, _ML_OPSET), helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="musicspace")
    checker.check_model(model)
    return model


def _with_a_split(tree: _Tree) -> _Tree:
    """The format knows no tree of a single leaf; one whose only split has that leaf on both sides is the same."""
    if len(tree.column):
        return tree
    one, both = np.zeros(1, dtype=np.int64), np.array([-1])
    return _Tree(one, np.zeros(1), both, both, np.zeros(1, dtype=np.bool_), tree.leaves)


def _shifted(child: NDArray[np.int64], root: int, first_leaf: int) -> NDArray[np.int64]:
    return np.where(child < 0, child - first_leaf, child + root)


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 up to each threshold: for a float32 x, x <= threshold means x <= that number."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _tensor(name: str, values: NDArray[Any]) -> TensorProto:
    return numpy_helper.from_array(values, name)
