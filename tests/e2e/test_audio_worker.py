"""The worker that listens: killed at work and stopped at work; every file is done once, each bad one has its code."""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fastapi.testclient import TestClient
from rendered_audio import damage, render
from sqlalchemy import text
from system import System, wait_until

from api.app import create_app
from core.audio_settings import AudioSettings
from db.engine import open_session
from db.repositories.audio_reports import sum_results
from db.repositories.jobs import job_progress
from services.audio_analysis.jobs import start_analysis
from services.audio_analysis.work_plan import Mode
from tasks.queues import Queue

GOOD = 9
FILES_PER_ITEM = 4


@pytest.fixture
def music() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="musicspace-music-") as folder:
        for number in range(GOOD):
            render(Path(folder) / f"노래 {number}.flac", bpm=90 + 10 * number, seconds=25, root=number, seed=number)
        yield Path(folder)


@pytest.fixture
def system(music: Path) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="musicspace-audio-") as folder, System(Path(folder)) as started:
        started.environment |= {
            "MUSICSPACE_AUDIO__ROOTS": json.dumps([str(music)]),
            "MUSICSPACE_AUDIO__MIN_TEMPO_CONFIDENCE": "0",
            "MUSICSPACE_EMBED__EMBEDDER": "dsp",
            "MUSICSPACE_EMBED__DECODERS": "2",
            "MUSICSPACE_WORKER__STALL_SECONDS": "4",
        }
        started.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
        started.start_beat()
        yield started


def start_listener(system: System) -> None:
    """Without a concurrency, which Celery then sets to the number of cores although the solo pool takes one task."""
    system.start("gpu", "worker", "--queues=embed", "--pool=solo", "--hostname=gpu@%h", module="workers.gpu")


def add_tracks(system: System, names: list[str]) -> None:
    with open_session(system.urls.database_url) as session:
        session.execute(
            text("""
                INSERT INTO tracks (identity_key, artist, title, audio_uri)
                SELECT name, 'A', name, name FROM unnest(CAST(:names AS text[])) AS name
            """),
            {"names": names},
        )
        session.commit()


def enqueue(system: System, music: Path, mode: Mode = Mode.CHANGED) -> int:
    with open_session(system.urls.database_url) as session:
        audio = AudioSettings(roots=[music], files_per_item=FILES_PER_ITEM)
        job_id, created = start_analysis(session, audio, mode=mode)
        session.commit()
    assert created
    return job_id


def outcome(system: System, job_id: int) -> dict[str, int]:
    def is_done() -> bool:
        with open_session(system.urls.database_url) as session:
            job = job_progress(session, job_id)
        return job is not None and job.finished_at is not None

    wait_until(is_done, 120, "every file to be listened to")
    with open_session(system.urls.database_url) as session:
        return {name: n for name, n in sum_results(session, job_id).items() if n}


def is_running(system: System) -> bool:
    return system.count("SELECT count(*) FROM work_items WHERE state = 'running'") == 1


