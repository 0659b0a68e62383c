"""Building an index of a folder: what is listened to and what is not, what fails, and what survives a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rendered_audio import damage, render

from core.errors import PermanentError, RetryableError
from core.settings import Settings
from db.local_index import FILE_NAME, LocalIndex
from services.dj.building import BuildSummary, build_index
from services.dj.index_files import META, read_export
from services.dj.index_header import BuildRequest

GOOD = 36


def build(folder: Path, index: Path, **options: object) -> BuildSummary:
    settings = Settings(embed={"embedder": "dsp"})
    return build_index(BuildRequest(folder, index, **options), settings, lambda step, done, total: None)


def counts(summary: BuildSummary) -> tuple[int, int, int, int, int]:
    return (summary.analyzed, summary.unchanged, summary.moved, summary.copies, summary.removed)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, BuildSummary, dict[str, str]]:
    """Forty files, one in ten damaged, some with Korean names, and their index."""
    base = tmp_path_factory.mktemp("dj")
    folder = base / "음악"
    for number in range(GOOD):
        name = f"{'좋은 날' if number % 2 else 'Track'} {number}.wav"
        render(folder / f"disc {number % 3}" / name, bpm=90 + 2 * number, seconds=3.0, root=number % 12, seed=number)
    bad = damage(folder / "bad")
    (folder / "bad" / "잘린.ogg").write_bytes(b"OggS" + bytes(500))
    bad["잘린.ogg"] = "audio-corrupt"
    return folder, base / "index", build(folder, base / "index"), bad


@pytest.fixture
def copied(built: tuple[Path, Path, BuildSummary, dict[str, str]], tmp_path: Path) -> tuple[Path, Path]:
    """The same folder and index, to change."""
    folder, index = tmp_path / "audio", tmp_path / "index"
    shutil.copytree(built[0], folder)
    shutil.copytree(built[1], index)
    return folder, index


def test_all_good_files_are_done_and_each_bad_one_has_its_code(built) -> None:
    _, _, summary, bad = built
    assert (summary.analyzed, summary.tracks) == (GOOD, GOOD)
    failed = {Path(file.path).name: file.code for file in summary.failed}
    assert failed.keys() == bad.keys()
    assert {name: failed[name] for name in failed if name != "잘린.ogg"} == {
        name: code for name, code in bad.items() if name != "잘린.ogg"
    }
    assert failed["잘린.ogg"] in ("audio-corrupt", "audio-unreadable")


def test_a_second_run_listens_to_nothing(built) -> None:
    folder, index, summary, _ = built
    arrays = [path.stat().st_mtime_ns for path in index.glob("arrays-*/*")]
    again = build(folder, index)
    assert counts(again) == (0, GOOD + 4, 0, 0, 0)
    assert again.tracks == GOOD
    assert again.failed_by_code == summary.failed_by_code
    assert [path.stat().st_mtime_ns for path in index.glob("arrays-*/*")] == arrays


def test_a_copy_of_folder_and_index_goes_on_where_the_first_was(copied) -> None:
    folder, index = copied
    assert counts(build(folder, index)) == (0, GOOD + 4, 0, 0, 0)


def test_new_moved_copied_and_deleted_files(copied) -> None:
    folder, index = copied
    ids = {path: track_id for track_id, path in _paths(index).items()}
    (folder / "new").mkdir()
    (folder / "disc 0/Track 0.wav").rename(folder / "new/renamed.wav")
    (folder / "disc 1/좋은 날 1.wav").unlink()
    shutil.copy(folder / "disc 2/Track 2.wav", folder / "new/copy.wav")
    render(folder / "new/new.wav", bpm=140, seconds=3.0)
    render(folder / "disc 0/좋은 날 3.wav", bpm=77, seconds=3.5)
    summary = build(folder, index)
    assert counts(summary) == (2, GOOD + 4 - 4 + 1, 1, 1, 1)
    assert summary.tracks == GOOD
    after = {path: track_id for track_id, path in _paths(index).items()}
    assert after["new/renamed.wav"] == ids["disc 0/Track 0.wav"]
    assert after["disc 0/좋은 날 3.wav"] == ids["disc 0/좋은 날 3.wav"]
    assert "new/copy.wav" not in after


def test_files_that_failed_are_tried_again_when_asked_or_changed(copied) -> None:
    folder, index = copied
    assert counts(build(folder, index, retry_failed=True))[:2] == (0, GOOD)
    render(folder / "bad/Bad - Empty.wav", seconds=3.0)
    summary = build(folder, index)
    assert (summary.analyzed, summary.tracks, len(summary.failed)) == (1, GOOD + 1, 3)


def test_other_lengths_mean_listening_anew_and_are_kept(copied) -> None:
    folder, index = copied
    shutil.rmtree(folder / "disc 1")
    shutil.rmtree(folder / "disc 2")
    summary = build(folder, index, intro_seconds=2.0, bpm_tolerance=7.0)
    assert (summary.analyzed, summary.removed, summary.redone) == (GOOD // 3, 2 * GOOD // 3, "1 dsp-1 30 30")
    again = build(folder, index)
    assert (again.analyzed, again.header.intro_seconds, again.header.bpm_tolerance) == (0, 2.0, 7.0)


def test_what_is_exported_is_what_was_heard(built) -> None:
    _, index, _, _ = built
    exported = read_export(index)
    assert exported.library.space == "dsp-1"
    np.testing.assert_allclose(np.linalg.norm(exported.library.intro, axis=1), 1, atol=1e-5)
    meta = json.loads((index / META).read_text(encoding="utf-8"))
    assert len(meta["tracks"]) == GOOD
    with LocalIndex(index, read_only=True) as store:
        for row, track in list(enumerate(meta["tracks"]))[:5]:
            analysis = store.analysis(track["id"])
            np.testing.assert_array_equal(np.frombuffer(analysis.intro, "<f4"), exported.library.intro[row])
            tempo = json.loads(analysis.description)["tempo"]["bpm"]
            assert track["bpm"] == pytest.approx(tempo, abs=1e-3)


def test_two_builds_do_not_mix(copied) -> None:
    folder, index = copied
    script = f"""
