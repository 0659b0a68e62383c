"""Inference: without torch, the same in any batch, from a cache that never mixes tracks up."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError, PermanentError
from core.tracks import TrackBatch
from models.artifacts import Card, publish_artifact
from models.predictors.neural.answers import AnswerCache
from models.predictors.neural.runtime import NeuralPredictor
from models.predictors.protocol import Prediction, TrainedPredictor
from models.training_data import ReferenceTable


@pytest.fixture(scope="module")
def published(trained_neural: TrainedPredictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("artifacts")
    card = Card("neural", trained_neural.design, "2026-01-01", "", {}, 500, ("energy",), {}, {}, {})
    publish_artifact(root, card, trained_neural.write_files)
    return root


def same(first: Prediction, second: Prediction) -> bool:
    return np.array_equal(first.values, second.values) and np.array_equal(first.uncertainty, second.uncertainty)


def test_a_published_predictor_answers_as_the_trained_one(
    published: Path, neural: NeuralPredictor, reference_table: ReferenceTable
) -> None:
    loaded = NeuralPredictor.load(published)
    assert loaded.variant == neural.variant
    assert same(loaded.predict(reference_table.tracks), neural.predict(reference_table.tracks))


def test_both_variants_load_and_nearly_agree(published: Path, reference_table: ReferenceTable) -> None:
    full, int8 = (NeuralPredictor.load(published, variant) for variant in ("full", "int8"))
    assert (full.variant, int8.variant) == ("full", "int8")
    difference = np.abs(full.predict(reference_table.tracks).values - int8.predict(reference_table.tracks).values)
    assert 0 < difference[:, :7].mean() < 0.002


def test_an_unknown_variant_lists_the_known_ones(published: Path) -> None:
    with pytest.raises(PermanentError, match="full, int8"):
        NeuralPredictor.load(published, "int4")


@pytest.mark.parametrize("variant", ["full", "int8"])
def test_a_track_gets_the_same_bits_in_any_batch(
    published: Path, variant: str, reference_table: ReferenceTable
) -> None:
    tracks = reference_table.tracks.take(range(0, 600, 3))
    together = NeuralPredictor.load(published, variant).predict(tracks)
    for size in (1, 2, 7, 33, 64):
        predictor = NeuralPredictor.load(published, variant)
        parts = [predictor.predict(chunk).values for chunk in tracks.chunks(size)]
        np.testing.assert_array_equal(np.concatenate(parts), together.values)


def test_one_name_with_other_facts_is_another_track(neural: NeuralPredictor) -> None:
    def track(**facts: object) -> TrackBatch:
        return TrackBatch(["1"], ["Blue River"], ["Song 1"], release_year=[2000], **{k: [v] for k, v in facts.items()})

    changes = (
        *({"genres": ["metal"]}, {"genres": ["folk"]}, {"duration_ms": 90_000}, {"duration_ms": 390_000}),
        *({"explicit": True}, {"explicit": False}, {}),
    )
    warm = [neural.predict(track(**facts)).values for facts in changes]
    for facts, values in zip(changes, warm, strict=True):
        neural.cache.clear()
        np.testing.assert_array_equal(neural.predict(track(**facts)).values, values)
    assert len({values.tobytes() for values in warm}) > 4


def test_a_second_call_is_answered_from_the_cache(neural: NeuralPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = TrackBatch(["1"], ["Blue River"], ["Song 1"])
    first = neural.predict(tracks)
    monkeypatch.setattr(neural, "_session", None)
    assert same(neural.predict(tracks), first)


def test_callers_cannot_change_what_is_kept(neural: NeuralPredictor) -> None:
    tracks = TrackBatch(["1", "2"], ["Blue River"] * 2, ["Song 1"] * 2)
    kept = neural.predict(tracks).values.copy()
    neural.predict(tracks).values[:] = -1
    np.testing.assert_array_equal(neural.predict(tracks).values, kept)


def test_the_cache_forgets_what_was_not_asked_for_longest() -> None:
    cache = AnswerCache(2)
    computed: list[tuple[str, ...]] = []

    def compute(keys: list[tuple[str, ...]]) -> np.ndarray:
        computed.extend(keys)
        return np.zeros((len(keys), 18), dtype=np.float32)

    cache.get_all([("a",), ("b",)], compute)
    cache.get_all([("a",), ("a",), ("c",)], compute)
    cache.get_all([("a",), ("b",)], compute)
    assert computed == [("a",), ("b",), ("c",), ("b",)]
    assert len(cache) == 2


def test_more_new_tracks_than_the_cache_holds_are_all_answered() -> None:
    cache = AnswerCache(3)
    answers = cache.get_all([(n,) for n in range(10)], lambda keys: np.array([[n] for (n,) in keys], dtype=np.float32))
    assert [float(row[0]) for row in answers] == list(range(10))
    assert len(cache) == 3


@pytest.mark.parametrize("file", ["model-int8", "tables-int8", "encoding", "numbers"])
def test_a_changed_file_is_refused(
    published: Path, trained_neural: TrainedPredictor, tmp_path: Path, file: str
) -> None:
    card = Card("neural", "1", "2026-01-01", "", {}, 500, ("energy",), {}, {}, {})
    publish_artifact(tmp_path, card, trained_neural.write_files)
    path = next((tmp_path / "neural").glob(f"{file}-????????.*"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ConfigurationError) as caught:
        NeuralPredictor.load(tmp_path, "int8")
    assert caught.value.code == "artifact-corrupt"


def test_inference_loads_no_torch(published: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from core.tracks import TrackBatch\n"
        "from models.predictors.neural.runtime import NeuralPredictor\n"
        "assert 'onnxruntime' not in sys.modules\n"
        f"predictor = NeuralPredictor.load(Path({str(published)!r}))\n"
        "predictor.predict(TrackBatch(['1'], ['Queen'], ['Song']))\n"
        "print([name for name in ('torch', 'onnx', 'scipy', 'sklearn', 'pyarrow') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_process_may_fork_after_loading(neural: NeuralPredictor, reference_table: ReferenceTable) -> None:
    """As prefork workers do: the child of a process that has predicted predicts the same."""
    tracks = reference_table.tracks.take(range(100))
    expected = neural.predict(tracks).values
    neural.cache.clear()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if np.array_equal(neural.predict(tracks).values, expected) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
