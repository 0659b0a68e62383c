"""`python -m benchmarks.clap [--audio-dir DIR]`: CLAP in full size, with random weights, on CUDA where there is one.

Speed does not depend on what the weights are. Beside it, in the same run: transformers as its documentation shows it,
window by window.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from core.audio_settings import AudioSettings
from models.clap.embedder import ClapEmbedder
from models.clap.mel import LogMel
from services.audio_analysis.pipeline import Analyzed, AudioAnalyzer

Floats = NDArray[np.float32]

_RATE_HZ = 48_000
_SUFFIXES = {".mp3", ".ogg", ".flac", ".wav", ".m4a"}


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement; `busy` is the share of the time in which the device calculated."""

    name: str
    n: int
    seconds: float
    busy: float | None = None

    @property
    def per_second(self) -> float:
        """Things each second."""
        return self.n / self.seconds


class TimedEmbedder(ClapEmbedder):
    """Adds up how long the device calculates: by its own clock on CUDA."""

    def __init__(self, model: Any, prepare: LogMel, device: torch.device, dtype: torch.dtype, batch_size: int) -> None:
        self._cpu_s = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        where: dict[str, Any] = {"device": device, "dtype": dtype, "batch_size": batch_size}
        super().__init__(model, prepare, space="clap:random", tokenizer=lambda: None, **where)

    def reset(self) -> None:
        """Begin anew."""
        self._cpu_s = 0.0
        self._events.clear()

    @property
    def busy_s(self) -> float:
        """Seconds of calculation since `reset`."""
        if self._device.type != "cuda":
            return self._cpu_s
        torch.cuda.synchronize(self._device)
        return sum(start.elapsed_time(end) for start, end in self._events) / 1000

    def _audio_features(self, batch: list[Floats]) -> torch.Tensor:
        if self._device.type != "cuda":
            begin = time.perf_counter()
            features = super()._audio_features(batch)
            self._cpu_s += time.perf_counter() - begin
            return features
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        mels = self._audio_input(batch)
        start.record()
        features = self._audio_output(mels)
        end.record()
        self._events.append((start, end))
        return features


def windows(count: int) -> list[Floats]:
    """Ten seconds of noise each."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, 10 * _RATE_HZ).astype(np.float32) for _ in range(count)]


def log_mel(extractor: Any) -> LogMel:
    """What `models.clap.loading` makes of a checkpoint's feature extractor."""
    filters = np.asarray(extractor.mel_filters_slaney, dtype=np.float32)
    return LogMel(_RATE_HZ, extractor.fft_window_size, extractor.hop_length, extractor.nb_max_samples, filters)


def seconds_of(run: Callable[[], Any]) -> float:
    """How long a call takes, the second time."""
    run()
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def measure_preparation(extractor: Any, count: int) -> Iterator[Measured]:
    """Mel spectrograms: the library's, and ours."""
    some = windows(count)
    ours = log_mel(extractor)
    library = seconds_of(lambda: [extractor(y, sampling_rate=_RATE_HZ, return_tensors="pt") for y in some])
    yield Measured("mel, transformers, one core", count, library)
    yield Measured("mel, MusicSpace, one core", count, seconds_of(lambda: [ours(y) for y in some]))


def measure_yardstick(model: Any, extractor: Any, device: torch.device, count: int) -> Measured:
    """Window by window: feature extractor, model, result."""
    model = model.float().to(device).eval()

    def run() -> None:
        for y in windows(count):
            inputs = extractor(y, sampling_rate=_RATE_HZ, return_tensors="pt").to(device)
            with torch.inference_mode():
                model.get_audio_features(**inputs).pooler_output.cpu()

    return Measured(f"yardstick: transformers, one by one, {device.type}, float32", count, seconds_of(run))


def measure_embedding(embedder: TimedEmbedder, count: int) -> Measured:
    """Prepared windows to vectors."""
    prepared = [embedder.prepare(y) for y in windows(min(count, 16))]
    many = [prepared[index % len(prepared)] for index in range(count)]
    embedder.embed(many[: embedder.batch_size])
    embedder.reset()
    begin = time.perf_counter()
    embedder.embed(many)
    seconds = time.perf_counter() - begin
    return Measured(_name("embed", embedder), count, seconds, embedder.busy_s / seconds)


def measure_pipeline(embedder: TimedEmbedder, files: Sequence[Path], decoders: int) -> Iterator[Measured]:
    """Files to descriptors and vectors, by the pipeline of the worker."""
    with AudioAnalyzer(embedder, AudioSettings(), decoders=decoders) as analyzer:
        # Processes are ready, and the device is warm, before the clock starts.
        list(analyzer.analyze([(0, files[0])]))
        embedder.reset()
        done = 0
        begin = time.perf_counter()
        for result in analyzer.analyze(enumerate(files)):
            done += isinstance(result, Analyzed)
        seconds = time.perf_counter() - begin
    yield Measured(_name(f"pipeline: tracks, {decoders} decoders", embedder), done, seconds, embedder.busy_s / seconds)


def _name(what: str, embedder: TimedEmbedder) -> str:
    dtype = str(embedder._dtype).removeprefix("torch.")
    return f"{what}, {embedder._device.type}, {dtype}, batch {embedder.batch_size}"


@contextmanager
def audio_files(folder: Path | None, count: int) -> Iterator[list[Path]]:
    """Files of a folder, as often as it takes, or made-up FLAC files of three minutes."""
    if folder is not None:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        if not found:
            raise SystemExit(f"{folder} holds no audio")
        yield [found[index % len(found)] for index in range(count)]
        return
    with tempfile.TemporaryDirectory(prefix="musicspace-bench-") as made:
        path = Path(made) / "noise.flac"
        t = np.arange(180 * 44_100) / 44_100
        beats = np.exp(-20 * (t % 0.5)) * np.random.default_rng(0).normal(0, 0.2, len(t))
        soundfile.write(path, np.stack([beats + 0.1 * np.sin(2 * np.pi * 220 * t), beats], axis=1), 44_100)
        yield [path] * count


def run_all(options: argparse.Namespace) -> list[Measured]:
    """Everything, on CUDA where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    torch.manual_seed(0)
    model = ClapModel(ClapConfig())
    extractor = ClapFeatureExtractor(truncation="rand_trunc")
    mel = log_mel(extractor)
    count = options.windows or (4096 if on_gpu else 48)
    results = [*measure_preparation(extractor, 8), measure_yardstick(model, extractor, device, 64 if on_gpu else 8)]
    dtypes = [torch.float32, torch.bfloat16, torch.float16] if on_gpu else [torch.float32, torch.bfloat16]
    sizes = (0, 32, 64, 128, 256) if on_gpu else (0, 1, 4, 16)
    for dtype in dtypes:
        model = ClapModel(ClapConfig())
        results += [measure_embedding(TimedEmbedder(model, mel, device, dtype, size), count) for size in sizes]
    best = torch.bfloat16 if on_gpu else torch.float32
    model = ClapModel(ClapConfig())
    with audio_files(options.audio_dir, options.files or (400 if on_gpu else 12)) as files:
        results += measure_pipeline(TimedEmbedder(model, mel, device, best, 0), files, options.decoders)
    return results


def show(results: list[Measured]) -> None:
    """A table for people."""
    table = Table("measurement", box=SIMPLE_HEAD)
    for header in ("n", "seconds", "per second", "device busy"):
        table.add_column(header, justify="right")
    for result in results:
        busy = "" if result.busy is None else f"{result.busy:.0%}"
        table.add_row(result.name, f"{result.n:,}", f"{result.seconds:.2f}", f"{result.per_second:,.1f}", busy)
    Console(width=120).print(table)


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clap", description=__doc__)
    parser.add_argument("--audio-dir", type=Path, help="Audio for the pipeline. Without: made-up tracks.")
    parser.add_argument("--files", type=int, help="Files for the pipeline.")
    parser.add_argument("--windows", type=int, help="Windows for each measurement of the model.")
    parser.add_argument("--decoders", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("bench-results/clap.json"))
    options = parser.parse_args()
    results = run_all(options)
    show(results)
    machine = {"python": platform.python_version(), "torch": torch.__version__, "cores": os.cpu_count()}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figures = {"machine": machine, "results": [asdict(result) for result in results]}
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
