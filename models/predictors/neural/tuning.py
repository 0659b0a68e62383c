"""Continual learning: the heads of a trained network learn from a new table, or from one genre of it.

The trunk stays as it is, so its activations are computed once, with ONNX Runtime, and nine small heads learn on them
at a low rate for a few epochs. A tuned model that forgot is refused: its error on the holdouts of the table it was
first trained on must not grow by more than a tolerance.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import PermanentError
from models.artifacts import Card, load_artifact, publish_artifact
from models.evaluation import interval_coverage, mne_eight
from models.predictors.intervals import conformal_quantile
from models.predictors.neural.export import heads_of, with_heads
from models.predictors.neural.inputs import NetworkInputs
from models.predictors.neural.loop import multi_task_loss, single_thread
from models.predictors.neural.network import head_features
from models.predictors.neural.parts import VARIANTS, NeuralParts
from models.predictors.neural.runtime import NAME, NeuralPredictor
from models.predictors.protocol import OnProgress
from models.tfidf import words
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable

MIN_ROWS = 100
# One artist in five is kept from the heads: the intervals are checked on their tracks.
_CALIBRATION_SHARE = 5


@dataclass(frozen=True, slots=True)
class TuningOptions:
    """How gently to learn, and how much may be forgotten."""

    epochs: int = 3
    learning_rate: float = 1e-4
    batch_size: int = 256
    clip_norm: float = 1.0
    seed: int = 42
    genre: str | None = None  #: Only tracks with a genre that has all words of this one: "jazz" takes "vocal jazz" too
    tolerance: float = 0.002  #: Largest growth of the MNE of eight on the old holdouts


@dataclass(frozen=True, slots=True)
class TuningResult:
    """The tuned predictor, and the MNE of eight before and after on each set of tracks, by name."""

    predictor: NeuralPredictor
    rows: int
    before: dict[str, float]
    after: dict[str, float]
    coverage: dict[str, float]  #: Share of true values inside the 80 % intervals, after
    widened: list[float]  #: Factor on the half-widths of each feature


class ForgettingError(PermanentError):
    """Tuning made the model worse on what it knew; nothing was published."""


def tune(
    parts: NeuralParts,
    table: ReferenceTable,
    reference: ReferenceTable,
    on_progress: OnProgress,
    options: TuningOptions | None = None,
) -> TuningResult:
    """Fine-tune the heads.

    Parameters
    ----------
    parts
        The trained model, with all variants.
    table
        What to learn from: its fold `train`, or those of its tracks that have `options.genre`.
    reference
        The table of the first training; its holdout folds tell what was forgotten.
    on_progress
        Called after each epoch.

    Raises
    ------
    PermanentError
        `invalid-option`: too few tracks to learn from, or a reference without holdout folds.
    ForgettingError
        `invalid-option`: the error on the old holdouts grew by more than `options.tolerance`.
    """
    chosen = options or TuningOptions()
    old = reference.select(np.isin(reference.fold, HOLDOUT_FOLDS))
    if not len(old):
        raise PermanentError("invalid-option", f"{reference.path} has no holdout folds to check forgetting on.")
    domain = _of_genre(table, chosen.genre)
    rows = domain.in_fold(TRAIN_FOLD)
    if len(rows) < MIN_ROWS:
        which = f" of the genre {chosen.genre!r}" if chosen.genre else ""
        reason = f"{table.path} has {len(rows)} training rows{which}; tuning needs at least {MIN_ROWS}."
        raise PermanentError("invalid-option", reason)
    held_back = _calibration_mask(rows, chosen.seed)
    start = NeuralPredictor(parts, "start", "full")
    learned = _tuned_heads(start, rows.select(~held_back), on_progress, chosen)
    tuned, widened = _with_honest_intervals(_replaced(parts, *learned), rows.select(held_back))
    sets = {"old holdouts": old, "new tracks held back": rows.select(held_back)}
    sets |= {f"new {fold}": part for fold in HOLDOUT_FOLDS if len(part := domain.in_fold(fold))}
    predictor = NeuralPredictor(tuned, "tuned")
    before, after = (_errors(p, sets) for p in (NeuralPredictor(parts, "start"), predictor))
    if (growth := after["old holdouts"] - before["old holdouts"]) > chosen.tolerance:
        allowed = f"at most {chosen.tolerance:g} is allowed. Use fewer epochs or a lower learning rate"
        raise ForgettingError("tuning-refused", f"The error on the old holdouts grew by {growth:.4f}; {allowed}.")
    coverage = {
        name: float(interval_coverage(predictor.predict(part.tracks), part.targets).mean())
        for name, part in sets.items()
    }
    return TuningResult(predictor, len(rows), before, after, coverage, widened)


def tune_artifact(
    source: Path,
    table: ReferenceTable,
    reference: ReferenceTable,
    out: Path,
    on_progress: OnProgress,
    options: TuningOptions | None = None,
) -> tuple[Card, TuningResult]:
    """Tune the artifact `neural` below `source` and publish the outcome below `out`; raises as `tune` does."""
    chosen = options or TuningOptions()
    artifact = load_artifact(source, NAME)
    result = tune(NeuralParts.read(artifact, *VARIANTS), table, reference, on_progress, chosen)
    return publish_artifact(out, _card(artifact.card, table, result, chosen), result.predictor.write_files), result


def _of_genre(table: ReferenceTable, genre: str | None) -> ReferenceTable:
    if genre is None:
        return table
    wanted = set(words(genre))
    has = [any(wanted <= set(words(name)) for name in genres) for genres in table.tracks.genres]
    return table.select(np.array(has, dtype=np.bool_) & bool(wanted))


def _calibration_mask(rows: ReferenceTable, seed: int) -> NDArray[np.bool_]:
    """Which tracks are kept from the heads, [n], whole artists at a time."""
    _, artist = np.unique([name.partition(";")[0] for name in rows.tracks.artist], return_inverse=True)
    group = np.random.default_rng(seed).permutation(artist.max() + 1) % _CALIBRATION_SHARE
    mask = np.asarray(group[artist] == 0)
    # All of one artist: single tracks will have to do.
    return mask if not mask.all() else np.arange(len(rows)) % _CALIBRATION_SHARE == 0


def _tuned_heads(
    start: NeuralPredictor, rows: ReferenceTable, on_progress: OnProgress, options: TuningOptions
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight [9, 128] and bias [9] after learning from the rows.

    No weight decay: it would pull towards zero, away from what the heads know.
    """
    trunk = torch.from_numpy(start.run(NetworkInputs.of(rows.tracks))[1])
    targets = torch.from_numpy(rows.targets)
    weight, bias = (torch.from_numpy(array) for array in heads_of(start.parts.networks["full"].onnx))
    parameters = [weight.requires_grad_(), bias.requires_grad_()]
    optimizer = torch.optim.AdamW(parameters, lr=options.learning_rate, weight_decay=0.0)
    rng = np.random.default_rng(options.seed)
    with single_thread():
        for epoch in range(options.epochs):
            order = torch.from_numpy(rng.permutation(len(rows)))
            for begin in range(0, len(rows), options.batch_size):
                batch = order[begin : begin + options.batch_size]
                optimizer.zero_grad()
                values = head_features(torch.nn.functional.linear(trunk[batch], weight, bias))
                multi_task_loss(values, targets[batch], "mse").backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(parameters, options.clip_norm)
                optimizer.step()
            on_progress(epoch + 1, options.epochs)
    return weight.detach().numpy(), bias.detach().numpy()


