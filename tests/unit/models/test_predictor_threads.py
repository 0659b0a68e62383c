"""One loaded predictor, asked from several threads at once, answers as it does when asked from one."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from core.tracks import TrackBatch
from models.predictors.neural.answers import AnswerCache
from models.predictors.neural.sentences import SentenceTransformersEncoder
from models.registry import PREDICTORS, load_predictor

N_THREADS, N_CHUNKS, CHUNK = 4, 12, 50
ARTISTS = ("Queen", "아이유", "Nobody Known", "Taylor Swift;Ed Sheeran", "", "Miles Davis", "Dua Lipa", "Metallica")
GENRES = (["classic rock"], ["k-pop"], [], ["dance pop", "pop"], ["nothing known"], ["jazz"], ["uk pop"], ["metal"])


@pytest.fixture(autouse=True)
def hasty_switches() -> Iterator[None]:
    """Threads take turns thousands of times as often as usual, so that they meet in the middle of everything."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture(scope="module")
def chunks() -> list[TrackBatch]:
    """Tracks that partly repeat from chunk to chunk, as caches like them."""
    rows = [row % 400 for row in range(N_CHUNKS * CHUNK)]
    tracks = TrackBatch(
        track_id=[str(row) for row in range(len(rows))],
        artist=[ARTISTS[row % len(ARTISTS)] for row in rows],
        title=[f"Song of love {row % 37}" for row in rows],
        album=[f"Live {row % 5}" if row % 3 else None for row in rows],
        genres=[GENRES[row % len(GENRES)] for row in rows],
        duration_ms=[150_000 + row * 500 if row % 4 else None for row in rows],
        release_year=[1960 + row % 60 if row % 5 else None for row in rows],
        explicit=[bool(row % 2) for row in rows],
        popularity=[row % 101 if row % 3 else None for row in rows],
    )
    return list(tracks.chunks(CHUNK))


@pytest.mark.parametrize("name", sorted(PREDICTORS))
def test_four_threads_get_the_answers_of_one(name: str, chunks: list[TrackBatch]) -> None:
    alone, shared = load_predictor(name), load_predictor(name)
    expected = [alone.predict(chunk) for chunk in chunks]
    with ThreadPoolExecutor(N_THREADS) as pool:
        # Twice, so that some threads still fill the caches while others are answered from them.
        got = list(pool.map(shared.predict, chunks * 2))
    for answer, wanted in zip(got, expected * 2, strict=True):
        np.testing.assert_array_equal(answer.values, wanted.values)
        np.testing.assert_array_equal(answer.uncertainty, wanted.uncertainty)
        np.testing.assert_array_equal(answer.confidence, wanted.confidence)


def test_a_small_cache_shared_by_threads_never_mixes_answers_up() -> None:
    cache = AnswerCache(20)

    def ask(start: int) -> bool:
        keys = [((start + step) % 50,) for step in range(30)]
        rows = cache.get_all(keys, lambda new: np.array([[number] for (number,) in new], dtype=np.float32))
        return [int(row[0]) for row in rows] == [number for (number,) in keys]

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert all(pool.map(ask, range(400)))
    assert len(cache) == 20


def test_a_sentence_encoder_is_asked_by_one_thread_at_a_time() -> None:
    class OneAtATime:
        """Breaks where a second caller comes in, as fast tokenizers do."""

        busy = False

        def encode(self, texts: list[str], **options: object) -> np.ndarray:
            assert not self.busy, "Already borrowed"
            self.busy = True
            vectors = np.array([[len(text)] for text in texts])
            self.busy = False
            return vectors

    encoder, together = SentenceTransformersEncoder(OneAtATime()), Barrier(N_THREADS)

    def ask(thread: int) -> list[int]:
        together.wait(10)
        return encoder.encode(["x" * (thread + step) for step in range(200)])[:, 0].astype(int).tolist()

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert list(pool.map(ask, range(N_THREADS))) == [[n + step for step in range(200)] for n in range(N_THREADS)]
