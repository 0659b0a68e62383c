"""Training of the blend as a whole, on a synthetic table and with everything small."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from core.errors import PermanentError
from core.features import FEATURES, N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import Card, publish_artifact
from models.evaluation import interval_coverage, mne_eight
from models.predictors.blend import judge_training, network_training, training
from models.predictors.blend.runtime import BlendPredictor
from models.predictors.blend.training import MEMORY_FOLDS, MIN_ROWS, STAGE_FOLDS, train
from models.predictors.protocol import Prediction, TrainedPredictor
from models.training_data import ARTIST_GENRES_FILE, ReferenceTable, read_reference_table

N_ROWS, N_TRAIN, N_ARTISTS = 1_000, 800, 60
GENRES = ("folk", "metal", "k-indie", "house", "ambient", "rap")
LOW = np.array([feature.low for feature in FEATURES])
RANGE = np.array([feature.high - feature.low for feature in FEATURES])


@dataclass(frozen=True)
class Outcome:
    """A training and what it reported."""

    trained: TrainedPredictor
    calls: list[tuple[int, int]]

    @property
    def predictor(self) -> BlendPredictor:
        assert isinstance(self.trained.predictor, BlendPredictor)
        return self.trained.predictor


def synthetic(folder: Path, **replaced: object) -> ReferenceTable:
    """Features follow from artist, genre and duration; the random holdout has known artists, the other has none."""
    rng = np.random.default_rng(11)
    fold = np.repeat(["train", "random-holdout", "artist-holdout"], [N_TRAIN, 100, N_ROWS - N_TRAIN - 100])
    artist = np.where(fold == "artist-holdout", N_ARTISTS, 0) + rng.integers(N_ARTISTS, size=N_ROWS)
    of_artist = rng.uniform(-0.25, 0.25, size=(2 * N_ARTISTS, N_FEATURES))
    duration_ms = rng.integers(90_000, 400_000, size=N_ROWS)
    level = 0.3 + 0.4 * (artist % len(GENRES)) / len(GENRES) + duration_ms / 4_000_000
    unit = level[:, None] + of_artist[artist] + rng.normal(0, 0.05, size=(N_ROWS, N_FEATURES))
    columns: dict[str, object] = {
        "track_id": [f"track{row}" for row in range(N_ROWS)],
        "title": [f"Song {row % 37}" for row in range(N_ROWS)],
        "artist": [f"Artist {index:03}" for index in artist],
        "album": [f"Album {row % 4}" if row % 5 else None for row in range(N_ROWS)],
        "genres": [[GENRES[index % len(GENRES)]] if row % 3 else [] for row, index in enumerate(artist)],
        "duration_ms": duration_ms.tolist(),
        "release_year": [1990 + row % 30 if row % 7 else None for row in range(N_ROWS)],
        "explicit": [None if row % 11 == 0 else row % 5 == 0 for row in range(N_ROWS)],
        "popularity": [row % 101 if row % 4 else None for row in range(N_ROWS)],
        "fold": fold.tolist(),
    }
    targets = LOW + RANGE * np.clip(unit, 0, 1)
    columns |= {feature.name: targets[:, at].tolist() for at, feature in enumerate(FEATURES)}
    pyarrow.parquet.write_table(pa.table(columns | replaced), folder / "table.parquet")
    return read_reference_table(folder / "table.parquet")


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Few and small trees, a small network."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VALUES", "COARSE_VALUES", "WIDTHS"):
            growth = getattr(judge_training, name)
            few = replace(growth, trees=25, leaves=7, learning_rate=0.15, min_leaf=10)
            patch.setattr(judge_training, name, few)
        for name in ("FIRST_STAGE", "JUDGE"):
            options = replace(getattr(network_training, name), hidden=(16, 8), epochs=6)
            for module in (network_training, judge_training, training):
                if hasattr(module, name):
                    patch.setattr(module, name, options)
        patch.setattr(network_training, "_BATCH", 64)
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReferenceTable:
    return synthetic(tmp_path_factory.mktemp("blend"))


@pytest.fixture(scope="module")
def outcome(table: ReferenceTable) -> Outcome:
    return train_on(table)


def train_on(table: ReferenceTable) -> Outcome:
    calls: list[tuple[int, int]] = []
    return Outcome(train(table, lambda done, total: calls.append((done, total))), calls)


def write(trained: TrainedPredictor, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    trained.write_files(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same(one: Prediction, other: Prediction) -> None:
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.uncertainty, other.uncertainty)
    np.testing.assert_array_equal(one.confidence, other.confidence)


def assert_usable(prediction: Prediction) -> None:
    assert ((prediction.values >= LOW) & (prediction.values <= LOW + RANGE)).all()
    assert (np.isfinite(prediction.uncertainty) & (prediction.uncertainty > 0)).all()
    assert ((prediction.confidence >= 0) & (prediction.confidence <= 1)).all()


def some(table: ReferenceTable) -> TrackBatch:
    """Known and unknown artists."""
    return table.tracks.take(range(760, 960))


def test_it_learns(outcome: Outcome, table: ReferenceTable) -> None:
    mean = table.in_fold("train").targets.mean(axis=0)
    for fold, share in (("random-holdout", 0.6), ("artist-holdout", 1.0)):
        rows = table.in_fold(fold)
        error = mne_eight(outcome.predictor.predict(rows.tracks).values, rows.targets)
        assert error < share * mne_eight(mean, rows.targets)


def test_the_published_artifact_predicts_the_same(outcome: Outcome, table: ReferenceTable, tmp_path: Path) -> None:
    card = Card("blend", outcome.trained.design, "2026-01-01", "", {}, N_TRAIN, (), {}, outcome.trained.parameters, {})
    published = publish_artifact(tmp_path, card, outcome.trained.write_files)
    loaded = BlendPredictor.load(tmp_path)
    assert (loaded.name, loaded.version) == ("blend", published.version)
    assert_same(loaded.predict(some(table)), outcome.predictor.predict(some(table)))


def test_progress_counts_every_model(outcome: Outcome) -> None:
    total = STAGE_FOLDS + MEMORY_FOLDS + 2 * judge_training.MODELS
    assert outcome.calls == [(done, total) for done in range(1, total + 1)]


def test_training_depends_on_the_training_fold_alone_and_repeats(
    outcome: Outcome, table: ReferenceTable, tmp_path: Path
) -> None:
    again = train_on(table.in_fold("train"))
    first, second = write(outcome.trained, tmp_path / "first"), write(again.trained, tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_too_few_tracks_are_refused_by_the_blend(table: ReferenceTable) -> None:
    few = table.select(np.arange(len(table)) < MIN_ROWS - 1)
    with pytest.raises(PermanentError, match=f"{MIN_ROWS - 1} rows") as caught:
        train_on(few)
    assert caught.value.code == "invalid-option"


def test_popularity_is_no_input(outcome: Outcome, table: ReferenceTable) -> None:
    expected = outcome.predictor.predict(some(table))
    for popularity in (None, 0, 100):
        tracks = some(table)
        tracks.popularity = [popularity] * len(tracks)
        assert_same(outcome.predictor.predict(tracks), expected)


def test_known_artists_get_narrower_intervals(outcome: Outcome, table: ReferenceTable) -> None:
    known, unknown = (outcome.predictor.predict(table.in_fold(f).tracks) for f in ("random-holdout", "artist-holdout"))
    assert (known.uncertainty.mean(axis=0) < unknown.uncertainty.mean(axis=0)).all()
    assert known.confidence.mean() > unknown.confidence.mean() + 0.1


@pytest.mark.parametrize("fold", ["random-holdout", "artist-holdout"])
def test_intervals_hold_about_four_fifths(outcome: Outcome, table: ReferenceTable, fold: str) -> None:
    rows = table.in_fold(fold)
    inside = interval_coverage(outcome.predictor.predict(rows.tracks), rows.targets)
    # The holdout of 100 tracks has few artists, whose errors go together.
    assert inside.mean() == pytest.approx(0.8, abs=0.1)


def test_a_track_gets_the_same_bits_in_any_batch(outcome: Outcome, table: ReferenceTable) -> None:
    tracks = some(table)
    whole = outcome.predictor.predict(tracks)
    for size in (1, 3, 33):
        parts = [outcome.predictor.predict(chunk) for chunk in tracks.chunks(size)]
        np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), whole.values)
        np.testing.assert_array_equal(np.concatenate([part.uncertainty for part in parts]), whole.uncertainty)


def test_a_batch_larger_than_a_step_is_predicted_whole(outcome: Outcome, table: ReferenceTable) -> None:
    whole = outcome.predictor.predict(table.tracks)
    backwards = outcome.predictor.predict(table.tracks.take(range(len(table) - 1, -1, -1)))
    np.testing.assert_array_equal(whole.values, backwards.values[::-1])
    assert outcome.predictor.predict(TrackBatch()).values.shape == (0, N_FEATURES)


def test_the_genres_of_artists_beside_the_table_are_used(tmp_path: Path) -> None:
    table = synthetic(tmp_path)
    names = sorted({name.split(";")[0] for name in table.tracks.artist})
    genres = [["sludge", GENRES[int(name[-3:]) % len(GENRES)]] for name in names]
    pyarrow.parquet.write_table(pa.table({"artist": names, "genres": genres}), tmp_path / ARTIST_GENRES_FILE)
    trained = train_on(table)
    describer = trained.predictor.parts.describer
    assert trained.trained.parameters["artist_genres"]["file"] == ARTIST_GENRES_FILE
    assert "artist:sludge" in describer.vocabulary.terms["tag"]
    own = table.in_fold("artist-holdout").tracks
    own.genres = [[] for _ in own.genres]
    unheard = own.take(range(len(own)))
    unheard.artist = [f"Nobody {name[-3:]}" for name in own.artist]
    truth = table.in_fold("artist-holdout").targets
    with_genres, without = (mne_eight(trained.predictor.predict(tracks).values, truth) for tracks in (own, unheard))
    assert with_genres < without


def test_fields_that_nobody_has_are_done_without_by_the_blend(table: ReferenceTable) -> None:
    bare = table.select(np.ones(len(table), dtype=np.bool_))
    for name in ("release_year", "duration_ms", "album", "genres", "explicit", "popularity"):
        setattr(bare.tracks, name, [[] if name == "genres" else None for _ in range(len(bare))])
    assert_usable(train_on(bare).predictor.predict(some(table)))


def test_a_feature_that_never_varies_does_no_harm(tmp_path: Path) -> None:
    table = synthetic(tmp_path, instrumentalness=[0.0] * N_ROWS)
    predictor = train_on(table).predictor
    assert_usable(predictor.predict(some(table)))
    for network in predictor.parts.first_stage.networks:
        assert all(np.isfinite(weights).all() for weights, _ in network.layers)


def test_a_table_where_no_artist_occurs_twice_can_be_learned_from(tmp_path: Path) -> None:
    table = synthetic(tmp_path, artist=[f"Artist {row:04}" for row in range(N_ROWS)])
    assert_usable(train_on(table).predictor.predict(some(table)))


@pytest.mark.parametrize("artists", [1, 2])
def test_a_table_of_few_artists_is_learned_from_or_refused_in_words(artists: int, tmp_path: Path) -> None:
    table = synthetic(tmp_path, artist=[f"Artist {row % artists:03}" for row in range(N_ROWS)])
    with suppress(PermanentError):
        assert_usable(train_on(table).predictor.predict(some(table)))
