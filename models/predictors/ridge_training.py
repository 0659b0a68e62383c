"""Training of M1: one ridge per availability pattern, solved from Gram matrices, regularized by cross-validation.

Everything is learned from the fold `train` alone, and nothing is drawn at random but the cross-validation folds, whose
seed is fixed: the same table gives the same weights.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.sparse import csr_matrix

from core.errors import PermanentError
from core.features import FEATURES, N_FEATURES
from core.tracks import TrackBatch
from models.predictors.folds import CV_FOLDS, SEED, artist_folds
from models.predictors.intervals import N_BINS, bin_edges, half_widths, prior_uncertainty
from models.predictors.protocol import OnProgress, TrainedPredictor, clip_to_ranges
from models.predictors.ridge import RidgePredictor, RidgeWeights
from models.predictors.ridge_inputs import (
    N_PATTERNS,
    EncodedTracks,
    RidgeInputs,
    Standardizer,
    known_popularity,
    log_durations,
    normalize_genre,
    pattern_name,
)
from models.tfidf import fit_tfidf
from models.training_data import TRAIN_FOLD, ReferenceTable

#: Version of the method; changes when the same table would give another model.
DESIGN = "1"
SUMMARY = (
    "Ridge regression on TF-IDF of artist and album words, genres, duration and popularity, one model per pattern of "
    "available fields, with 80 % intervals from out-of-fold residuals."
)
ARTIST_TERMS, ALBUM_TERMS = 500, 300
MIN_GENRE_COUNT = 20
# A pattern with fewer training rows does without the optional fields.
MIN_ROWS = 100
ALPHAS = (0.3, 1.0, 3.0, 10.0, 30.0)

_SCALES = np.array([feature.scale for feature in FEATURES])


@dataclass(frozen=True, slots=True)
class _Moments:
    """Sums over the rows of X [n, c] and Y [n, 9] that determine a ridge; sums over disjoint rows add up."""

    n: int
    x: NDArray[np.float64]  #: [c]
    y: NDArray[np.float64]  #: [9]
    xx: NDArray[np.float64]  #: [c, c]
    xy: NDArray[np.float64]  #: [c, 9]

    @classmethod
    def of(cls, x: Any, y: NDArray[np.float64]) -> "_Moments":
        sum_x = np.asarray(x.sum(axis=0)).ravel()
        return cls(len(y), sum_x, y.sum(axis=0), (x.T @ x).toarray(), np.asarray(x.T @ y))

    def __add__(self, other: "_Moments") -> "_Moments":
        return _Moments(self.n + other.n, self.x + other.x, self.y + other.y, self.xx + other.xx, self.xy + other.xy)

    def __sub__(self, other: "_Moments") -> "_Moments":
        return _Moments(self.n - other.n, self.x - other.x, self.y - other.y, self.xx - other.xx, self.xy - other.xy)

    def ridge(self, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients [c, 9] and intercepts [9]; the intercept is not penalized."""
        mean_x, mean_y = self.x / self.n, self.y / self.n
        covariance = self.xx - self.n * np.outer(mean_x, mean_x)
        covariance[np.diag_indices_from(covariance)] += alpha
        coefficients = solve(covariance, self.xy - self.n * np.outer(mean_x, mean_y), assume_a="pos")
        return coefficients, mean_y - mean_x @ coefficients


@dataclass(frozen=True, slots=True)
class _PatternFit:
    """The ridge of one availability pattern and its errors on tracks it had not seen."""

    pattern: int  #: Whose columns it uses
    alpha: float
    rows: int
    coefficients: NDArray[np.float64]  #: [columns of the pattern, 9]
    intercepts: NDArray[np.float64]  #: [9]
    edges: NDArray[np.float64]  #: [9, N_BINS - 1]
    widths: NDArray[np.float64]  #: [2, 9, N_BINS]


def train(table: ReferenceTable, on_progress: OnProgress) -> TrainedPredictor:
    """Train M1 on the fold `train` of a reference table.

    Parameters
    ----------
    table
        All of it; other folds are ignored.
    on_progress
        Called after each of the eight patterns.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few training rows.
    """
    rows = table.in_fold(TRAIN_FOLD)
    if len(rows) < MIN_ROWS:
        reason = f"{table.path} has {len(rows)} rows in the fold {TRAIN_FOLD!r}; M1 needs at least {MIN_ROWS}."
        raise PermanentError("invalid-option", reason)
    targets = rows.targets.astype(np.float64)
    inputs = fit_inputs(rows.tracks)
    encoded = inputs.encode(rows.tracks)
    folds = artist_folds(rows.tracks.artist)
    fits: list[_PatternFit] = []
    for pattern in range(N_PATTERNS):
        enough = (encoded.pattern & pattern == pattern).sum() >= MIN_ROWS
        fits.append(_fit_pattern(inputs, encoded, targets, folds, pattern) if enough else fits[0])
        on_progress(pattern + 1, N_PATTERNS)
    # Fresh inputs: like a worker's, the predictor starts without any text in its caches.
    fresh_inputs = RidgeInputs.restore(inputs.vocabulary(), inputs.arrays())
    predictor = RidgePredictor(fresh_inputs, _assemble(inputs, fits, targets), version=DESIGN)
    return TrainedPredictor(predictor, DESIGN, SUMMARY, _parameters(inputs, fits), predictor.write_files)


