"""`musicspace evaluate predictors`: what reaches the evaluation, and what a person or a program is told."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import PermanentError
from services.evaluation import Request
from services.report_files import OnStep


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """An evaluation that only remembers what it was asked, and finds one set."""
    asked: list[Request] = []
    result = SimpleNamespace(
        title="random-holdout", min_popularity=50, rows=1_234, scores={"m1": SimpleNamespace(mne=0.12345)}
    )

    def evaluate(request: Request, on_step: OnStep) -> SimpleNamespace:
        asked.append(request)
        on_step("Reading the table", 0, None)
        on_step("Training m1", 1, 8)
        on_step("Training m1", 2, 8)
        report = SimpleNamespace(sets=[result], headline_sets=[result])
        return SimpleNamespace(report=report, files=[request.out / "report.md"], plots_missing=True)

    monkeypatch.setattr("services.evaluation.evaluate_predictors", evaluate)
    return asked


def test_the_options_reach_the_evaluation(requests: list[Request], tmp_path: Path) -> None:
    arguments = ["--data", "t.parquet", "--out", str(tmp_path), "--splits", "random, genre", "--predictors", "m1"]
    result = CliRunner().invoke(app, ["evaluate", "predictors", *arguments, "--work-dir", "kept"])
    assert result.exit_code == 0, result.output
    (request,) = requests
    assert (request.splits, request.predictors) == (("random", "genre"), ("m1",))
    assert (request.data, request.out, request.work_dir) == (Path("t.parquet"), tmp_path, Path("kept"))
    assert "0.1235" in result.output or "0.1234" in result.output
    # Wherever the terminal breaks the line.
    assert "pip install 'musicspace[train]'" in " ".join(result.output.split())


def test_by_default_everything_is_evaluated(requests: list[Request], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "predictors", "--data", "t.csv", "--out", str(tmp_path), "--json"])
    assert json.loads(result.stdout)["mne"].keys() == {"random-holdout, popularity >= 50"}
    assert (requests[0].splits, requests[0].predictors) == ((), ())
    assert requests[0].work_dir.name == "evaluation"


@pytest.mark.parametrize("option", [["--splits", "moon"], ["--predictors", "m99"]])
def test_unknown_names_are_invalid_options(tmp_path: Path, option: list[str]) -> None:
    arguments = ["evaluate", "predictors", "--data", "t.parquet", "--out", str(tmp_path / "out"), *option]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, PermanentError)
    assert result.exception.code == "invalid-option"
    assert "Known ones" in result.exception.message