import fcntl, os, sys, time
fcntl.flock(os.open({str(index / ".lock")!r}, os.O_RDWR), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            with pytest.raises(RetryableError) as told:
                build(folder, index)
            assert told.value.code == "dj-index-busy"
        finally:
            holder.kill()
    assert build(folder, index).analyzed == 0


def test_a_killed_build_loses_nothing_that_was_finished(built, tmp_path: Path) -> None:
    folder, index = built[0], tmp_path / "index"
    script = f"""
from pathlib import Path
from core.settings import Settings
from services.dj.building import build_index
from services.dj.index_header import BuildRequest
if __name__ == "__main__":
    request = BuildRequest(Path({str(folder)!r}), Path({str(index)!r}), jobs=1)
    build_index(request, Settings(embed={{"embedder": "dsp"}}), lambda *step: print(*step, flush=True))
"""
    (tmp_path / "run.py").write_text(script, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, tmp_path / "run.py"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("Listening 5 "):
                os.killpg(running.pid, signal.SIGKILL)
    with LocalIndex(index) as store:
        done = len(store.files())
    assert 5 <= done < GOOD + 4
    assert not (index / META).exists()
    summary = build(folder, index)
    assert (summary.unchanged, summary.tracks) == (done, GOOD)


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_audio_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(PermanentError) as told:
        build(tmp_path / folder, tmp_path / "index")
    assert told.value.code == "file-not-found"
    assert not (tmp_path / "index").exists()


def test_the_index_of_another_folder_is_not_thrown_away(built, tmp_path: Path) -> None:
    render(tmp_path / "other/x.wav", seconds=3.0)
    with pytest.raises(PermanentError, match="Choose another --index-dir") as told:
        build(tmp_path / "other", built[1])
    assert told.value.code == "invalid-option"
    assert len(read_export(built[1]).library) == GOOD


def test_an_index_folder_that_cannot_be_made_is_told(built, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PermanentError) as told:
        build(built[0], tmp_path / "file" / "index")
    assert told.value.code == "dj-index-unwritable"


@pytest.mark.parametrize("part", ["meta", "cut", "numbers", "vectors", "rows", "order", "columns", "arrays"])
def test_a_damaged_export_is_told_and_made_again(copied, part: str) -> None:
    folder, index = copied
    meta = json.loads((index / META).read_text(encoding="utf-8"))
    (arrays,) = index.glob("arrays-*")
    if part == "cut":
        (index / META).write_text((index / META).read_text(encoding="utf-8")[:-100], encoding="utf-8")
    elif part == "numbers":
        (arrays / "numbers.npy").write_bytes(b"x" * 500)
    elif part == "vectors":
        np.save(arrays / "intro.npy", np.zeros((3, 5), np.float32))
    elif part == "arrays":
        shutil.rmtree(arrays)
    else:
        broken = {
            "meta": {"format": 99},
            "rows": meta | {"tracks": meta["tracks"][1:]},
            "order": meta | {"tracks": [{"id": 1}] * GOOD},
            "columns": meta | {"columns": ["other"]},
        }[part]
        (index / META).write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(PermanentError) as told:
        read_export(index)
    assert told.value.code == "dj-index-corrupt"
    assert counts(build(folder, index)) == (0, GOOD + 4, 0, 0, 0)
    assert len(read_export(index).library) == GOOD


def test_a_store_that_is_no_store_is_told(copied) -> None:
    folder, index = copied
    (index / FILE_NAME).write_bytes(b"x" * 5000)
    with pytest.raises(PermanentError) as told:
        build(folder, index)
    assert told.value.code == "dj-index-corrupt"


def _paths(index: Path) -> dict[int, str]:
    exported = read_export(index)
    return {int(track_id): path for track_id, path in zip(exported.library.ids, exported.paths, strict=True)}
