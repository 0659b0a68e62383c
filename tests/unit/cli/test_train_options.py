"""What the commands about models refuse before any server is asked."""

from pathlib import Path

import pytest
from small_reference import write_table
from typer.testing import CliRunner

from cli.main import app
from core.errors import PermanentError
from models.artifacts import load_artifact
from models.registry import PREDICTORS


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("train global m9 --data {table}", "invalid-option"),
        ("train global m9 --data {table} --queue", "invalid-option"),
        ("train global m9 --data {table} --out {folder}", "invalid-option"),
        ("train global all --data {table}", "invalid-option"),
        ("train global all --data {table} --queue", "invalid-option"),
        ("train global m1 --data {table} --wait", "invalid-option"),
        ("train global m1 --data {table} --queue --out {folder}", "invalid-option"),
        ("train global m1 --data {folder}/none.parquet", "file-not-found"),
        ("train global m1 --data {folder}/none.parquet --queue", "file-not-found"),
        ("train global m1 --data {folder} --queue", "file-not-found"),
        ("models list m9", "invalid-option"),
        ("models promote m9 1-abc", "invalid-option"),
        ("models rollback m9", "invalid-option"),
    ],
)
def test_a_mistake_is_told_before_a_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, code: str
) -> None:
    def nothing_starts(*_: object) -> None:
        raise AssertionError("a server was asked for")

    monkeypatch.setattr("integrations.embedded.embedded_servers", nothing_starts)
    table = write_table(tmp_path / "table.parquet")
    words = [word.format(table=table, folder=tmp_path) for word in arguments.split()]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, PermanentError), result.exception
    assert result.exception.code == code


def test_all_trains_every_predictor_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in PREDICTORS if name != "m1"]:
        monkeypatch.delitem(PREDICTORS, name)
    out = tmp_path / "out"
    table = write_table(tmp_path / "table.parquet")
    result = CliRunner().invoke(app, ["train", "global", "all", "--data", str(table), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert load_artifact(out, "m1").card.version in result.output
