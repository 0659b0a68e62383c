"""Recorded answers: written as they come, never asked twice, read back, and refused with the line that is broken."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.errors import NotNowError, PermanentError
from core.providers import Answer, Question
from core.tracks import TrackBatch
from services.routing_evaluation.recordings import patiently, read_recording, record

TRACKS = TrackBatch(
    track_id=["a", "b", "c"],
    artist=["Nina Simone", "Portishead", "Nobody;Else"],
    title=["Sinnerman", "Roads", "Song"],
    release_year=[1965, 1994, None],
)


class Asked:
    """A provider that knows all but one track, and fails when told to."""

    def __init__(self, fail_on: str = "") -> None:
        self.questions: list[Question] = []
        self.fail_on = fail_on

    def __call__(self, questions: Sequence[Question]) -> dict[str, Answer | None]:
        if any(question.ref == self.fail_on for question in questions):
            raise ConnectionError("gone")
        self.questions += questions
        known = Answer({"tempo": 120.0, "energy": 0.5}, 0.9, {"sources": ["https://example.org"]})
        return {question.ref: None if question.ref == "c" else known for question in questions}


def run(path: Path, asked: Asked, prompt_version: str = "1", batch_size: int = 2) -> int:
    return record(
        path,
        TRACKS,
        asked,
        model="m",
        prompt_version=prompt_version,
        batch_size=batch_size,
        on_progress=lambda done, total: None,
    )


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    path, asked = tmp_path / "answers.jsonl", Asked()
    assert run(path, asked) == 3
    lines = {line.track_id: line for line in read_recording(path)}
    assert lines["a"].features == {"tempo": 120.0, "energy": 0.5}
    assert lines["a"].evidence == {"sources": ["https://example.org"], "confidence": 0.9}
    assert (lines["a"].model, lines["a"].prompt_version) == ("m", "1")
    assert lines["c"].features is None
    assert asked.questions[0] == Question("a", "Nina Simone", "Sinnerman", release_year=1965)


def test_an_interrupted_recording_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with pytest.raises(ConnectionError):
        run(path, Asked(fail_on="b"), batch_size=1)
    asked = Asked()
    assert run(path, asked) == 2
    assert [question.ref for question in asked.questions] == ["b", "c"]
    assert run(path, asked) == 0
    assert [line.track_id for line in read_recording(path)] == ["a", "b", "c"]


def test_answers_of_two_prompts_are_never_mixed(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    run(path, Asked())
    with pytest.raises(PermanentError, match="m with prompt 1"):
        run(path, Asked(), prompt_version="2")


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"track_id": "a"}',
        '{"track_id": "a", "features": {"tempo": 900}}',
        '{"track_id": "a", "features": {"bass": 0.5}}',
        '{"track_id": "a", "features": {"tempo": "fast"}}',
        '{"track_id": "a", "features": {"tempo": NaN}}',
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"track_id": "x", "features": None}) + "\n" + line + "\n")
    with pytest.raises(PermanentError, match=r"answers\.jsonl, line 2") as caught:
        read_recording(path)
    assert caught.value.code == "invalid-option"


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"none\.jsonl") as caught:
        read_recording(tmp_path / "none.jsonl")
    assert caught.value.code == "file-not-found"


def test_it_waits_for_the_limit_of_the_minute_and_not_for_tomorrow() -> None:
    slept: list[float] = []
    refusals = [NotNowError("too many", 7.0), NotNowError("too many", 3.0)]
    asked = Asked()

    def ask(questions: Sequence[Question]) -> dict[str, Answer | None]:
        if refusals:
            raise refusals.pop(0)
        return asked(questions)

    answers = patiently(ask, sleep=slept.append)([Question("a", "x", "y")])
    assert answers["a"] is not None
    assert slept == [7.0, 3.0]
    refusals.append(NotNowError("the budget is spent", 9_000.0))
    with pytest.raises(NotNowError):
        patiently(ask, sleep=slept.append)([Question("a", "x", "y")])
