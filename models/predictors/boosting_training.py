"""Training of M2: one boosted model per feature, and intervals from tracks that the models had not seen.

There are two sets of cross-validation folds. One keeps the tracks of an artist together and tells how far off M2 is for
new artists; one spreads them and tells it for known ones. Everything is learned from the fold `train` alone, with fixed
seeds. Models grow side by side, each on one thread: the same table gives the same trees on any number of cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingRegressor

from core.errors import PermanentError
from core.features import N_FEATURES
from core.side_by_side import side_by_side
from core.tracks import TrackBatch
from models.predictors.boosting import BoostingModel, BoostingPredictor, M2GbrPredictor, M2Predictor
from models.predictors.boosting_inputs import KNOWS_ARTIST, N_STRATA, BoostingInputs, artist_codes
from models.predictors.folds import SEED, artist_folds, track_folds
from models.predictors.intervals import N_BINS, IntervalTable, prior_uncertainty
from models.predictors.protocol import OnProgress, TrainedPredictor, clip_to_ranges
from models.tfidf import fit_tfidf
from models.training_data import TRAIN_FOLD, ReferenceTable
from models.tree_export import export_trees

#: Version of the method; changes when the same table would give another model.
DESIGN = "2"
ARTIST_TERMS, TITLE_TERMS = 1_000, 500
MIN_ROWS = 100
#: Fewer than M1 has: its ridges are all but free, trees are not.
CV_FOLDS = 3

_LIGHTGBM_TREES = 150
_LIGHTGBM = {
    # The mean normalized error is one of absolute errors.
    "objective": "regression_l1",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "max_bin": 63,
    "feature_pre_filter": False,
    "seed": SEED,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
# The platform's, but for the loss: trees grown on squared errors have a sixth more of the benchmark's error. Half of
# the rows for each tree and 30 % of the columns for each split take a third of the time, at the same error; then a
# leaf needs a least number of tracks, or small tables are learned by heart.
_SCIKIT_LEARN = {
    "loss": "absolute_error",
    "n_estimators": 100,
    "learning_rate": 0.1,
    "max_depth": 5,
    "min_samples_leaf": 20,
    "subsample": 0.5,
    "max_features": 0.3,
}


@dataclass(frozen=True, slots=True)
class _Method:
    """One way to grow the trees of a feature."""

    predictor: type[BoostingPredictor]
    made_with: str
    grow: Callable[[Any, NDArray[np.float64]], Any]  #: From inputs [n, c] and one target [n] to a fitted model
    predict: Callable[[Any, Any], NDArray[np.float64]]  #: From a fitted model and inputs [n, c] to values [n]
    parameters: dict[str, Any]


def train(table: ReferenceTable, on_progress: OnProgress) -> TrainedPredictor:
    """Train `m2`, with LightGBM, on the fold `train` of a reference table.

    Parameters
    ----------
    table
        All of it; other folds are ignored.
    on_progress
        Called after each model that is grown: nine, for each fold of both cross-validations and once for good.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few training rows.
    """
    parameters = {"trees_per_feature": _LIGHTGBM_TREES, **_LIGHTGBM}
    return _train(_Method(M2Predictor, "lightgbm", _grow_lightgbm, _predict_lightgbm, parameters), table, on_progress)


def train_gbr(table: ReferenceTable, on_progress: OnProgress) -> TrainedPredictor:
    """Train `m2-gbr`, with scikit-learn; everything else is as for `train`."""
    parameters = {**_SCIKIT_LEARN, "seed": SEED}
    method = _Method(M2GbrPredictor, "scikit-learn", _grow_scikit_learn, _predict_scikit_learn, parameters)
    return _train(method, table, on_progress)


def fit_inputs(tracks: TrackBatch) -> BoostingInputs:
    """Learn the vocabularies from training tracks."""
    artist, title = fit_tfidf(tracks.artist, ARTIST_TERMS), fit_tfidf(tracks.title, TITLE_TERMS)
    return BoostingInputs(artist, title, artist_codes(tracks.artist))


def _grow_lightgbm(columns: Any, target: NDArray[np.float64]) -> Any:
    return lightgbm.train(_LIGHTGBM, lightgbm.Dataset(columns, target), _LIGHTGBM_TREES)


def _predict_lightgbm(model: Any, columns: Any) -> NDArray[np.float64]:
    # LightGBM keeps the number of threads for the whole process: it must be the same here as for growing.
    return np.asarray(model.predict(columns, num_threads=_LIGHTGBM["num_threads"]))


def _grow_scikit_learn(columns: Any, target: NDArray[np.float64]) -> Any:
    return GradientBoostingRegressor(**_SCIKIT_LEARN, random_state=SEED).fit(columns, target)


def _predict_scikit_learn(model: Any, columns: Any) -> NDArray[np.float64]:
    return np.asarray(model.predict(columns))


def _train(method: _Method, table: ReferenceTable, on_progress: OnProgress) -> TrainedPredictor:
    rows = table.in_fold(TRAIN_FOLD)
    if len(rows) < MIN_ROWS:
        reason = f"{table.path} has {len(rows)} rows in the fold {TRAIN_FOLD!r}; M2 needs at least {MIN_ROWS}."
        raise PermanentError("invalid-option", reason)
    targets = rows.targets.astype(np.float64)
    inputs = fit_inputs(rows.tracks)
    encoded = inputs.encode(rows.tracks)
    columns = csr_matrix((encoded.weights, (encoded.rows, encoded.columns)), (len(rows), encoded.n_columns))
    grower = _Grower(method, columns, targets, on_progress)
    intervals = _intervals(grower, rows.tracks, encoded.strata)
    trees = export_trees([[model] for model in grower.grow()], inputs.n_columns)
    # Fresh inputs: like a worker's, the predictor starts without any text in its caches.
    model = BoostingModel(BoostingInputs.restore(inputs.vocabulary(), inputs.arrays()), trees, intervals)
    return TrainedPredictor(
        method.predictor(model, version=DESIGN),
        DESIGN,
        _summary(method),
        _parameters(method, inputs),
        model.write_files,
    )


@dataclass(slots=True)
class _Grower:
    """Grows the models of all features side by side and reports each."""

    method: _Method
    columns: Any  #: Sparse, [n, c]
    targets: NDArray[np.float64]  #: [n, 9]
    on_progress: OnProgress
    done: int = 0

    def grow(self) -> list[Any]:
        """One model per feature, learned from all rows."""
        return side_by_side(lambda target: self._grow(self.columns, target), self.targets.T, self._report)

    def out_of_fold(self, folds: NDArray[np.intp]) -> NDArray[np.float64]:
        """Predictions [n, 9] of each row by models that have not seen its fold."""
        values = np.empty_like(self.targets)

        def leave_out(case: tuple[int, int]) -> None:
            fold, feature = case
            out = folds == fold
            model = self._grow(self.columns[~out], self.targets[~out, feature])
            values[out, feature] = self.method.predict(model, self.columns[out])

        side_by_side(leave_out, product(range(CV_FOLDS), range(N_FEATURES)), self._report)
        return clip_to_ranges(values).astype(np.float64)

    def _grow(self, columns: Any, target: NDArray[np.float64]) -> Any:
        return self.method.grow(columns, np.ascontiguousarray(target))

    def _report(self, _: int) -> None:
        self.done += 1
        self.on_progress(self.done, N_FEATURES * (2 * CV_FOLDS + 1))


def _intervals(grower: _Grower, tracks: TrackBatch, strata: NDArray[np.intp]) -> IntervalTable:
    """Half-widths for new artists, and for known ones as far as they have other tracks to be known by."""
    _, artist, n_tracks = np.unique(artist_codes(tracks.artist), return_inverse=True, return_counts=True)
    known = n_tracks[artist] > 1
    as_new = grower.out_of_fold(artist_folds(tracks.artist, CV_FOLDS))
    as_known = grower.out_of_fold(track_folds(len(tracks), CV_FOLDS))
    return IntervalTable.fit(
        values=np.concatenate([as_new, as_known[known]]),
        targets=np.concatenate([grower.targets, grower.targets[known]]),
        strata=np.concatenate([strata & ~KNOWS_ARTIST, strata[known] | KNOWS_ARTIST]),
        n_strata=N_STRATA,
        prior=prior_uncertainty(grower.targets),
    )


def _summary(method: _Method) -> str:
    return (
        f"Boosted trees ({method.made_with}) on TF-IDF of artist and title words, one model per feature, with 80 % "
        "intervals from out-of-fold residuals."
    )


def _parameters(method: _Method, inputs: BoostingInputs) -> dict[str, Any]:
    return {
        "artist_terms": len(inputs.artist),
        "title_terms": len(inputs.title),
        "library": f"{method.made_with} {version(method.made_with)}",
        **method.parameters,
        "cv_folds": CV_FOLDS,
        "interval_bins": N_BINS,
    }
