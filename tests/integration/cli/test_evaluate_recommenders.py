"""`musicspace evaluate recommenders` from the outside."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_listening import write_listening

COMMAND = [sys.executable, "-m", "cli.main", "evaluate", "recommenders"]
FAST = "random,popularity,ease"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listening(tmp_path_factory.mktemp("소리") / "lastfm")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=240)


def test_the_table_and_what_follows_from_it_are_printed(folder: Path) -> None:
    result = run("--data", folder, "--rows", FAST)
    assert result.returncode == 0, result.stderr
    assert "The highest NDCG@100 is that of EASE" in result.stdout
    assert "popularity" in result.stdout
    assert "Written" not in result.stdout


def test_all_rows_end_in_a_report_and_weights(folder: Path, tmp_path: Path) -> None:
    from models.recommenders.merging import read_weights

    out, weights = tmp_path / "out", tmp_path / "weights"
    result = run("--data", folder, "--out", out, "--write-weights", weights, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    figures = {row["name"]: row["NDCG@100"]["mean"] for row in document["rows"]}
    assert figures["merged"] > figures["popularity"] > figures["random"]
    assert document == json.loads((out / "report.json").read_text())
    assert (out / "report.md").read_text().startswith("# How good the recommenders are")
    for name in ("merge_weights.json", "merge_weights_alone.json"):
        content = (weights / name).read_text()
        assert sum(read_weights(content).of(["m1", "m2", "m3"]).values()) == pytest.approx(1, abs=1e-3)
        assert str(tmp_path) not in content + (out / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "svd"), "There is no row 'svd'"),
        (("--rows", "ease", "--write-weights", "w"), "add one to --rows"),
        (("--tracks", "none.parquet"), "none.parquet does not exist"),
    ],
)
def test_bad_options_end_in_one_line(arguments: tuple[str, ...], message: str, folder: Path) -> None:
    result = run("--data", folder, *arguments)
    assert result.returncode != 0
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_folder_without_plays_is_named(tmp_path: Path) -> None:
    result = run("--data", tmp_path)
    assert result.returncode != 0
    assert "plays.parquet" in result.stderr
    assert "Traceback" not in result.stderr


def test_it_can_be_interrupted_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, "--data", str(folder), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    # The folder is made before the work begins.
    deadline = time.monotonic() + 60
    while not out.is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"Traceback" not in errors
    assert list(out.iterdir()) == []
