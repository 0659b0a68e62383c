"""`musicspace dj` over a small folder: what people and programs are told, and the library behind it."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rendered_audio import damage, render
from typer.testing import CliRunner, Result

from cli.dj_tables import bars
from cli.main import app
from core.errors import PermanentError
from core.settings import Settings, get_settings, use_settings
from models.dj.goals import Goal
from services.dj.session_recommender import SessionRecommender
from services.playlists.reader import read_playlist

N = 12
#: Tests of commands are not tests of what is heard: no key and no tempo excludes a track.
SETTINGS = Settings(embed={"embedder": "dsp"}, dj={"min_key_clarity": 1.0, "min_tempo_confidence": 1.0})
KOREAN = "아이유 - 좋은 날.wav"


@pytest.fixture(autouse=True)
def _dsp():
    """Whatever weights lie on this machine."""
    before = get_settings()
    use_settings(SETTINGS)
    yield
    use_settings(before)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["dj", *map(str, arguments)])


def error_of(result: Result) -> PermanentError:
    assert isinstance(result.exception, PermanentError), result.output
    return result.exception


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tracks of lengths of their own, else they pass for copies; one with a Korean name; and three broken files."""
    audio = tmp_path_factory.mktemp("music") / "audio"
    for number in range(N):
        name = KOREAN if number == 0 else f"[b] Artist - Song {number}.wav"
        render(audio / name, bpm=120 + number % 4, seconds=6 + number, root=(7 * number) % 12, seed=number)
    damage(audio)
    return audio


@pytest.fixture(scope="module")
def index(folder: Path) -> Path:
    """Its index, built by the command."""
    use_settings(SETTINGS)
    target = folder.parent / "색인"
    result = run("build", "--audio-dir", folder, "--index-dir", target, "--jobs", 2, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["tracks"], told["analyzed"], told["space"]) == (N, N, "dsp-1")
    assert told["failed_by_code"] == {"audio-empty": 1, "audio-unreadable": 1, "audio-silent": 1}
    assert {file["path"] for file in told["failed"]} == {"Bad - Empty.wav", "Bad - Noise.mp3", "Bad - Silent.flac"}
    return target


def test_a_build_tells_people_what_it_did(folder: Path, index: Path) -> None:
    result = run("build", "--audio-dir", folder, "--index-dir", index)
    text = " ".join(result.output.split())
    assert "0 analyzed" in text
    assert f"{N + 3} unchanged" in text
    assert "3 failed: 1 audio-empty" in text
    assert "audio-silent Bad - Silent.flac" in text


