"""Pairs of estimates for the holdout tracks of a reference table: of predictors, of the simulation, of files."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from models.predictors.intervals import prior_uncertainty
from models.predictors.protocol import Prediction
from models.registry import PREDICTORS, load_predictor
from models.routing.protocol import Pair
from models.routing.simulation import simulated_pair
from models.routing.simulation_constants import CONSTANTS
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable
from services.routing_evaluation.estimate_tables import SUFFIXES, Estimates, read_estimates

SIMULATED = "simulated"
#: What is evaluated where nothing is named. The first is the study's setting.
DEFAULT_PAIRS = ("m1,simulated", "blend,simulated", "m1,blend", "neural,blend")


@dataclass(frozen=True, slots=True)
class Study:
    """Two estimates of each of n holdout tracks, and the truth."""

    base: str
    other: str
    table: ReferenceTable
    pair: Pair

    @property
    def simulated(self) -> bool:
        """Whether no such look-up ever took place."""
        return self.other == SIMULATED

    @property
    def title(self) -> str:
        """What the tables say of it."""
        return f"{self.base} with {'simulated look-ups' if self.simulated else self.other}"


class Sources:
    """Reads what a pair names, each once."""

    def __init__(self, table: ReferenceTable, artifacts_dir: Path) -> None:
        self.holdouts = table.select(np.isin(table.fold, HOLDOUT_FOLDS))
        if not len(self.holdouts):
            raise PermanentError("invalid-option", f"{table.path} has no holdout folds to evaluate on.")
        self._prior = prior_uncertainty(table.targets[table.fold == TRAIN_FOLD].astype(np.float64))
        self._artifacts_dir = artifacts_dir
        self.prediction = lru_cache(maxsize=None)(self._predict)

    def study(self, name: str) -> Study:
        """The pair of that name, "BASE,OTHER" or `simulated`, on the tracks for which both have something.

        Raises
        ------
        PermanentError
            `invalid-option`: the name is no pair, or both have no track in common.
        """
        base, other = split_pair(name)
        values, unsure = self._estimates(base)
        table = self.holdouts
        known = ~np.isnan(values).any(axis=1)
        unsure = np.where(np.isnan(unsure), self._prior.astype(np.float32), unsure)
        if other == SIMULATED:
            confidence = np.zeros(len(table), dtype=np.float32)
            pair = simulated_pair(Prediction(values, unsure, confidence), table, CONSTANTS)
        else:
            found, found_unsure = self._estimates(other)
            pair = Pair(values, unsure, found, found_unsure, table.tracks.genres, table.tracks.popularity)
            known &= ~np.isnan(found).all(axis=1)
        if not known.any():
            reason = f"{base} and {other} have no holdout track of {table.path} in common."
            raise PermanentError("invalid-option", reason)
        rows = np.flatnonzero(known)
        return Study(_short(base), _short(other), table.select(np.asarray(known)), pair.take(rows))

    def _estimates(self, source: str) -> Estimates:
        if source in PREDICTORS:
            prediction = self.prediction(source)
            return prediction.values, prediction.uncertainty
        return read_estimates(Path(source), self.holdouts.tracks.track_id)

    def _predict(self, name: str) -> Prediction:
        return load_predictor(name, self._artifacts_dir).predict(self.holdouts.tracks)


def split_pair(name: str) -> tuple[str, str]:
    """Base and other of "BASE,OTHER"; `simulated` alone is beside m1, as in the study.

    Raises
    ------
    PermanentError
        `invalid-option`: neither is a predictor, `simulated` (the other alone) or a file by its suffix.
    """
    parts = ("m1", SIMULATED) if name.strip() == SIMULATED else tuple(part.strip() for part in name.split(","))
    if len(parts) != 2 or not _is_source(parts[0]) or not (_is_source(parts[1]) or parts[1] == SIMULATED):
        known = ", ".join(sorted(PREDICTORS))
        reason = (
            f"{name!r} is no pair. Write BASE,OTHER: each a predictor ({known}) or a file ({', '.join(SUFFIXES)}), "
            f"OTHER also {SIMULATED!r}."
        )
        raise PermanentError("invalid-option", reason)
    return parts[0], parts[1]


def popular_rows(study: Study, least: int | None) -> NDArray[np.intp]:
    """Rows of tracks known to be at least so popular; all without a bound."""
    if least is None:
        return np.arange(len(study.table))
    return np.flatnonzero(np.array(study.table.tracks.popularity, dtype=np.float64) >= least)


def _is_source(name: str) -> bool:
    return name in PREDICTORS or Path(name).suffix.lower() in SUFFIXES


def _short(source: str) -> str:
    return source if source in PREDICTORS or source == SIMULATED else Path(source).name
