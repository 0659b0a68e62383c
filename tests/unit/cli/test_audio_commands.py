"""What the commands about audio refuse before any server is asked, and how they put tempo and key in words."""

import json
from pathlib import Path

import pytest
from rendered_audio import render
from typer.testing import CliRunner

from cli.main import app
from cli.temporary_worker import _commands
from core.audio_words import describe_key, describe_tempo
from core.errors import MusicSpaceError
from core.settings import Settings, get_settings, read_settings, use_settings
from tasks.queues import Queue


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_starts(*_: object) -> None:
        raise AssertionError("a server was asked for")

    monkeypatch.setattr("integrations.embedded.embedded_servers", nothing_starts)


@pytest.mark.parametrize(
    ("roots", "folder", "code"),
    [
        (None, "music", "audio-disabled"),
        ("music", "other", "audio-outside-roots"),
        ("music", "music/none", "file-not-found"),
        ("music", "music/empty", "file-not-found"),
        ("music", "music/list.txt", "file-not-found"),
    ],
)
@pytest.mark.usefixtures("no_server")
def test_a_folder_that_cannot_be_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roots: str | None, folder: str, code: str
) -> None:
    for name in ("music/empty", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "music" / "list.txt").write_text("no audio")
    render(tmp_path / "other" / "a.wav", seconds=3)
    if roots is not None:
        monkeypatch.setenv("MUSICSPACE_AUDIO__ROOTS", json.dumps([str(tmp_path / roots)]))
    before = get_settings()
    use_settings(read_settings())
    try:
        result = CliRunner().invoke(app, ["audio", "scan", str(tmp_path / folder)])
    finally:
        use_settings(before)
    assert isinstance(result.exception, MusicSpaceError)
    assert result.exception.code == code


def test_a_command_that_waits_for_audio_lends_a_worker_of_the_right_kind() -> None:
    """The prefork pool has no place for a device, and its processes none for decoders."""
    settings = Settings()
    [cpu] = _commands(settings, [Queue.ENRICH, Queue.MAINTENANCE])
    assert "--queues=enrich,maintenance" in cpu
    cpu, gpu = _commands(settings, [Queue.EMBED, Queue.MAINTENANCE])
    assert {"workers.cpu", "--beat", "--queues=maintenance"} <= set(cpu)
    assert {"workers.gpu", "--pool=solo", "--queues=embed", "--concurrency=1"} <= set(gpu)
    assert "--beat" not in gpu


def test_tempo_and_key_in_words() -> None:
    candidates = [{"bpm": bpm, "weight": 0.3} for bpm in (128.02, 64.01, 256.04, 96.0)]
    tempo = {"bpm": 128.02, "confidence": 0.934, "candidates": candidates}
    assert describe_tempo(tempo) == "128.0 BPM (confidence 0.93; or 64.0, 256.0)"
    assert describe_tempo(tempo | {"candidates": candidates[:1]}) == "128.0 BPM (confidence 0.93)"
    assert describe_tempo({"bpm": None, "confidence": 0.0, "candidates": []}) == "no beat"
    key = {"name": {"root": 6, "mode": "minor"}, "confidence": 0.5, "clarity": 0.4, "runner_up": None}
    assert describe_key(key) == "F# minor (confidence 0.50, clarity 0.40)"
    assert describe_key(key | {"runner_up": {"root": 9, "mode": "major"}}).endswith("; or A major)")
    assert describe_key(key | {"name": None}) == "none"