def _replaced(parts: NeuralParts, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> NeuralParts:
    networks = {
        variant: replace(network, onnx=with_heads(network.onnx, weight, bias))
        for variant, network in parts.networks.items()
    }
    return replace(parts, networks=networks)


def _with_honest_intervals(parts: NeuralParts, held_back: ReferenceTable) -> tuple[NeuralParts, list[float]]:
    """Intervals widened where the new tracks need it, and the factor of each feature.

    Never narrowed: a few new tracks that happen to be easy say nothing of the old ones.
    """
    prediction = NeuralPredictor(parts, "uncalibrated").predict(held_back.tracks)
    ratios = np.abs(prediction.values - held_back.targets) / np.maximum(prediction.uncertainty, 1e-6)
    factors = np.array([max(1.0, conformal_quantile(column.astype(np.float64))) for column in ratios.T])
    half_widths = parts.intervals.half_widths * factors.astype(np.float32)[:, None]
    return replace(parts, intervals=replace(parts.intervals, half_widths=half_widths)), [
        round(float(factor), 4) for factor in factors
    ]


def _errors(predictor: NeuralPredictor, sets: dict[str, ReferenceTable]) -> dict[str, float]:
    return {name: mne_eight(predictor.predict(part.tracks).values, part.targets) for name, part in sets.items()}


def _card(old: Card, table: ReferenceTable, result: TuningResult, options: TuningOptions) -> Card:
    which = f" of the genre {options.genre}" if options.genre else ""
    tuning: dict[str, Any] = {
        "started from": old.version,
        "rows": result.rows,
        "genre": options.genre or "all",
        "epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "tolerance": options.tolerance,
        "half-widths multiplied by": result.widened,
    }
    changes = {
        name: {
            "MNE of eight before": round(result.before[name], 5),
            "MNE of eight after": round(result.after[name], 5),
            "coverage of the 80 % interval": round(result.coverage[name], 3),
        }
        for name in result.before
    }
    return replace(
        old,
        version=f"{old.version.partition('-')[0]}-tuned",
        created=datetime.now(UTC).date().isoformat(),
        summary=f"{old.summary} Heads tuned on {result.rows:,} tracks{which} of {table.path.name}.",
        data={"first training": dict(old.data), "tuning": table.describe()},
        metrics=changes,
        parameters={**old.parameters, "tuning": tuning},
        files={},
    )
