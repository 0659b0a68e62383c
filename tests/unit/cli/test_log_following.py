"""Lines of a log as they are appended."""

from collections.abc import Iterator
from pathlib import Path

from cli.watch_server import new_lines


def drain(lines: Iterator[str | None]) -> list[str]:
    found = []
    while (line := next(lines)) is not None:
        found.append(line)
    return found


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_complete_new_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "old\n")
    lines = new_lines(log)
    assert drain(lines) == []
    append(log, "one\ntwo\nthr")
    assert drain(lines) == ["one", "two"]
    append(log, "ee\n")
    assert drain(lines) == ["three"]


def test_a_log_that_appears_later(tmp_path: Path) -> None:
    lines = new_lines(tmp_path / "log")
    assert drain(lines) == []
    append(tmp_path / "log", "one\n")
    assert drain(lines) == ["one"]


def test_a_rotated_log_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "a long line before the rotation\n")
    lines = new_lines(log)
    assert drain(lines) == []
    log.rename(tmp_path / "log.1")
    append(log, "short\n")
    assert drain(lines) == ["short"]
