"""`musicspace evaluate routing` from the outside."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import typer
from typer.testing import CliRunner

from cli.evaluate_routing import evaluate_routing
from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES

N = 60
app = typer.Typer()
app.command()(evaluate_routing)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    columns = {name: rng.uniform(0.3, 0.5, N) for name in FEATURE_NAMES}
    tracks = {
        "track_id": [f"t{i}" for i in range(N)],
        "title": ["t"] * N,
        "artist": [f"a{i}" for i in range(N)],
        "fold": ["train", "random-holdout"] * (N // 2),
        "popularity": [70] * N,
    }
    pyarrow.parquet.write_table(pa.table(tracks | columns), tmp_path / "tracks.parquet")
    nearly = {name: np.clip(own + 0.01, FEATURES[i].low, 1) for i, (name, own) in enumerate(columns.items())}
    pyarrow.parquet.write_table(pa.table({"track_id": tracks["track_id"]} | nearly), tmp_path / "nearly.parquet")
    pyarrow.parquet.write_table(pa.table({"track_id": tracks["track_id"]} | columns), tmp_path / "exact.parquet")
    return tmp_path / "tracks.parquet"


def test_figures_come_as_json(data: Path, tmp_path: Path) -> None:
    pair = f"{tmp_path / 'nearly.parquet'},{tmp_path / 'exact.parquet'}"
    result = CliRunner().invoke(app, ["--data", str(data), "--out", str(tmp_path / "out"), "--pair", pair, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    figures = document["mne"]["nearly.parquet with exact.parquet"]
    assert figures["qlty"] == 0.0 < figures["base"]
    assert (tmp_path / "out" / "report.md") in [Path(path) for path in document["files"]]


def test_two_pairs_make_one_table(data: Path, tmp_path: Path) -> None:
    near, exact = tmp_path / "nearly.parquet", tmp_path / "exact.parquet"
    pairs = ["--pair", f"{near},{exact}", "--pair", f"{exact},{near}"]
    result = CliRunner().invoke(app, ["--data", str(data), "--out", str(tmp_path / "out"), *pairs])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.md").read_text()
    assert "nearly.parquet with exact.parquet (30)" in page
    assert "exact.parquet with nearly.parquet (30)" in page


def test_a_report_needs_a_folder(data: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(data)])
    assert isinstance(result.exception, PermanentError)
    assert "--out" in result.exception.message


def test_a_file_cannot_be_the_folder(data: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(data), "--out", str(data), "--pair", "m1,blend"])
    assert isinstance(result.exception, PermanentError)
    assert result.exception.code == "invalid-option"
