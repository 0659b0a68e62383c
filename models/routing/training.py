"""Training and publishing of the router that ships: the blend beside simulated look-ups.

It learns from the holdout folds of the reference table, which the blend has not learned from. Everything it knows of
look-ups comes from the simulation; its card says so.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from models.artifacts import Card, publish_artifact
from models.evaluation.errors import mne_eight, normalized_errors, standard_error, track_errors
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.predictors.protocol import OnProgress
from models.registry import load_predictor
from models.routing.learned import NAME, RouterModel
from models.routing.learned_training import DESIGN, OUTER_FOLDS, PARAMETERS, cross_fit, fit_router
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


def train_router(table: ReferenceTable, on_progress: OnProgress, artifacts_dir: Path | None = None) -> TrainedRouter:
    """Train the router on the holdout folds of a reference table, with simulated look-ups.

    Parameters
    ----------
    table
        All of it; the fold `train`, which the blend has learned from, is not used.
    on_progress
        Called after each of the folds that judge it, and at the end.
    artifacts_dir
        Folder of the blend; what ships where `None`.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few rows in the holdout folds.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the blend cannot be loaded.
    """
    rows = table.select(np.isin(table.fold, HOLDOUT_FOLDS))
    if len(rows) < MIN_ROWS:
        reason = f"{table.path} has {len(rows)} rows in its holdout folds; the router needs at least {MIN_ROWS:,}."
        raise PermanentError("invalid-option", reason)
    predictor = load_predictor(BASE, artifacts_dir)
    pair = simulated_pair(predictor.predict(rows.tracks), rows, CONSTANTS)
    steps = OUTER_FOLDS + 1
    judged = cross_fit(pair, rows.targets, rows.tracks.artist, lambda done, _: on_progress(done, steps))
    model = fit_router(pair, rows.targets, rows.tracks.artist)
    on_progress(steps, steps)
    values = {
        BASE: pair.base,
        "simulated look-up": pair.other,
        "divergence": STRATEGIES["divergence"](pair).values,
        "learned, out of sample": judged.routed.values,
    }
    inside = np.abs(judged.routed.values - rows.targets) <= judged.routed.uncertainty
    metrics: dict[str, Any] = {
        **_errors(rows, values),
        "coverage of the 80 % intervals, simulated": round(float(inside.mean()), 3),
        "mean expected gain, simulated": round(float(judged.expected_gain.mean()), 5),
    }
    return TrainedRouter(model, _card(table, len(rows), predictor.version, metrics))


def publish_router(root: Path, trained: TrainedRouter) -> Card:
    """Publish below `root` as the artifact `router`; returns its card."""
    return publish_artifact(root, trained.card, trained.model.write_files)


def _errors(rows: ReferenceTable, values: Mapping[str, Any]) -> dict[str, Any]:
    """MNE on all holdout tracks and on the popular ones."""
    popular = np.array(rows.tracks.popularity, dtype=np.float64) >= BENCHMARK_POPULARITY
    found: dict[str, Any] = {}
    for title, chosen in (("all", np.ones(len(rows), dtype=np.bool_)), ("popular", popular)):
        if chosen.any():
            figures = {name: round(mne_eight(own[chosen], rows.targets[chosen]), 5) for name, own in values.items()}
            found[f"simulated: MNE of eight, {title} tracks ({int(chosen.sum()):,})"] = figures
    gain = track_errors(values[BASE], rows.targets) - track_errors(values["learned, out of sample"], rows.targets)
    found["simulated: MNE gained over the base"] = f"{gain.mean():.5f} ± {standard_error(gain):.5f}"
    by_feature = normalized_errors(values["learned, out of sample"], rows.targets).mean(axis=0)
    found["simulated: normalized error by feature"] = {
        name: round(float(own), 4) for name, own in zip(FEATURE_NAMES, by_feature, strict=True)
    }
    return found


def _card(table: ReferenceTable, n_rows: int, base_version: str, metrics: dict[str, Any]) -> Card:
    return Card(
        name=NAME,
        version=DESIGN,
        created=datetime.now(UTC).date().isoformat(),
        summary=(
            "Learned router: from the blend's estimate and a looked-up one to one of each feature, with its interval, "
            "and the gain to be expected of a look-up. The look-ups it learned from are SIMULATED, by an error model "
            "fitted to published figures; no answer of a real provider was seen. Train it anew on recorded answers "
            "before relying on it."
        ),
        data={
            **table.describe(),
            "folds": ", ".join(HOLDOUT_FOLDS),
            "base": f"{BASE} {base_version}",
            "look-ups": f"simulated, seed {SEED}, see docs/ROUTING.md",
        },
        rows=n_rows,
        features=FEATURE_NAMES,
        metrics=metrics,
        parameters=PARAMETERS,
        libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )
