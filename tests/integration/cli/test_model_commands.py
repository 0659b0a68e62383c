"""Training and versions on the command line."""

import json
import os
import subprocess
import sys

import pytest
from small_reference import write_table
from sqlalchemy import text

from models.artifacts import load_artifact
from services.training import train_global


@pytest.fixture
def run(server_environment, tmp_path):
    """Run `musicspace` in a process of its own, with models of this test's own."""
    train_global("m1", write_table(tmp_path / "shipped.parquet"), tmp_path / "shipped", lambda done, total: None)
    environment = server_environment | {
        "MUSICSPACE_ARTIFACTS_DIR": str(tmp_path / "shipped"),
        "MUSICSPACE_ENRICH__PREDICTOR": "m1",
        "MUSICSPACE_TRAIN__PROMOTION_TOLERANCE": "0.02",
    }

    def call(*arguments, **variables):
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment | variables)

    return call


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "table.parquet", seed=1)


def answer(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_train_list_roll_back_and_promote(run, table, tmp_path):
    trained = answer(run("train", "global", "m1", "--data", table, "--json"))
    version, shipped = trained["version"], trained["baseline"]
    assert (trained["state"], trained["known"]) == ("promoted", False)
    assert trained["folder"] == str(tmp_path / "data" / "models" / "m1" / version)
    again = run("train", "global", "m1", "--data", table)
    assert "was there before: promoted" in again.stdout
    worse = answer(
        run("train", "global", "m1", "--data", write_table(tmp_path / "worse.parquet", misleading=True), "--json")
    )
    assert (worse["state"], worse["baseline"]) == ("rejected", version)
    [model] = answer(run("models", "list", "m1", "--json"))
    assert [(row["version"], row["state"]) for row in model["versions"]] == [
        (worse["version"], "rejected"),
        (version, "promoted"),
    ]
    assert answer(run("models", "rollback", "m1", "--reason", "too loud", "--json"))["serving"] == shipped
    assert answer(run("models", "promote", "m1", version, "--json"))["state"] == "promoted"
    shown = run("models", "list", "m1").stdout
    assert "rolled back: too loud" in shown
    assert version in run("models", "list").stdout


def test_out_writes_an_artifact_and_needs_no_server(run, table, tmp_path, session):
    away = {"MUSICSPACE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    written = answer(run("train", "global", "m1", "--data", table, "--out", tmp_path / "out", "--json", **away))
    assert load_artifact(tmp_path / "out", "m1").card.version == written["version"]
    assert session.scalar(text("SELECT count(*) FROM model_versions")) == 0


def test_a_queued_training_runs_on_a_worker_lent_by_the_command(run, table, session):
    job = answer(run("train", "global", "m1", "--data", table, "--queue", "--wait", "--json"))
    assert (job["kind"], job["state"], job["created"]) == ("train", "done", True)
    [model] = answer(run("models", "list", "m1", "--json"))
    assert model["versions"][0]["job_id"] == job["id"]
    assert model["serving"] == model["versions"][0]["version"]
    result = session.scalar(text("SELECT result FROM work_items"))
    assert (result["state"], result["version"]) == ("promoted", model["serving"])
    assert "1 of 1 trainings" in run("job", "show", job["id"]).stdout


def test_a_live_training_is_joined(run, table):
    first = answer(run("train", "global", "m1", "--data", table, "--queue", "--json"))
    second = answer(run("train", "global", "m1", "--data", table, "--queue", "--json"))
    assert (second["id"], second["created"], first["created"]) == (first["id"], False, True)
    assert answer(run("job", "cancel", first["id"], "--json"))


def test_outdated_tracks_are_renewed_by_the_version_that_serves_now(run, table, make_tracks, session):
    make_tracks(3)
    assert answer(run("enrich-all", "--json"))["done"] == 3
    assert answer(run("enrich-all", "--outdated", "--json"))["summary"] == {"outdated": 0, "enqueued": 0}
    version = answer(run("train", "global", "m1", "--data", table, "--json"))["version"]
    renewed = answer(run("enrich-all", "--outdated", "--json"))
    assert (renewed["state"], renewed["summary"]) == ("done", {"outdated": 3, "enqueued": 3})
    assert session.scalars(text("SELECT DISTINCT model_version FROM track_estimates")).all() == [version]
    assert answer(run("enrich-all", "--outdated", "--json"))["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("train", "global", "m1", "--data", "nowhere.parquet", "--queue"), "file-not-found", 2),
        (("models", "promote", "m1", "1-none"), "not-found", 2),
        (("models", "promote", "m1", b"\xff"), "not-found", 2),
        (("models", "rollback", "m1"), "wrong-state", 2),
    ],
)
def test_a_mistake_is_one_line(run, arguments, code, exit_code):
    result = run(*map(os.fsdecode, arguments))
    assert result.returncode == exit_code, result.stderr
    assert result.stderr.startswith(f"Error [{code}]: ")
    assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_told_before_the_training(run, table, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("train", "global", "m1", "--data", table, MUSICSPACE_MODELS_DIR=str(tmp_path / "file"))
    assert (result.returncode, "MUSICSPACE_MODELS_DIR" in result.stderr) == (3, True)
