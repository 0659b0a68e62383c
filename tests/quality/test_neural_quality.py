"""The neural predictor on the public holdouts: error, honest intervals, no leakage, both variants, tuning, speed."""

import time
from pathlib import Path

import numpy as np
import pytest

from core.features import FEATURE_NAMES, FEATURES
from models.artifacts import load_artifact
from models.evaluation import Evaluation, Score, evaluate, interval_coverage, mne_eight
from models.predictors.neural.parts import VARIANTS, NeuralParts
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.neural.tuning import TuningOptions, tune
from models.registry import load_predictor, shipped_artifacts
from models.training_data import HOLDOUT_FOLDS, ReferenceTable, read_reference_table

MEGABYTE = 1_000_000
SCALES = np.array([feature.scale for feature in FEATURES])


@pytest.fixture(scope="module")
def table(shared_data: Path) -> ReferenceTable:
    return read_reference_table(shared_data / "tracks.parquet")


@pytest.fixture(scope="module")
def neural() -> NeuralPredictor:
    return NeuralPredictor.load(shipped_artifacts())


@pytest.fixture(scope="module")
def evaluation(table: ReferenceTable, neural: NeuralPredictor) -> Evaluation:
    return evaluate(neural, table)


@pytest.fixture(scope="module")
def holdouts(table: ReferenceTable) -> ReferenceTable:
    return table.select(np.isin(table.fold, HOLDOUT_FOLDS))


def score(evaluation: Evaluation, fold: str, min_popularity: int | None) -> Score:
    return next(s for s in evaluation.scores if (s.fold, s.min_popularity) == (fold, min_popularity))


def blanked(table: ReferenceTable, *names: str) -> ReferenceTable:
    """The same tracks with the given columns unknown."""
    copy = table.select(np.ones(len(table), dtype=np.bool_))
    for name in names:
        setattr(copy.tracks, name, [[] if name == "genres" else None for _ in range(len(copy))])
    return copy


@pytest.mark.parametrize(("fold", "bound"), [("random-holdout", 0.104), ("artist-holdout", 0.110)])
def test_error_of_popular_tracks(evaluation: Evaluation, fold: str, bound: float) -> None:
    assert score(evaluation, fold, 50).mne_eight < bound


@pytest.mark.parametrize("fold", HOLDOUT_FOLDS)
def test_it_is_better_than_m1_on_all_tracks(evaluation: Evaluation, table: ReferenceTable, fold: str) -> None:
    rows = table.in_fold(fold)
    m1 = mne_eight(load_predictor("m1").predict(rows.tracks).values, rows.targets)
    assert score(evaluation, fold, None).mne_eight < m1 - 0.01


@pytest.mark.parametrize("fold", HOLDOUT_FOLDS)
def test_intervals_hold_four_fifths_of_every_feature(evaluation: Evaluation, fold: str) -> None:
    coverage = dict(zip(FEATURE_NAMES, score(evaluation, fold, None).coverage, strict=True))
    assert coverage == pytest.approx(dict.fromkeys(FEATURE_NAMES, 0.8), abs=0.02)


@pytest.mark.parametrize("names", [("genres",), ("release_year", "decade"), ("duration_ms",), ("explicit",)])
def test_a_missing_field_costs_only_what_it_told(
    neural: NeuralPredictor, holdouts: ReferenceTable, names: tuple[str, ...]
) -> None:
    mean = mne_eight(holdouts.targets.mean(axis=0), holdouts.targets)
    complete = mne_eight(neural.predict(holdouts.tracks).values, holdouts.targets)
    missing = mne_eight(neural.predict(blanked(holdouts, *names).tracks).values, holdouts.targets)
    # A quarter of all that is known at most.
    assert complete - 0.001 < missing < complete + 0.25 * (mean - complete)


def test_without_any_field_it_is_no_worse_than_the_mean(neural: NeuralPredictor, holdouts: ReferenceTable) -> None:
    bare = blanked(holdouts, "genres", "release_year", "decade", "duration_ms", "explicit")
    bare.tracks.artist, bare.tracks.title = ["?"] * len(bare), ["?"] * len(bare)
    prediction = neural.predict(bare.tracks)
    assert mne_eight(prediction.values, bare.targets) < 1.02 * mne_eight(bare.targets.mean(axis=0), bare.targets)
    assert prediction.confidence.max() < neural.predict(holdouts.tracks).confidence.mean()


def test_popularity_changes_nothing(neural: NeuralPredictor, holdouts: ReferenceTable) -> None:
    rows = holdouts.select(np.arange(len(holdouts)) < 1_000)
    expected = neural.predict(rows.tracks)
    for popularity in (None, 0, 100):
        rows.tracks.popularity = [popularity] * len(rows)
        neural.cache.clear()
        np.testing.assert_array_equal(neural.predict(rows.tracks).values, expected.values)
        np.testing.assert_array_equal(neural.predict(rows.tracks).uncertainty, expected.uncertainty)


def test_eight_bits_cost_nothing_that_counts(neural: NeuralPredictor, holdouts: ReferenceTable) -> None:
    full, int8 = (NeuralPredictor.load(shipped_artifacts(), variant) for variant in VARIANTS)
    values = [predictor.predict(holdouts.tracks).values for predictor in (full, int8)]
    assert np.abs((values[0] - values[1]) / SCALES).mean() < 0.0005
    errors = [mne_eight(each, holdouts.targets) for each in values]
    assert errors[1] == pytest.approx(errors[0], abs=0.0002)


def test_the_artifact_is_small() -> None:
    files = load_artifact(shipped_artifacts(), "neural").card.files
    assert sum(file.size for file in files.values()) < 12 * MEGABYTE


def test_a_track_gets_the_same_bits_in_any_batch(neural: NeuralPredictor, holdouts: ReferenceTable) -> None:
    tracks = holdouts.tracks.take(range(0, len(holdouts), 20))
    together = neural.predict(tracks)
    for size in (1, 3, 31):
        neural.cache.clear()
        parts = [neural.predict(chunk).values for chunk in tracks.chunks(size)]
        np.testing.assert_array_equal(np.concatenate(parts), together.values)


def test_tuning_to_a_genre_forgets_nothing(table: ReferenceTable, holdouts: ReferenceTable) -> None:
    parts = NeuralParts.read(load_artifact(shipped_artifacts(), "neural"), *VARIANTS)
    result = tune(parts, table, table, lambda done, total: None, TuningOptions(genre="techno"))
    assert result.after["old holdouts"] < result.before["old holdouts"] + 0.001
    assert result.after["new tracks held back"] <= result.before["new tracks held back"] + 0.0005
    inside = interval_coverage(result.predictor.predict(holdouts.tracks), holdouts.targets)
    assert inside.min() > 0.78


def test_speed(neural: NeuralPredictor, holdouts: ReferenceTable) -> None:
    """Far below what an idle core does: this guards against a slow path, not against a busy machine."""
    neural.cache.clear()
    started = time.perf_counter()
    neural.predict(holdouts.tracks)
    assert len(holdouts) / (time.perf_counter() - started) > 1_000
    one = holdouts.tracks.take([0])
    warm = []
    for _ in range(200):
        started = time.perf_counter()
        neural.predict(one)
        warm.append(time.perf_counter() - started)
    assert np.median(warm) < 0.001
