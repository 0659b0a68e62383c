"""Trainings reach an MLflow server over its real protocol, and one that is away costs nothing but the log."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.model_states import ModelState
from integrations.mlflow_tracking import TrackedRun, log_run
from models.artifacts import Card
from models.evaluation import Evaluation, Score
from services.tracking import track, tracked_run
from services.version_training import TrainedVersion

pytest.importorskip("mlflow", reason="needs the extra `train`")

RUN = TrackedRun("m1 1-abc", {"alpha": "1.0"}, {"error": 0.11}, {"state": "promoted"})

INFO = {"run_id": "run1", "run_uuid": "run1", "experiment_id": "7", "status": "RUNNING", "artifact_uri": "x"}


class TrackingServer(ThreadingHTTPServer):
    """Answers as MLflow's tracking API does and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.experiments: dict[str, str] = {}
        self.refuses = False

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def last(self, endpoint: str) -> dict[str, Any]:
        return [body for path, body in self.told if path == endpoint][-1]


class Handler(BaseHTTPRequestHandler):
    server: TrackingServer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        name = query.partition("=")[2]
        if path.endswith("runs/get"):
            self._answer({"run": {"info": INFO, "data": {}}})
        elif name in self.server.experiments:
            self._answer({"experiment": {"experiment_id": self.server.experiments[name], "name": name}})
        else:
            self._answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}, status=404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        endpoint = self.path.rpartition("mlflow/")[2]
        self.server.told.append((endpoint, body))
        if self.server.refuses:
            self._answer({"error_code": "PERMISSION_DENIED", "message": "no"}, status=403)
            return
        answers: dict[str, dict[str, Any]] = {
            "experiments/create": {"experiment_id": "7"},
            "runs/create": {"run": {"info": INFO, "data": {}}},
            "runs/update": {"run_info": INFO},
        }
        if endpoint == "experiments/create":
            self.server.experiments[body["name"]] = "7"
        self._answer(answers.get(endpoint, {}))

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def server() -> Iterator[TrackingServer]:
    with TrackingServer() as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield listening
        listening.shutdown()


def test_a_run_arrives_with_parameters_metrics_and_tags(server: TrackingServer) -> None:
    assert log_run(server.uri, RUN)
    assert server.last("runs/create")["run_name"] == "m1 1-abc"
    batch = server.last("runs/log-batch")
    assert [(metric["key"], metric["value"]) for metric in batch["metrics"]] == [("error", 0.11)]
    assert batch["params"] == [{"key": "alpha", "value": "1.0"}]
    assert batch["tags"] == [{"key": "state", "value": "promoted"}]
    assert server.last("runs/update")["status"] == "FINISHED"
    assert log_run(server.uri, RUN), "the experiment is there by now"
    assert sum(path == "experiments/create" for path, _ in server.told) == 1


def test_a_server_that_is_away_or_refuses_is_a_warning(
    server: TrackingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    assert not log_run("http://127.0.0.1:9", RUN)
    server.refuses = True
    assert not log_run(server.uri, RUN)
    assert time.monotonic() - started < 30


def test_what_is_told_of_a_training(server: TrackingServer) -> None:
    trained = a_training()
    track(trained, None)
    assert server.told == []
    track(trained, server.uri)
    assert server.last("runs/log-batch")["run_id"] == "run1"
    run = tracked_run(trained)
    assert run.title == "m1 1-abc"
    assert run.parameters == {"alpha": "1.0", "data.file": "tracks.parquet", "data.sha256": "00"}
    assert run.metrics["error"] == pytest.approx(0.2)
    assert run.metrics["random-holdout.popularity_50.mne_eight"] == 0.1
    assert run.metrics["artist-holdout.all.coverage"] == 0.8
    assert (run.tags["state"], run.tags["version"], run.tags["baseline"]) == ("rejected", "1-abc", "1-old")


def a_training() -> TrainedVersion:
    def score(fold: str, minimum: int | None, mne: float) -> Score:
        nine = [mne] * 9
        return Score(fold, minimum, 10, nine, mne, mne, nine, 0.8, 0.2)

    scores = [score("random-holdout", 50, 0.1), score("artist-holdout", None, 0.3)]
    card = Card(
        name="m1",
        version="1-abc",
        created="2026-01-01",
        summary="",
        data={"file": "tracks.parquet", "sha256": "00", "sources": {}},
        rows=1,
        features=(),
        metrics={},
        parameters={"alpha": 1.0},
        libraries={},
    )
    return TrainedVersion(
        name="m1",
        version="1-abc",
        state=ModelState.REJECTED,
        reason="worse",
        known=False,
        baseline="1-old",
        folder=Path("x"),
        card=card,
        evaluation=Evaluation("m1", "1-abc", scores, 1.0),
    )
