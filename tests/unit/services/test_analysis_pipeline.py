"""The analysis of many files: real processes, and files that break them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from audio.dsp_embedder import DspEmbedder
from core.audio import Segment
from core.audio_settings import AudioSettings
from core.errors import PermanentError, RetryableError
from services.audio_analysis.pipeline import Analyzed, AudioAnalyzer, Failed, analyze_files
from tests.listeners import fragile, quick

RATE_HZ = 22_050
AUDIO = AudioSettings()


def save_tone(path: Path, frequency_hz: float = 220.0, seconds: float = 3.0) -> Path:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    beats = (t * 2 % 1 < 0.1) * np.random.default_rng(0).normal(0, 0.1, len(t))
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * frequency_hz * t) + beats, RATE_HZ)
    return path


def by_name(results: Iterator[Analyzed[str] | Failed[str]]) -> dict[str, Analyzed[str] | Failed[str]]:
    listed = list(results)
    assert len({result.key for result in listed}) == len(listed)
    return {result.key: result for result in listed}


def named(*paths: Path) -> list[tuple[str, Path]]:
    return [(path.name, path) for path in paths]


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Watched(DspEmbedder):
    """Remembers the sizes of batches; the first takes a second longer."""

    batch_size = 8

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def embed(self, prepared: object) -> np.ndarray:
        if not self.batches:
            time.sleep(1)
        self.batches.append(len(prepared))  # type: ignore[arg-type]
        return super().embed(prepared)  # type: ignore[arg-type]


def test_each_file_is_analyzed_or_fails_by_itself(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no audio")
    (tmp_path / "empty.wav").touch()
    files = named(
        save_tone(tmp_path / "봄날 – 220.wav"),
        tmp_path / "text.mp3",
        save_tone(tmp_path / "440.flac", 440),
        tmp_path / "empty.wav",
        tmp_path / "missing.wav",
    )
    results = by_name(analyze_files(iter(files), DspEmbedder(), audio=AUDIO, decoders=2))
    codes = {key: result.error.code for key, result in results.items() if isinstance(result, Failed)}
    assert codes == {"text.mp3": "audio-unreadable", "empty.wav": "audio-empty", "missing.wav": "file-not-found"}
    for name in ("봄날 – 220.wav", "440.flac"):
        result = results[name]
        assert isinstance(result, Analyzed)
        assert result.space == DspEmbedder.space
        assert result.description.duration_s == pytest.approx(3, abs=0.01)
        assert set(result.vectors) == set(Segment)
        for vector in result.vectors.values():
            assert vector.shape == (DspEmbedder.dimensions,)
            assert vector.dtype == np.float32
            assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_nothing_to_analyze() -> None:
    assert list(analyze_files([], DspEmbedder(), audio=AUDIO, decoders=1)) == []


def test_processes_that_crash_and_hang_cost_their_own_file_alone(tmp_path: Path) -> None:
    good = [save_tone(tmp_path / f"good-{number}.wav", 200 + 50 * number) for number in range(4)]
    bad = [save_tone(tmp_path / name) for name in ("crash.wav", "hang.wav", "exit.wav", "bug.wav")]
    lucky = save_tone(tmp_path / "crash-once.wav")
    audio = AudioSettings(max_seconds_per_file=10)
    with AudioAnalyzer(DspEmbedder(), audio, decoders=2, listener=fragile) as analyzer:
        results = by_name(analyzer.analyze(named(*bad[:2], *good[:2], lucky, *bad[2:], *good[2:])))
        codes = {key: result.error.code for key, result in results.items() if isinstance(result, Failed)}
        assert codes == {
            "crash.wav": "audio-decoder-crashed",
            "hang.wav": "audio-decoder-crashed",
            "exit.wav": "audio-decoder-crashed",
            "bug.wav": "unexpected",
        }
        assert "SIGSEGV" in str(results["crash.wav"].error)  # type: ignore[union-attr]
        assert "MUSICSPACE_AUDIO__MAX_SECONDS_PER_FILE" in str(results["hang.wav"].error)  # type: ignore[union-attr]
        assert "nobody expected this" in str(results["bug.wav"].error)  # type: ignore[union-attr]
        again = by_name(analyzer.analyze(named(*good)))
        assert {key for key, result in again.items() if isinstance(result, Analyzed)} == {path.name for path in good}


def test_a_batch_holds_windows_of_many_files() -> None:
    embedder = Watched()
    files = [(number, Path(str(number))) for number in range(20)]
    with AudioAnalyzer(embedder, AUDIO, decoders=2, listener=quick) as analyzer:
        results = list(analyzer.analyze(files))
    assert len(results) == 20
    assert sum(embedder.batches) == 60
    # The first has what was there first; the others filled up while it lasted.
    assert len(embedder.batches) <= 12
    assert max(embedder.batches) >= embedder.batch_size


def test_vectors_do_not_depend_on_company_or_order() -> None:
    files = [(str(number), Path(str(number))) for number in range(12)]

    def vectors(files: list[tuple[str, Path]], decoders: int) -> dict[str, np.ndarray]:
        with AudioAnalyzer(DspEmbedder(), AUDIO, decoders=decoders, listener=quick) as analyzer:
            return {result.key: result.vectors[Segment.FULL] for result in analyzer.analyze(files)}  # type: ignore[union-attr]

    alone, together = vectors(files, 1), vectors(files[::-1], 3)
    assert alone.keys() == together.keys()
    for key, vector in alone.items():
        np.testing.assert_allclose(vector, together[key], atol=1e-6)


def test_few_files_are_begun_before_the_device_is_through() -> None:
    embedder = Watched()
    begun: list[int] = []

    def files() -> Iterator[tuple[int, Path]]:
        for number in range(500):
            begun.append(number)
            yield number, Path(str(number))

    with AudioAnalyzer(embedder, AUDIO, decoders=2, listener=quick) as analyzer:
        results = analyzer.analyze(files())
        next(results)
        # Three windows a file: what waits for the device, what is on it, and what two processes hold.
        assert len(begun) < 30
        assert sum(1 for _ in results) == 499


def test_an_early_end_stops_decoding_at_once_and_leaves_the_analyzer_usable() -> None:
    with AudioAnalyzer(DspEmbedder(), AUDIO, decoders=2, listener=quick) as analyzer:
        results = analyzer.analyze([(0, Path("a")), (1, Path("hang")), (2, Path("b"))])
        next(results)
        begin = time.monotonic()
        results.close()
        assert time.monotonic() - begin < 2
        assert [result.key for result in analyzer.analyze([(7, Path("c"))])] == [7]


def test_an_embedder_that_fails_ends_the_call_with_its_error() -> None:
    class Broken(DspEmbedder):
        def embed(self, prepared: object) -> np.ndarray:
            raise RetryableError("device-out-of-memory", "none left")

    with AudioAnalyzer(Broken(), AUDIO, decoders=1, listener=quick) as analyzer:
        for _ in range(2):
            with pytest.raises(RetryableError, match="none left"):
                list(analyzer.analyze([(0, Path("a")), (1, Path("b"))]))


def test_an_error_of_the_list_of_files_ends_the_call() -> None:
    def files() -> Iterator[tuple[int, Path]]:
        yield 0, Path("a")
        raise PermanentError("file-not-found", "the list broke off")

    analyzer = AudioAnalyzer(DspEmbedder(), AUDIO, decoders=1, listener=quick)
    with analyzer, pytest.raises(PermanentError, match="broke off"):
        list(analyzer.analyze(files()))


def test_no_process_is_left_behind() -> None:
    before = set(psutil.Process().children(recursive=True))
    with AudioAnalyzer(DspEmbedder(), AUDIO, decoders=2, listener=quick) as analyzer:
        results = analyzer.analyze([(0, Path("a")), (1, Path("hang"))])
        next(results)
        assert len(set(psutil.Process().children(recursive=True)) - before) == 2
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_process_that_dies_idle_or_gets_an_interrupt_costs_nothing() -> None:
    before = set(psutil.Process().children(recursive=True))
    with AudioAnalyzer(DspEmbedder(), AUDIO, decoders=2, listener=quick) as analyzer:
        assert len(list(analyzer.analyze([(number, Path(str(number))) for number in range(8)]))) == 8
        first, second = set(psutil.Process().children(recursive=True)) - before
        first.send_signal(signal.SIGINT)
        first.send_signal(signal.SIGTERM)
        second.kill()
        results = list(analyzer.analyze([(number, Path(str(number))) for number in range(8)]))
        assert all(isinstance(result, Analyzed) for result in results)
        assert first.is_running()


def test_processes_die_with_a_parent_that_is_killed() -> None:
    code = (
        "from pathlib import Path\n"
        "from audio.dsp_embedder import DspEmbedder\n"
        "from core.audio_settings import AudioSettings\n"
        "from services.audio_analysis.pipeline import AudioAnalyzer\n"
        "from tests.listeners import quick\n"
        "with AudioAnalyzer(DspEmbedder(), AudioSettings(), decoders=2, listener=quick) as analyzer:\n"
        "    for result in analyzer.analyze([(1, Path('a')), (2, Path('hang')), (3, Path('hang'))]):\n"
        "        print(result.key, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"1\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) == 2
        parent.kill()
    assert eventually(lambda: not any(child.is_running() for child in children))
