"""M2 and its variant on the public holdouts: error, honest intervals for each feature, size, speed."""

from pathlib import Path

import pytest

from models.evaluation import Evaluation, Score, evaluate
from models.registry import load_predictor, shipped_artifacts
from models.training_data import ReferenceTable, read_reference_table

FOLDS = ("random-holdout", "artist-holdout")
# Mean normalized error of tracks with a popularity of at least 50.
BOUNDS = {"m2": {"random-holdout": 0.113, "artist-holdout": 0.116}, "m2-gbr": dict.fromkeys(FOLDS, 0.1175)}


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> ReferenceTable:
    return read_reference_table(shared_data / "tracks.parquet")


@pytest.fixture(scope="module", params=BOUNDS)
def evaluation(request: pytest.FixtureRequest, reference: ReferenceTable) -> Evaluation:
    return evaluate(load_predictor(request.param), reference)


def score(evaluation: Evaluation, fold: str, min_popularity: int | None) -> Score:
    return next(s for s in evaluation.scores if (s.fold, s.min_popularity) == (fold, min_popularity))


@pytest.mark.parametrize("fold", FOLDS)
def test_m2_error_of_popular_tracks(evaluation: Evaluation, fold: str) -> None:
    assert score(evaluation, fold, 50).mne_eight < BOUNDS[evaluation.predictor][fold]


@pytest.mark.parametrize("fold", FOLDS)
def test_m2_error_of_all_tracks_is_well_below_the_global_mean(evaluation: Evaluation, fold: str) -> None:
    everything = score(evaluation, fold, None)
    assert everything.mne_eight < 0.9 * everything.yardstick_eight


@pytest.mark.parametrize("fold", FOLDS)
def test_m2_intervals_hold_four_fifths_of_the_truth_of_every_feature(evaluation: Evaluation, fold: str) -> None:
    chosen = score(evaluation, fold, None)
    assert chosen.mean_coverage == pytest.approx(0.8, abs=0.01)
    assert chosen.coverage == pytest.approx([0.8] * 9, abs=0.03)


@pytest.mark.parametrize("name", BOUNDS)
def test_m2_artifacts_are_small(name: str) -> None:
    assert sum(path.stat().st_size for path in (shipped_artifacts() / name).iterdir()) < 1_500_000


def test_m2_speed_in_chunks(evaluation: Evaluation) -> None:
    # A tenth of what an idle core does: this guards against a slow path, not against a busy machine.
    assert evaluation.tracks_per_second > 1_000
