"""Training of M1: the ridge it should be, from the training fold alone, the same every time."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from core.errors import PermanentError
from models.predictors.protocol import TrainedPredictor
from models.predictors.ridge import RidgePredictor
from models.predictors.ridge_inputs import N_PATTERNS, pattern_name
from models.predictors.ridge_training import train
from models.training_data import ReferenceTable


def write(trained: TrainedPredictor, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    trained.write_files(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_table_gives_the_same_bytes(
    reference_table: ReferenceTable, trained_m1: TrainedPredictor, tmp_path: Path
) -> None:
    again = train(reference_table, lambda done, total: None)
    assert write(again, tmp_path / "again") == write(trained_m1, tmp_path / "first")


def test_only_the_training_fold_is_learned_from(
    reference_table: ReferenceTable, trained_m1: TrainedPredictor, tmp_path: Path
) -> None:
    alone = train(reference_table.in_fold("train"), lambda done, total: None)
    assert write(alone, tmp_path / "alone") == write(trained_m1, tmp_path / "first")


def test_every_pattern_is_the_ridge_of_scikit_learn(
    reference_table: ReferenceTable, trained_m1: TrainedPredictor
) -> None:
    predictor, table = trained_m1.predictor, reference_table.in_fold("train")
    assert isinstance(predictor, RidgePredictor)
    encoded = predictor.inputs.encode(table.tracks)
    matrix = csr_matrix((encoded.weights, (encoded.rows, encoded.columns)), (len(table), encoded.n_columns)).toarray()
    for pattern in range(N_PATTERNS):
        columns = predictor.inputs.columns_of(pattern)
        rows = (encoded.pattern & pattern) == pattern
        alpha = trained_m1.parameters["alpha_by_available_fields"][pattern_name(pattern)]
        expected = Ridge(alpha=alpha).fit(matrix[rows][:, columns], table.targets[rows].astype(np.float64))
        weights = predictor.weights
        np.testing.assert_allclose(weights.coefficients[pattern][columns], expected.coef_.T, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(weights.intercepts[pattern], expected.intercept_, rtol=1e-3, atol=1e-3)


def test_progress_covers_every_pattern(reference_table: ReferenceTable) -> None:
    calls: list[tuple[int, int]] = []
    train(reference_table, lambda done, total: calls.append((done, total)))
    assert calls == [(done, N_PATTERNS) for done in range(1, N_PATTERNS + 1)]


def test_fields_that_nobody_has_are_done_without(reference_table: ReferenceTable) -> None:
    bare = reference_table.select(np.ones(len(reference_table), dtype=np.bool_))
    bare.tracks.album, bare.tracks.popularity = [None] * len(bare), [None] * len(bare)
    predictor = train(bare, lambda done, total: None).predictor
    assert np.isfinite(predictor.predict(reference_table.tracks).values).all()


def test_too_few_tracks_are_refused(reference_table: ReferenceTable) -> None:
    few = reference_table.select(np.arange(len(reference_table)) < 99)
    with pytest.raises(PermanentError, match="99 rows"):
        train(few, lambda done, total: None)
