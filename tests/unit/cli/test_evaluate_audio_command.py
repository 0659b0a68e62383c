"""`musicspace evaluate audio` from the outside."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from cli.evaluate_audio import evaluate_audio
from core.errors import PermanentError

app = typer.Typer()
app.command()(evaluate_audio)
OPTIONS = ["--no-librosa", "--n", "1", "--jobs", "2"]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("audio")
    data, out = folder / "음악", folder / "out"
    data.mkdir()
    clicks = np.zeros(22_050 * 12, np.float32)
    for start in range(0, len(clicks) - 400, 11_025):
        clicks[start : start + 400] = np.sin(np.arange(400) * 0.3) * np.linspace(1, 0, 400)
    soundfile.write(data / "clicks.wav", clicks, 22_050)
    soundfile.write(data / "clicks.flac", clicks, 22_050)
    (data / "broken.mp3").write_text("no audio")
    (data / "ground_truth.csv").write_text("file,bpm,bpm_strength,key\nclicks.wav,120,strong,\n")
    result = CliRunner().invoke(app, ["--data", str(data), "--out", str(out), *OPTIONS, "--json"])
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout)


def test_figures_come_as_json(evaluated: tuple[Path, dict]) -> None:
    out, document = evaluated
    assert set(document["figures"]) == {"scoring styles", "tuning styles"}
    figures = document["figures"]["scoring styles"]
    assert 0 <= figures["accuracy_1"] <= figures["accuracy_2"] <= 1
    assert figures["precise"] <= figures["precise_any_octave"]
    assert figures["key_exact"] <= figures["key_mirex"]
    assert document["songs"]["ours"][2] == 1
    assert out / "report.md" in [Path(path) for path in document["files"]]


def test_the_report_holds_every_piece(evaluated: tuple[Path, dict]) -> None:
    out, printed = evaluated
    document = json.loads((out / "report.json").read_text())
    scoring = document["families"][0]
    assert scoring["name"] == "scoring"
    assert len(scoring["pieces"]) == len(scoring["styles"]) == scoring["tempo_calibration"]["n"]
    assert scoring["ours"]["accuracy_1"]["value"] == pytest.approx(
        printed["figures"]["scoring styles"]["accuracy_1"], abs=1e-3
    )
    assert str(out.parent) not in (out / "report.json").read_text()
    right = [
        abs(piece["ours"]["bpm"] / piece["bpm"] - 1) <= 0.04 for piece in scoring["pieces"] if piece["ours"]["bpm"]
    ]
    assert sum(right) / len(scoring["pieces"]) == pytest.approx(scoring["ours"]["accuracy_1"]["value"], abs=1e-5)


def test_the_page_tells_of_damage_and_formats(evaluated: tuple[Path, dict]) -> None:
    out, _ = evaluated
    page = (out / "report.md").read_text()
    assert "`broken.mp3`: audio-unreadable" in page
    assert "### The same clip in 2 formats" in page
    assert "left out with --no-librosa" in page
    assert "swing jazz" in page


def test_a_folder_that_is_not_there_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path), *OPTIONS])
    assert isinstance(result.exception, PermanentError)
    assert result.exception.code == "file-not-found"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_run_leaves_neither_report_nor_processes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--out", str(out), "--no-librosa", "--n", "50"]
    run = subprocess.Popen([sys.executable, "-m", "cli.main", "evaluate", "audio", *options], start_new_session=True)
    while not out.is_dir():
        assert run.poll() is None
        time.sleep(0.1)
    time.sleep(2)
    os.kill(run.pid, signal.SIGINT)
    assert run.wait(timeout=60) == 130
    assert list(out.iterdir()) == []
    assert gone(run.pid)


def gone(group: int) -> bool:
    """Whether all processes of a group end, the one that cleans up after the others a moment later."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
