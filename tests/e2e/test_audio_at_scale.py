"""Five hundred files, one in ten damaged: every good one is done, every bad one has its code, memory stays flat."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from rendered_audio import render

pytestmark = pytest.mark.slow

N_GOOD, N_BAD = 450, 50
# A process grows while it warms up; after that a file must leave nothing behind.
MAX_GROWTH = 1.15


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Short pieces in several formats and folders, and files that are cut, empty, silent, noise or no audio at all."""
    audio = tmp_path / "음악"
    formats = ("wav", "flac", "ogg", "mp3")
    originals = [
        render(
            tmp_path / f"original {seed}.{formats[seed % 4]}", bpm=90 + 3 * seed, seconds=8, root=seed % 12, seed=seed
        )
        for seed in range(30)
    ]
    for number in range(N_GOOD):
        original = originals[number % len(originals)]
        target = audio / f"disc {number % 7}" / f"곡 {number}{original.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        # Bytes after the end change the content, so that no file passes for a copy of another, and not the music.
        target.write_bytes(original.read_bytes() + number.to_bytes(4, "big"))
    (audio / "bad").mkdir()
    for number in range(N_BAD):
        _write_damaged(audio / "bad", number, originals)
    return audio


def _write_damaged(folder: Path, number: int, originals: list[Path]) -> None:
    original = originals[number % len(originals)]
    kind = number % 5
    if kind == 0:
        (folder / f"empty {number}.mp3").write_bytes(b"")
    elif kind == 1:
        (folder / f"noise {number}.ogg").write_bytes(np.random.default_rng(number).bytes(30_000))
    elif kind == 2:
        (folder / f"cut {number}{original.suffix}").write_bytes(original.read_bytes()[:60])
    elif kind == 3:
        (folder / f"text {number}.flac").write_text(f"not music {number}\n" * 100)
    else:
        render(folder / f"short {number}.wav", seconds=1, seed=number)


def test_five_hundred_files_with_one_in_ten_damaged(folder: Path, tmp_path: Path) -> None:
    first, memory = _build(folder, tmp_path / "index")
    assert (first["analyzed"], first["tracks"]) == (N_GOOD, N_GOOD)
    assert len(first["failed"]) == N_BAD
    assert all(file["path"].startswith("bad/") for file in first["failed"])
    assert all(file["code"].startswith("audio-") and file["message"] for file in first["failed"])
    half = len(memory) // 2
    early, late = np.median(memory[half // 2 : half]), np.median(memory[half:])
    print(f"{first['seconds']:.0f} s, {first['failed_by_code']}, memory {early / 1e6:.0f} -> {late / 1e6:.0f} MB")
    assert late < MAX_GROWTH * early
    second, _ = _build(folder, tmp_path / "index")
    assert (second["analyzed"], second["unchanged"], second["tracks"]) == (0, N_GOOD + N_BAD, N_GOOD)
    assert second["failed"] == first["failed"]
    shutil.rmtree(folder)


def _build(folder: Path, index: Path) -> tuple[dict, list[int]]:
    """Run the command; returns what it tells, and the memory of it and its processes over time."""
    command = [sys.executable, "-m", "cli.main", "dj", "build", "--audio-dir", folder, "--index-dir", index, "--json"]
    environment = os.environ | {"MUSICSPACE_EMBED__EMBEDDER": "dsp"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        samples: list[int] = []
        watch = threading.Thread(target=_watch_memory, args=(running, samples))
        watch.start()
        told, _ = running.communicate(timeout=1500)
        watch.join()
    assert running.returncode == 0
    return json.loads(told), samples


def _watch_memory(running: "subprocess.Popen[str]", samples: list[int]) -> None:
    while running.poll() is None:
        try:
            process = psutil.Process(running.pid)
            tree = [process, *process.children(recursive=True)]
            samples.append(sum(each.memory_info().rss for each in tree))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.2)
