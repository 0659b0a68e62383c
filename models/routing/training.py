"""Training and publishing of the router: the blend beside look-ups, simulated or recorded.

It learns from the holdout folds of the reference table, which the blend has not learned from. The router that ships
knows look-ups from the simulation alone; its card says so.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from models.artifacts import Card, publish_artifact
from models.evaluation.errors import mne_eight, normalized_errors, standard_error, track_errors
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.predictors.protocol import FeaturePredictor, OnProgress
from models.registry import load_predictor
from models.routing.answer_error import answer_half_widths
from models.routing.learned import NAME, RouterModel
from models.routing.learned_training import DESIGN, OUTER_FOLDS, PARAMETERS, cross_fit, fit_router
from models.routing.protocol import Pair
from models.routing.simulation import SEED, simulated_pair
from models.routing.simulation_constants import CONSTANTS
from models.routing.strategies import STRATEGIES
from models.training_data import HOLDOUT_FOLDS, ReferenceTable

BASE = "blend"
MIN_ROWS = 1_000
_LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class TrainedRouter:
    """The outcome of a training, ready to be published."""

    model: RouterModel
    card: Card  #: Without files, and with the version of the method alone


@dataclass(frozen=True, slots=True)
class Examples:
    """What a router learns from: n tracks, the two estimates of each, and what the look-ups are."""

    rows: ReferenceTable
    pair: Pair
    kind: str  #: "simulated" or "recorded"
    origin: str  #: For the card


def train_router(
    table: ReferenceTable,
    on_progress: OnProgress,
    artifacts_dir: Path | None = None,
    answers: NDArray[np.float32] | None = None,
) -> TrainedRouter:
    """Train the router on the holdout folds of a reference table.

    Parameters
    ----------
    table
        All of it, n rows; the fold `train`, which the blend has learned from, is not used.
    on_progress
        Called after each of the folds that judge it, and at the end.
    artifacts_dir
        Folder of the blend; what ships where `None`.
    answers
        Recorded look-ups of the table's tracks, [n, 9], NaN where unknown; simulated ones where `None`.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few rows, or answers, in the holdout folds.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the blend cannot be loaded.
    """
    predictor = load_predictor(BASE, artifacts_dir)
    examples = _simulated(table, predictor) if answers is None else _recorded(table, predictor, answers)
    rows, pair = examples.rows, examples.pair
    steps = OUTER_FOLDS + 1
    judged = cross_fit(pair, rows.targets, rows.tracks.artist, lambda done, _: on_progress(done, steps))
    model = fit_router(pair, rows.targets, rows.tracks.artist)
    on_progress(steps, steps)
    values = {
        BASE: pair.base,
        f"{examples.kind} look-up": np.where(np.isnan(pair.other), pair.base, pair.other),
        "divergence": STRATEGIES["divergence"](pair).values,
        "learned, out of sample": judged.routed.values,
    }
    inside = np.abs(judged.routed.values - rows.targets) <= judged.routed.uncertainty
    metrics: dict[str, Any] = {
        **_errors(examples, values),
        f"coverage of the 80 % intervals, {examples.kind}": round(float(inside.mean()), 3),
        f"mean expected gain, {examples.kind}": round(float(judged.expected_gain.mean()), 5),
    }
    return TrainedRouter(model, _card(table, examples, predictor.version, metrics))


def _simulated(table: ReferenceTable, predictor: FeaturePredictor) -> Examples:
    rows = table.select(np.isin(table.fold, HOLDOUT_FOLDS))
    _require_enough(table, len(rows), "rows")
    pair = simulated_pair(predictor.predict(rows.tracks), rows, CONSTANTS)
    return Examples(rows, pair, "simulated", f"simulated, seed {SEED}, see docs/ROUTING.md")


def _recorded(table: ReferenceTable, predictor: FeaturePredictor, answers: NDArray[np.float32]) -> Examples:
    answered = np.isin(table.fold, HOLDOUT_FOLDS) & ~np.isnan(answers).all(axis=1)
    _require_enough(table, int(answered.sum()), "recorded answers")
    rows, other = table.select(answered), answers[answered]
    base = predictor.predict(rows.tracks)
    unsure = np.where(np.isnan(other), np.float32(np.nan), answer_half_widths())
    pair = Pair(base.values, base.uncertainty, other, unsure, rows.tracks.genres, rows.tracks.popularity)
    return Examples(rows, pair, "recorded", f"recorded answers about {len(rows):,} tracks")


def _require_enough(table: ReferenceTable, n: int, what: str) -> None:
    if n < MIN_ROWS:
        reason = f"There are {n:,} {what} of the holdout folds of {table.path}; the router needs at least {MIN_ROWS:,}."
        raise PermanentError("invalid-option", reason)


def publish_router(root: Path, trained: TrainedRouter) -> Card:
    """Publish below `root` as the artifact `router`; returns its card."""
    return publish_artifact(root, trained.card, trained.model.write_files)


def _errors(examples: Examples, values: Mapping[str, Any]) -> dict[str, Any]:
    """MNE on all holdout tracks and on the popular ones."""
    rows, kind = examples.rows, examples.kind
    popular = np.array(rows.tracks.popularity, dtype=np.float64) >= BENCHMARK_POPULARITY
    found: dict[str, Any] = {}
    for title, chosen in (("all", np.ones(len(rows), dtype=np.bool_)), ("popular", popular)):
        if chosen.any():
            figures = {name: round(mne_eight(own[chosen], rows.targets[chosen]), 5) for name, own in values.items()}
            found[f"{kind}: MNE of eight, {title} tracks ({int(chosen.sum()):,})"] = figures
    gain = track_errors(values[BASE], rows.targets) - track_errors(values["learned, out of sample"], rows.targets)
    found[f"{kind}: MNE gained over the base"] = f"{gain.mean():.5f} ± {standard_error(gain):.5f}"
    by_feature = normalized_errors(values["learned, out of sample"], rows.targets).mean(axis=0)
    found[f"{kind}: normalized error by feature"] = {
        name: round(float(own), 4) for name, own in zip(FEATURE_NAMES, by_feature, strict=True)
    }
    return found


_SIMULATED_ONLY = (
    "The look-ups it learned from are SIMULATED, by an error model fitted to published figures; no answer of a real "
    "provider was seen. Train it anew on recorded answers before relying on it."
)


def _card(table: ReferenceTable, examples: Examples, base_version: str, metrics: dict[str, Any]) -> Card:
    return Card(
        name=NAME,
        version=DESIGN,
        created=datetime.now(UTC).date().isoformat(),
        summary=(
            "Learned router: from the blend's estimate and a looked-up one to one of each feature, with its interval, "
            "and the gain to be expected of a look-up. "
            + (_SIMULATED_ONLY if examples.kind == "simulated" else "It learned from recorded answers.")
        ),
        data={
            **table.describe(),
            "folds": ", ".join(HOLDOUT_FOLDS),
            "base": f"{BASE} {base_version}",
            "look-ups": examples.origin,
        },
        rows=len(examples.rows),
        features=FEATURE_NAMES,
        metrics=metrics,
        parameters=PARAMETERS,
        libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )
