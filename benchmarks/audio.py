"""`python -m benchmarks.audio [--repeat N]`: analyze songs on two processes, beside librosa, and time every stage."""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean
from typing import Any

PROCESSES = 2
# Numeric libraries must not start threads of their own: the processes are what is compared. Set before they load.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from rich.box import SIMPLE_HEAD  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from audio.decoding import decode  # noqa: E402
from audio.describing import describe  # noqa: E402
from audio.dsp_embedder import DspEmbedder  # noqa: E402
from audio.roots import find_audio  # noqa: E402
from audio.spectra import ANALYSIS_RATE_HZ, Spectra  # noqa: E402
from core.audio import HEAD_SECONDS, Segment  # noqa: E402
from core.audio_records import to_record  # noqa: E402
from core.audio_settings import AudioSettings  # noqa: E402
from core.settings import get_settings  # noqa: E402
from services.audio_analysis.pipeline import Analyzed, AudioAnalyzer  # noqa: E402
from services.audio_analysis.windows import choose_windows, segment_vectors  # noqa: E402

_SHORTEST_S = 150.0
_MADE_UP_S = 180.0


def songs(folder: Path) -> list[Path]:
    """Real songs of about three minutes where the shared data is, else made-up ones, written into a folder."""
    shared = (get_settings().shared_data_dir or Path("../shared/data")) / "audio" / "songs"
    found = list(find_audio(shared)) if shared.is_dir() else []
    long_enough = [path for path in found if soundfile.info(path).duration >= _SHORTEST_S]
    return long_enough or _made_up(folder)


def _made_up(folder: Path) -> list[Path]:
    """A kick, a snare and chords; one file in each of three formats and two tempos."""
    rate_hz = 44_100
    t = np.arange(round(_MADE_UP_S * rate_hz)) / rate_hz
    paths = []
    for bpm in (100.0, 128.0):
        beat = np.mod(t * bpm / 60, 1) * 60 / bpm
        kick = np.sin(2 * np.pi * 55 * beat) * np.exp(-beat * 20)
        snare = np.random.default_rng(1).normal(0, 0.3, len(t)) * np.exp(-beat * 40) * (np.mod(t * bpm / 60, 2) >= 1)
        roots = np.array([220.0, 174.6, 261.6, 196.0])[(t * bpm / 240).astype(int) % 4]
        chords = sum(np.sin(2 * np.pi * np.cumsum(roots * ratio) / rate_hz) for ratio in (1, 1.26, 1.5))
        left = 0.4 * kick + 0.4 * snare + 0.08 * chords
        stereo = np.stack([left, 0.9 * left], axis=1).astype(np.float32)
        for extension in ("mp3", "ogg", "flac"):
            paths.append(folder / f"{bpm:g}.{extension}")
            with soundfile.SoundFile(paths[-1], "w", rate_hz, 2) as file:
                for start in range(0, len(stereo), rate_hz):
                    file.write(stereo[start : start + rate_hz])
    return paths


def measure_product(paths: list[Path], repeat: int) -> float:
    """Tracks each second through the product's own pipeline, its processes warm, up to the rows to store."""
    embedder = DspEmbedder()
    files = [(f"{turn} {path}", path) for turn in range(repeat) for path in paths]
    with AudioAnalyzer(embedder, AudioSettings(), decoders=PROCESSES) as analyzer:
        list(analyzer.analyze(files[:PROCESSES]))
        started = time.perf_counter()
        for result in analyzer.analyze(files):
            if not isinstance(result, Analyzed):
                raise result.error
            row = (*to_record(result.description), *(vector.tobytes() for vector in result.vectors.values()))
            assert len(row) == 2 + len(Segment)
        return len(files) / (time.perf_counter() - started)


def measure_librosa(paths: list[Path]) -> float:
    """Tracks each second by librosa's own functions, in as many processes."""
    # librosa compiles at its first use; several processes that do so at once can spoil each other's cache.
    with ProcessPoolExecutor(1) as alone:
        alone.submit(librosa_row, paths[0]).result()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(librosa_row, paths[:PROCESSES]))
        started = time.perf_counter()
        rows = list(pool.map(librosa_row, paths))
        return len(rows) / (time.perf_counter() - started)


