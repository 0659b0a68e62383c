"""Audio from the command line: a folder is scanned, listened to by a worker that the command lends, and shown."""

import json
import subprocess
import sys

import pytest
from rendered_audio import damage, render


@pytest.fixture
def run(server_environment, tmp_path):
    """Run `musicspace audio` in a process of its own; returns what it printed as JSON."""
    environment = server_environment | {
        "MUSICSPACE_ENRICH__PREDICTOR": "m1",
        "MUSICSPACE_EMBED__EMBEDDER": "dsp",
        "MUSICSPACE_EMBED__DECODERS": "1",
        "MUSICSPACE_AUDIO__ROOTS": json.dumps([str(tmp_path / "음악")]),
    }

    def call(*arguments, code=0):
        command = [sys.executable, "-m", "cli.main", "audio", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert result.returncode == code, result.stderr
        return json.loads(result.stdout) if "--json" in arguments else result.stdout + result.stderr

    return call


def test_a_folder_is_scanned_listened_to_and_shown(run, tmp_path):
    folder = tmp_path / "음악"
    render(folder / "가수 - 노래.flac", bpm=120)
    codes = damage(folder)
    scanned = run("scan", folder, "--playlist", "목록", "--json")
    assert (scanned["new_tracks"], scanned["state"]) == (4, "done")
    assert scanned["analysis"]["outcome"]["analyzed"] == 1
    assert scanned["analysis"]["outcome"]["failed"] == 3
    status = run("status", "--failed", "--json")
    assert (status["tracks"], status["analyzed"], status["failed"], status["lacking"]) == (4, 1, 3, 0)
    assert {failure["uri"]: failure["error_code"] for failure in status["failures"]} == codes
    [good] = {1, 2, 3, 4} - {failure["track_id"] for failure in status["failures"]}
    shown = run("show", good)
    assert "가수 - 노래" in shown
    assert "BPM (confidence" in shown
    assert "Not analyzed: audio-" in run("show", status["failures"][0]["track_id"])
    assert "There is no track 99" in run("show", 99, code=2)