def test_recommendations_hold_every_term(index: Path, folder: Path) -> None:
    arguments = ("--index-dir", index, "--current", folder / KOREAN, "--goal", "up", "--top-k", 3)
    result = run("recommend", *arguments, "--simulate", 3, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["current"]["file"].endswith(KOREAN)
    assert [each["rank"] for each in told["suggestions"]] == [1, 2, 3]
    for each in told["suggestions"]:
        assert each["terms"].keys() == each["weights"].keys() >= {"similarity", "energy", "key", "low_end"}
        assert each["file"] != told["current"]["file"]
        assert {"out_at_s", "in_at_s", "length_beats"} <= each["transition"].keys()
        assert {"bpm", "camelot", "tempo_change_percent", "score"} <= each.keys()
    table = run("recommend", *arguments, "--simulate", 1)
    assert table.exit_code == 0, table.output
    assert "goal up" in table.output
    assert "Weights: similarity" in " ".join(table.output.split())


def test_history_is_not_suggested_again(index: Path, folder: Path) -> None:
    arguments = ("recommend", "--index-dir", index, "--current", KOREAN, "--top-k", 50, "--json")
    first = json.loads(run(*arguments).stdout)["suggestions"]
    assert len(first) == N - 1
    second = json.loads(run(*arguments, "--history", first[0]["file"], "--history", first[1]["id"]).stdout)
    assert {each["id"] for each in second["suggestions"]} == {each["id"] for each in first[2:]}


def test_a_track_from_elsewhere_is_listened_to(index: Path, tmp_path: Path) -> None:
    other = render(tmp_path / "다른 곡.wav", bpm=121, seconds=5.0, seed=99)
    told = json.loads(run("recommend", "--index-dir", index, "--current", other, "--json").stdout)
    assert (told["current"]["id"], len(told["suggestions"])) == (None, 10)


def test_a_copy_of_a_known_file_is_that_track(index: Path, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / KOREAN, tmp_path / "copy.wav")
    told = json.loads(run("recommend", "--index-dir", index, "--current", tmp_path / "copy.wav", "--json").stdout)
    assert told["current"]["id"] is not None


def test_a_set_is_planned_and_written(index: Path, folder: Path, tmp_path: Path) -> None:
    playlist = folder / "세트.m3u8"
    arguments = ("session", "--index-dir", index, "--minutes", 1, "--start", folder / KOREAN)
    result = run(*arguments, "--out", playlist, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["tracks"][0]["file"].endswith(KOREAN)
    assert told["tracks"][1]["suggestion"]["terms"]
    lines = playlist.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["#EXTM3U", "#EXTINF:6,아이유 - 좋은 날", KOREAN]
    assert [line for line in lines if not line.startswith("#")] == [Path(each["file"]).name for each in told["tracks"]]
    assert error_of(run(*arguments, "--out", playlist)).code == "invalid-option"
    assert run(*arguments, "--out", playlist, "--force").exit_code == 0
    elsewhere = tmp_path / "set.m3u8"
    assert run(*arguments, "--out", elsewhere).exit_code == 0
    assert elsewhere.read_text(encoding="utf-8").splitlines()[2] == str(folder / KOREAN)
    playlist.unlink()


def test_a_written_set_can_be_imported(index: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "set.m3u8"
    assert run("session", "--index-dir", index, "--minutes", 1, "--out", playlist).exit_code == 0
    rows = read_playlist(playlist, get_settings().imports).rows
    assert rows
    assert all(row.artist in ("아이유", "[b] Artist") for row in rows)


def test_a_set_is_the_same_for_a_seed(index: Path) -> None:
    sets = [run("session", "--index-dir", index, "--minutes", 1, "--seed", seed).output for seed in (1, 1)]
    assert sets[0] == sets[1]
    assert "energy" in sets[0]
    assert "█" in sets[0] or "▄" in sets[0] or "▅" in sets[0] or "▆" in sets[0] or "▇" in sets[0]


def test_bars_show_levels_and_gaps() -> None:
    assert bars([0.0, None, 0.5, 1.0, 2.0, -1.0]) == "▁▁  ▅▅████▁▁"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("build", "--audio-dir", "nowhere", "--index-dir", "{tmp}/x"), "file-not-found"),
        (("build", "--audio-dir", "{tmp}", "--index-dir", "{tmp}/x"), "file-not-found"),
        (("build", "--audio-dir", "{tmp}", "--index-dir", "{tmp}/x", "--embedder", "ear"), "invalid-option"),
        (("recommend", "--index-dir", "{tmp}", "--current", "1"), "dj-index-missing"),
        (("recommend", "--index-dir", "{index}", "--current", "99"), "file-not-found"),
        (("recommend", "--index-dir", "{index}", "--current", "1", "--goal", "sideways"), "invalid-option"),
        (("recommend", "--index-dir", "{index}", "--current", "1", "--history", "x"), "file-not-found"),
        (("recommend", "--index-dir", "{index}", "--current", "{audio}/Bad - Empty.wav"), "audio-empty"),
        (("session", "--index-dir", "{tmp}/none"), "dj-index-missing"),
        (("session", "--index-dir", "{index}", "--arc", "zigzag"), "invalid-option"),
        (("session", "--index-dir", "{index}", "--out", "{tmp}/none/set.m3u8"), "invalid-option"),
    ],
)
def test_mistakes_are_told_by_code(index: Path, folder: Path, tmp_path: Path, arguments, code: str) -> None:
    places = {"tmp": tmp_path, "index": index, "audio": folder}
    assert error_of(run(*(argument.format(**places) for argument in arguments))).code == code


def test_a_mistake_is_one_line(index: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "dj", "recommend", "--index-dir", index, "--current", "없음.mp3"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("Error [file-not-found]: 없음.mp3")


def test_the_library_remembers_what_was_played(index: Path, folder: Path) -> None:
    dj = SessionRecommender(index)
    first = dj.next(folder / KOREAN, goal="maintain", top_k=3)
    dj.add_played(first[0].file)
    second = dj.next(folder / KOREAN, goal=Goal.MAINTAIN, top_k=3)
    assert first[0].file not in [each.file for each in second]
    assert dj.history.played == (first[0].suggestion.id,)
    assert all(each.file.is_file() for each in second)


def test_the_library_may_be_shared_by_threads(index: Path, folder: Path) -> None:
    dj = SessionRecommender(index)
    expected = [each.file for each in dj.next(folder / KOREAN, "up", 5)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: [each.file for each in dj.next(folder / KOREAN, "up", 5)], range(20)))
        list(pool.map(dj.add_played, [folder / KOREAN] * 50))
    assert all(files == expected for files in found)
    assert len(dj.history.played) == 50