def librosa_row(path: Path) -> dict[str, Any]:
    """The same list of measures, straightforwardly: of the first two minutes, without intro and outro."""
    import librosa

    y, rate_hz = librosa.load(path, sr=ANALYSIS_RATE_HZ, duration=HEAD_SECONDS)
    tempo, beats = librosa.beat.beat_track(y=y, sr=rate_hz)
    chroma = librosa.feature.chroma_cqt(y=y, sr=rate_hz)
    harmonic, percussive = librosa.effects.hpss(y)
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate_hz))
    return {
        "tempo": float(np.atleast_1d(tempo)[0]),
        "beats": librosa.frames_to_time(beats, sr=rate_hz),
        "key": int(chroma.mean(axis=1).argmax()),
        "percussive": float(np.square(percussive).sum() / (np.square(percussive) + np.square(harmonic)).sum()),
        "onsets": len(librosa.onset.onset_detect(y=y, sr=rate_hz)),
        "brightness": float(librosa.feature.spectral_centroid(y=y, sr=rate_hz).mean()),
        "level": float(librosa.feature.rms(y=y).mean()),
        "embedding": np.concatenate([mel.mean(axis=1), mel.std(axis=1), chroma.mean(axis=1)]),
    }


def stage_seconds(path: Path) -> dict[str, float]:
    """CPU seconds of each stage of one track, in this process."""
    from audio.beats import track_beats
    from audio.key import estimate_key
    from audio.loudness import LoudnessMeter
    from audio.onset_peaks import pick_onsets
    from audio.percussion import percussive_power
    from audio.tempo import estimate_tempo
    from audio.timbre import frame_colors
    from audio.voice import gliding_power

    spent: dict[str, float] = {}

    def timed(name: str, action: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = action()
        spent[name] = time.process_time() - started
        return result

    recording = timed("decode, with loudness", lambda: decode(path))
    stereo = np.repeat(recording.head[:, None], 2, axis=1)
    meter = LoudnessMeter(recording.rate_hz, 2)
    step = recording.rate_hz

    def weigh() -> None:
        for start in range(0, len(stereo), step):
            meter.listen(stereo[start : start + step])

    timed("  of which loudness", weigh)
    y = timed("resample head", lambda: recording.head_at(ANALYSIS_RATE_HZ))
    timed("resample tail", lambda: recording.tail_at(ANALYSIS_RATE_HZ))
    spectra = Spectra(y)
    timed("spectrogram", lambda: spectra.magnitude)
    timed("onset envelopes", lambda: spectra.band_onsets)
    timed("onsets", lambda: pick_onsets(spectra.onset_envelope, spectra.onset_rate_hz))
    timed("low end, brightness, level", lambda: frame_colors(spectra))
    timed("percussive ratio", lambda: percussive_power(spectra))
    timed("vocal presence", lambda: gliding_power(spectra))
    tempo = timed("tempo", lambda: estimate_tempo(spectra))
    timed("beats", lambda: track_beats(spectra, tempo.bpm or 120.0))
    timed("key", lambda: estimate_key(spectra))
    description = timed("all descriptors of head and tail", lambda: describe(recording))
    timed("dsp embedding", lambda: _embed(recording))
    timed("row", lambda: to_record(description))
    return spent


def _embed(recording: Any) -> dict[Segment, Any]:
    embedder, settings = DspEmbedder(), AudioSettings()
    windows = choose_windows(
        recording, embedder.sample_rate_hz, embedder.window_s, settings.intro_seconds, settings.outro_seconds
    )
    vectors = embedder.embed([embedder.prepare(samples) for samples in windows.samples])
    return segment_vectors(windows.members, vectors)


def show(stages: dict[str, float], figures: dict[str, Any]) -> None:
    """Tables for people."""
    console = Console(width=100)
    table = Table("stage", box=SIMPLE_HEAD)
    table.add_column("CPU ms per track", justify="right")
    for name, seconds in stages.items():
        table.add_row(name, f"{seconds * 1e3:,.0f}")
    console.print(table)
    speeds = Table(f"{PROCESSES} processes, {figures['songs']} songs", box=SIMPLE_HEAD)
    speeds.add_column("tracks per second", justify="right")
    speeds.add_row("MusicSpace", f"{figures['tracks_per_second']:.2f}")
    speeds.add_row("librosa", f"{figures['librosa_tracks_per_second']:.3f}")
    console.print(speeds)
    console.print(f"{figures['ratio']:.1f} times as fast as librosa.")


def main() -> None:
    """Measure, print, keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audio", description=__doc__)
    parser.add_argument("--repeat", type=int, default=4, help="How often each song is analyzed.")
    parser.add_argument("--out", type=Path, default=Path("bench-results/audio.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="musicspace-bench-") as folder:
        paths = songs(Path(folder))
        stage_seconds(paths[0])
        by_song = [stage_seconds(path) for path in paths]
        ours, theirs = measure_product(paths, options.repeat), measure_librosa(paths)
    stages = {name: mean(song[name] for song in by_song) for name in by_song[0]}
    figures = {
        "songs": len(paths),
        "tracks_per_second": ours,
        "librosa_tracks_per_second": theirs,
        "ratio": ours / theirs,
        "stage_cpu_seconds": stages,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    show(stages, figures)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