def fit_inputs(tracks: TrackBatch) -> RidgeInputs:
    """Learn the vocabularies and scales of the inputs from training tracks."""
    genre_counts = Counter(name for genres in tracks.genres for name in {normalize_genre(genre) for genre in genres})
    return RidgeInputs(
        artist=fit_tfidf(tracks.artist, ARTIST_TERMS),
        album=fit_tfidf((album for album in tracks.album if album), ALBUM_TERMS),
        genres=sorted(genre for genre, count in genre_counts.items() if count >= MIN_GENRE_COUNT),
        log_duration=Standardizer.fit(log_durations(tracks)),
        popularity=Standardizer.fit(known_popularity(tracks)),
    )


def _fit_pattern(
    inputs: RidgeInputs, encoded: EncodedTracks, targets: NDArray[np.float64], folds: NDArray[np.intp], pattern: int
) -> _PatternFit:
    """Fit on every track that has the fields of `pattern`, whatever else it has."""
    rows = np.flatnonzero((encoded.pattern & pattern) == pattern)
    entries = encoded.weights.astype(np.float64), (encoded.rows, encoded.columns)
    matrix = csr_matrix(entries, (len(targets), encoded.n_columns))
    x, y = matrix[rows][:, inputs.columns_of(pattern)], targets[rows]
    folds = folds[rows]
    moments = [_Moments.of(x[folds == fold], y[folds == fold]) for fold in range(CV_FOLDS)]
    everything = sum(moments[1:], moments[0])
    unseen = {alpha: _out_of_fold(x, folds, moments, everything, alpha) for alpha in ALPHAS}
    alpha = min(unseen, key=lambda alpha: _mean_normalized_error(unseen[alpha], y))
    values = clip_to_ranges(unseen[alpha]).astype(np.float64)
    edges = bin_edges(values)
    widths = half_widths(values, y, edges, encoded.artist_known[rows])
    return _PatternFit(pattern, alpha, len(rows), *everything.ridge(alpha), edges, widths)


def _out_of_fold(
    x: Any, folds: NDArray[np.intp], moments: list[_Moments], everything: _Moments, alpha: float
) -> NDArray[np.float64]:
    """Predictions [n, 9] of each row by the ridge fitted without its fold."""
    values = np.empty((len(folds), N_FEATURES))
    for fold, left_out in enumerate(moments):
        coefficients, intercepts = (everything - left_out).ridge(alpha)
        values[folds == fold] = x[folds == fold] @ coefficients + intercepts
    return values


def _mean_normalized_error(values: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    return float((np.abs(clip_to_ranges(values) - targets) / _SCALES).mean())


def _assemble(inputs: RidgeInputs, fits: list[_PatternFit], targets: NDArray[np.float64]) -> RidgeWeights:
    """All patterns in the arrays that inference reads."""
    coefficients = np.zeros((N_PATTERNS, inputs.n_columns, N_FEATURES), dtype=np.float32)
    for pattern, fit in enumerate(fits):
        coefficients[pattern, inputs.columns_of(fit.pattern)] = fit.coefficients
    return RidgeWeights(
        coefficients=coefficients,
        intercepts=np.stack([fit.intercepts for fit in fits]).astype(np.float32),
        bin_edges=np.stack([fit.edges for fit in fits]).astype(np.float32),
        half_widths=np.stack([fit.widths for fit in fits]).astype(np.float32),
        prior_uncertainty=prior_uncertainty(targets).astype(np.float32),
    )


def _parameters(inputs: RidgeInputs, fits: list[_PatternFit]) -> dict[str, Any]:
    return {
        "artist_terms": len(inputs.artist),
        "album_terms": len(inputs.album),
        "genres": len(inputs.genres),
        "min_genre_count": MIN_GENRE_COUNT,
        "cv_folds": CV_FOLDS,
        "seed": SEED,
        "interval_bins": N_BINS,
        "alpha_by_available_fields": {pattern_name(pattern): fit.alpha for pattern, fit in enumerate(fits)},
        "rows_by_available_fields": {pattern_name(pattern): fit.rows for pattern, fit in enumerate(fits)},
    }
