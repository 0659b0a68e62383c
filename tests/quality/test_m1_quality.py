"""M1 on the public holdouts: error, honest intervals, no harm from missing fields, speed."""

from pathlib import Path

import numpy as np
import pytest

from models.evaluation import Evaluation, Score, evaluate, mne_eight
from models.predictors.protocol import clip_to_ranges
from models.predictors.ridge import RidgePredictor
from models.predictors.ridge_inputs import HAS_ALBUM, HAS_GENRES, HAS_POPULARITY, pattern_name
from models.registry import load_predictor, shipped_artifacts
from models.training_data import ReferenceTable, read_reference_table

ALL_FIELDS = 7
OPTIONAL_FIELDS = {"album": HAS_ALBUM, "genres": HAS_GENRES, "popularity": HAS_POPULARITY}


@pytest.fixture(scope="module")
def table(shared_data: Path) -> ReferenceTable:
    return read_reference_table(shared_data / "tracks.parquet")


@pytest.fixture(scope="module")
def m1() -> RidgePredictor:
    return RidgePredictor.load(shipped_artifacts())


@pytest.fixture(scope="module")
def evaluation(table: ReferenceTable) -> Evaluation:
    return evaluate(load_predictor("m1"), table)


@pytest.fixture(scope="module")
def complete(table: ReferenceTable, m1: RidgePredictor) -> ReferenceTable:
    """Tracks of the random holdout that have album, genres and popularity."""
    holdout = table.in_fold("random-holdout")
    return holdout.select(m1.inputs.encode(holdout.tracks).pattern == ALL_FIELDS)


@pytest.fixture(scope="module")
def means(table: ReferenceTable, m1: RidgePredictor) -> np.ndarray:
    """Mean of every input over the training tracks that have all fields."""
    train = table.in_fold("train")
    return matrix_of(m1, train.select(m1.inputs.encode(train.tracks).pattern == ALL_FIELDS)).mean(axis=0)


def score(evaluation: Evaluation, fold: str, min_popularity: int | None) -> Score:
    return next(s for s in evaluation.scores if (s.fold, s.min_popularity) == (fold, min_popularity))


def reduced_to(table: ReferenceTable, kept: int) -> ReferenceTable:
    """The same tracks with the optional fields outside the pattern `kept` blanked."""
    reduced = table.select(np.ones(len(table), dtype=np.bool_))
    for field, bit in OPTIONAL_FIELDS.items():
        if not kept & bit:
            setattr(reduced.tracks, field, [[] if field == "genres" else None] * len(table))
    return reduced


@pytest.mark.parametrize(("fold", "bound"), [("random-holdout", 0.113), ("artist-holdout", 0.117)])
def test_error_of_popular_tracks(evaluation: Evaluation, fold: str, bound: float) -> None:
    assert score(evaluation, fold, 50).mne_eight < bound


@pytest.mark.parametrize("fold", ["random-holdout", "artist-holdout"])
def test_error_of_all_tracks_is_well_below_the_global_mean(evaluation: Evaluation, fold: str) -> None:
    everything = score(evaluation, fold, None)
    assert everything.mne_eight < 0.89 * everything.yardstick_eight


@pytest.mark.parametrize("fold", ["random-holdout", "artist-holdout"])
@pytest.mark.parametrize("min_popularity", [None, 50])
def test_intervals_hold_four_fifths_of_the_truth(evaluation: Evaluation, fold: str, min_popularity: int | None) -> None:
    chosen = score(evaluation, fold, min_popularity)
    assert chosen.mean_coverage == pytest.approx(0.8, abs=0.03)
    assert chosen.coverage == pytest.approx([0.8] * 9, abs=0.06)


@pytest.mark.parametrize("fold", ["random-holdout", "artist-holdout"])
@pytest.mark.parametrize("kept", range(ALL_FIELDS), ids=pattern_name)
def test_a_missing_field_does_no_harm(
    table: ReferenceTable, m1: RidgePredictor, means: np.ndarray, fold: str, kept: int
) -> None:
    """The model of what is there beats the model of everything with the missing inputs at their means."""
    holdout = table.in_fold(fold)
    chosen = holdout.select((m1.inputs.encode(holdout.tracks).pattern & kept) == kept)
    own = mne_eight(m1.predict(reduced_to(chosen, kept).tracks).values, chosen.targets)
    assert own <= mne_eight(impute_means(m1, chosen, kept, means), chosen.targets)
    assert own < 0.98 * mne_eight(table.in_fold("train").targets.mean(axis=0), chosen.targets)


def test_missing_popularity_hardly_matters(complete: ReferenceTable, m1: RidgePredictor) -> None:
    known = mne_eight(m1.predict(complete.tracks).values, complete.targets)
    unknown = mne_eight(m1.predict(reduced_to(complete, HAS_ALBUM + HAS_GENRES).tracks).values, complete.targets)
    assert unknown < known + 0.002


def test_less_knowledge_means_less_confidence(complete: ReferenceTable, m1: RidgePredictor) -> None:
    everything = m1.predict(complete.tracks).confidence.mean()
    nothing = m1.predict(reduced_to(complete, 0).tracks).confidence.mean()
    assert nothing < everything


def test_speed_in_chunks(evaluation: Evaluation) -> None:
    # A tenth of what an idle core does: this guards against a slow path, not against a busy machine.
    assert evaluation.tracks_per_second > 10_000


def impute_means(m1: RidgePredictor, chosen: ReferenceTable, kept: int, means: np.ndarray) -> np.ndarray:
    """Predictions of the all-fields ridge with the columns outside the pattern `kept` at their training means."""
    coefficients = m1.weights.coefficients[ALL_FIELDS].astype(np.float64)
    filled = m1.inputs.columns_of(kept)
    constant = m1.weights.intercepts[ALL_FIELDS] + (means * ~filled) @ coefficients
    return clip_to_ranges((matrix_of(m1, chosen) * filled) @ coefficients + constant)


def matrix_of(m1: RidgePredictor, table: ReferenceTable) -> np.ndarray:
    """The inputs as a dense matrix [n, columns]."""
    encoded = m1.inputs.encode(table.tracks)
    matrix = np.zeros((len(table), encoded.n_columns), dtype=np.float32)
    matrix[encoded.rows, encoded.columns] = encoded.weights
    return matrix