@pytest.mark.timeout(300)
def test_every_file_is_done_once_through_a_kill_and_a_stop(system: System, music: Path) -> None:
    codes = damage(music)
    add_tracks(system, [path.name for path in sorted(music.iterdir())])
    first = enqueue(system, music)
    start_listener(system)
    wait_until(lambda: is_running(system), 60, "the first item")
    worker = system.worker_parent("gpu")
    assert worker is not None
    wait_until(lambda: bool(worker.children()), 10, "decoders")
    decoders = worker.children(recursive=True)
    worker.kill()
    _, alive = psutil.wait_procs(decoders, timeout=5)
    assert alive == [], "decoders outlive their worker"

    assert outcome(system, first) == {"analyzed": GOOD, "failed": len(codes)}
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'") == 1
    assert system.count("SELECT count(*) FROM work_items WHERE state <> 'done'") == 0
    with open_session(system.urls.database_url) as session:
        failed = session.execute(text("SELECT uri, error_code FROM audio_descriptors WHERE error_code IS NOT NULL"))
        assert {row.uri: row.error_code for row in failed} == codes
        vectors = session.scalar(text("SELECT count(*) FROM embeddings"))
        assert vectors == 3 * GOOD
        revisions = session.scalars(text("SELECT DISTINCT revision FROM track_estimates")).all()
        assert revisions == [1], "nothing was written twice"
        track_id = session.scalar(text("SELECT min(track_id) FROM audio_descriptors WHERE error_code IS NULL"))
    features = TestClient(create_app(system.settings)).get(f"/api/tracks/{track_id}").json()["features"]
    assert {name for name, feature in features.items() if feature["source"] == "audio"} == {"tempo", "loudness"}
    assert features["tempo"]["uncertainty"] > 0

    second = enqueue(system, music)
    assert outcome(system, second) == {"unchanged": GOOD + len(codes)}

    third = enqueue(system, music, Mode.ALL)
    wait_until(lambda: is_running(system), 30, "an item to run")
    system.stop("gpu")
    assert not is_running(system), "a stopped worker finishes its item or hands it back"
    assert system.count("SELECT count(*) FROM attempts WHERE outcome = 'lost'") == 1
    start_listener(system)
    assert outcome(system, third) == {"analyzed": GOOD, "failed": len(codes)}
    assert "worker_stalled" not in (system.folder / "gpu.log").read_text(), "busy is not stalled"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_item_that_hangs_is_taken_from_the_worker(system: System, music: Path) -> None:
    """The solo pool cannot enforce Celery's time limit; the worker's own watch does."""
    system.environment |= {"MUSICSPACE_WORKER__HARD_TIME_LIMIT_SECONDS": "2", "MUSICSPACE_LEDGER__MAX_LOSSES": "1"}
    # The dispatcher judges losses, and has to know how many are too many.
    system.stop("maintenance")
    system.start_worker("maintenance", Queue.MAINTENANCE, concurrency=1)
    start_listener(system)
    log = system.folder / "gpu.log"
    wait_until(lambda: "ready." in log.read_text(), 60, "the worker to be ready")
    worker = system.worker_parent("gpu")
    assert worker is not None
    for decoder in worker.children():
        decoder.suspend()
    add_tracks(system, [path.name for path in music.iterdir()][:FILES_PER_ITEM])
    enqueue(system, music)
    quarantined = "SELECT count(*) FROM work_items WHERE state = 'quarantined'"
    wait_until(lambda: system.count(quarantined) == 1, 60, "the item to be taken away")
    assert "task_hangs" in log.read_text()
    assert not worker.is_running()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_five_hundred_files_of_which_a_tenth_is_damaged(system: System, tmp_path: Path) -> None:
    """All good ones are done, each bad one has its code, the worker never dies, its memory stays flat."""
    music, codes = many_files(tmp_path / "music", good=450, bad=50)
    system.environment["MUSICSPACE_AUDIO__ROOTS"] = json.dumps([str(music)])
    add_tracks(system, [path.name for path in sorted(music.iterdir())])
    start_listener(system)
    wait_until(lambda: system.worker_parent("gpu") is not None, 10, "a worker")
    worker = system.worker_parent("gpu")
    assert worker is not None
    job_id = enqueue(system, music)
    memory_mb = [resident_mb(worker)]
    while system.count(f"SELECT count(*) FROM jobs WHERE id = {job_id} AND finished_at IS NULL"):
        time.sleep(0.5)
        memory_mb.append(resident_mb(worker))
    assert worker.is_running(), "the worker died"
    assert outcome(system, job_id) == {"analyzed": 450, "failed": 50}
    failed = "SELECT count(*) FROM audio_descriptors WHERE error_code = '{}'"
    assert {code: system.count(failed.format(code)) for code in codes} == codes
    third = len(memory_mb) // 3
    early, late = max(memory_mb[third // 2 : third]), max(memory_mb[-third:])
    print(f"{len(memory_mb) / 2:.0f} s; resident {early:.0f} MB early, {late:.0f} MB late")
    assert late < 1.15 * early + 20


def many_files(folder: Path, *, good: int, bad: int) -> tuple[Path, dict[str, int]]:
    """Good files of several formats, and damaged ones in equal parts of three kinds; how many of each code."""
    for number in range(good):
        suffix = ("flac", "ogg", "wav", "mp3")[number % 4]
        render(folder / f"{number:03d}.{suffix}", bpm=80 + number % 90, seconds=6, root=number % 12, seed=number)
    codes: dict[str, int] = {}
    kinds = sorted(damage(folder / "kinds").items())
    for number in range(bad):
        name, code = kinds[number % len(kinds)]
        shutil.copy(folder / "kinds" / name, folder / f"bad {number:02d}{Path(name).suffix}")
        codes[code] = codes.get(code, 0) + 1
    shutil.rmtree(folder / "kinds")
    return folder, codes


def resident_mb(worker: psutil.Process) -> float:
    """Memory of the worker and its decoders."""
    total = 0
    for process in [worker, *worker.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20
