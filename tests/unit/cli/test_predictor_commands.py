"""The commands that predict and evaluate: what they print, and how they refuse."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.evaluate import evaluation_table
from cli.main import app
from core.errors import PermanentError
from core.features import FEATURE_NAMES
from models.evaluation import Evaluation, Score


@pytest.fixture
def playlist(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("artist,title\nQueen,Bohemian Rhapsody\n아이유,밤편지\n,Nobody's Song\n", encoding="utf-8")
    return path


def test_predict_prints_a_summary_for_machines(playlist: Path) -> None:
    out = playlist.with_name("out.csv")
    result = CliRunner().invoke(app, ["predict", str(playlist), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["rejected"], summary["predictor"]) == (2, 1, "blend")
    assert Path(summary["rejects_file"]).is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "{playlist}", "--out", "{playlist}.txt"],
        ["predict", "{playlist}", "--out", "{playlist}.out.csv", "--predictor", "m9"],
        ["train", "global", "m9", "--data", "{playlist}"],
        ["train", "global", "m1", "--data", "{playlist}"],
        ["evaluate", "predictor", "m9", "--data", "{playlist}"],
    ],
)
def test_a_mistake_is_an_invalid_option(playlist: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [argument.format(playlist=playlist) for argument in arguments])
    assert isinstance(result.exception, PermanentError)
    assert result.exception.code == "invalid-option"


def test_the_evaluation_of_two_holdouts_fits_a_terminal_of_80_columns() -> None:
    scores = [
        Score(fold, minimum, 5_897, [0.1234] * 9, 0.1234, 0.1234, [0.805] * 9, 0.805, 0.1234)
        for fold in ("random-holdout", "artist-holdout")
        for minimum in (50, None)
    ]
    console = Console(width=80, record=True)
    console.print(evaluation_table(Evaluation("m1", "1-abcdef01", scores, 90_000.0)))
    text = console.export_text()
    assert all(name in text for name in FEATURE_NAMES)
    assert text.count("0.1234 (80%)") + text.count("0.1234 (81%)") == 40
