"""The whole evaluation on a small table with fake predictors: what it writes, what it keeps, what it refuses."""

import importlib.util
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from core.errors import ConfigurationError, PermanentError
from core.features import FEATURES, N_FEATURES
from core.tracks import TrackBatch
from models.artifacts import Card, load_artifact, publish_artifact, write_document
from models.evaluation import cost
from models.predictors.protocol import Prediction, TrainedPredictor, clip_to_ranges
from models.registry import PredictorEntry
from models.training_data import ReferenceTable
from services.evaluation import Request, evaluate_predictors
from services.report_files import Outcome

N_ROWS = 900
FAKES = ("near", "far")
_LOW = np.array([feature.low for feature in FEATURES])
_RANGE = np.array([feature.high - feature.low for feature in FEATURES])


class FakePredictor:
    """Answers with the middle of each range, moved by a share of it."""

    def __init__(self, name: str, shift: float, version: str) -> None:
        self.name, self.shift, self.version = name, shift, version

    def predict(self, tracks: TrackBatch) -> Prediction:
        values = np.tile(_LOW + (0.5 + self.shift) * _RANGE, (len(tracks), 1))
        widths = np.tile(0.4 * _RANGE, (len(tracks), 1))
        return Prediction(clip_to_ranges(values), widths.astype(np.float32), np.zeros(len(tracks), dtype=np.float32))


def fake_module(name: str, shift: float, trained_on: list[ReferenceTable]) -> ModuleType:
    """A module with the two halves of a predictor, as the registry names them."""

    class Loader:
        @staticmethod
        def load(artifacts_dir: Path) -> FakePredictor:
            artifact = load_artifact(artifacts_dir, name)
            return FakePredictor(name, artifact.document("fake.json"), artifact.card.version)

    def train(table: ReferenceTable, on_progress: Any) -> TrainedPredictor:
        trained_on.append(table)
        on_progress(1, 1)
        return TrainedPredictor(
            FakePredictor(name, shift, "7"), "7", "A fake.", {}, lambda folder: write_document(folder / "fake.json", 0)
        )

    module = ModuleType(f"evaluation_fake_{name}")
    module.Loader, module.train, module.DESIGN = Loader, train, "7"  # type: ignore[attr-defined]
    return module


@pytest.fixture
def trained_on() -> dict[str, list[ReferenceTable]]:
    """The tables that each fake was trained on."""
    return {name: [] for name in FAKES}


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_on: dict[str, list[ReferenceTable]]) -> Path:
    """A registry of two fakes, and their artifacts."""
    monkeypatch.setattr(cost, "measure_load", lambda name, artifacts_dir: 0.5)
    monkeypatch.setattr(cost, "SPEED_TRACKS", 50)
    monkeypatch.setattr(cost, "YARDSTICK_S", 0.01)
    predictors: dict[str, PredictorEntry] = {}
    for module in ("models.registry", "services.evaluation.run", "services.evaluation.retraining"):
        monkeypatch.setattr(f"{module}.PREDICTORS", predictors)
    for name, shift in zip(FAKES, (0.0, 0.2), strict=True):
        fake = fake_module(name, shift, trained_on[name])
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        predictors[name] = PredictorEntry(f"{fake.__name__}:Loader", f"{fake.__name__}:train")
        card = Card(name, "7", "2026-01-01", "A fake.", {}, 1, (), {}, {}, {})
        publish_artifact(
            tmp_path / "models", card, lambda folder, shift=shift: write_document(folder / "fake.json", shift)
        )
    return tmp_path / "models"


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "services.report_files.find_spec", lambda name: None if name == "matplotlib" else find_spec(name)
    )


def columns(*, popularity: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    folds = ["train"] * 500 + ["random-holdout"] * 200 + ["artist-holdout"] * 200
    content: dict[str, Any] = {
        "track_id": [f"t{row}" for row in range(N_ROWS)],
        "title": [f"Song | {row}" for row in range(N_ROWS)],
        "artist": [f"Band {row % 60}" for row in range(N_ROWS)],
        "album": [f"Album {row % 90}" for row in range(N_ROWS)],
        "genres": [[("rock", "pop")[row % 2]] if row % 5 else [] for row in range(N_ROWS)],
        "release_year": [2005 + row % 20 for row in range(N_ROWS)],
        "fold": folds,
    }
    if popularity:
        content["popularity"] = [row % 101 for row in range(N_ROWS)]
    values = rng.uniform(0.2, 0.8, size=(N_ROWS, N_FEATURES))
    return content | {feature.name: _LOW[i] + _RANGE[i] * values[:, i] for i, feature in enumerate(FEATURES)}


@pytest.fixture
def request_(tmp_path: Path, artifacts: Path) -> Request:
    path = tmp_path / "tracks.parquet"
    pyarrow.parquet.write_table(pa.table(columns()), path)
    return Request(path, tmp_path / "report", tmp_path / "work", artifacts)


def run(request_: Request) -> Outcome:
    return evaluate_predictors(request_, lambda step, done, total: None)


def tables_of(markdown: str) -> list[list[str]]:
    """The tables of a page, as lists of lines."""
    blocks = re.split(r"\n\s*\n", markdown)
    return [block.splitlines() for block in blocks if block.startswith("|")]


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line.strip())[1:-1]


def test_a_report_is_written_whole(request_: Request) -> None:
    outcome = run(request_)
    names = {path.name for path in request_.out.iterdir()}
    assert {"report.md", "details.md", "report.json"} <= names
    assert names == {path.name for path in outcome.files}
    for page in ("report.md", "details.md"):
        text = (request_.out / page).read_text(encoding="utf-8")
        assert not re.search(r"\b(nan|NaN|inf|None)\b", text)
        assert str(request_.data.parent) not in text
        for lines in tables_of(text):
            assert len({len(cells(line)) for line in lines}) == 1, lines
            assert set(cells(lines[1])[1:]) <= {" ---: "}
    text = (request_.out / "report.md").read_text(encoding="utf-8")
    assert "musicspace evaluate predictors --data tracks.parquet --out report" in text
    assert [cells(line)[0].strip() for line in tables_of(text)[0][2:]] == [
        "global mean",
        "genre mean",
        "artist mean",
        "**near**",
        "far",
        "oracle over the predictors",
    ]
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    assert linked <= names


@pytest.mark.usefixtures("no_matplotlib")
def test_the_figures_are_in_the_document(request_: Request) -> None:
    run(request_)
    document = json.loads((request_.out / "report.json").read_text(encoding="utf-8"))
    assert document["format_version"] == 1
    assert document["reference"] == "near"
    titles = ("random-holdout", "artist-holdout", "temporal 2021+", "temporal 2018-2020", "genre-stratified")
    assert [each["title"] for each in document["sets"]] == [title for title in titles for _ in range(2)]
    random = next(each for each in document["sets"] if each["title"] == "random-holdout" and not each["min_popularity"])
    assert random["rows"] == 200
    assert random["scores"]["near"]["mne"] < random["scores"]["far"]["mne"]
    assert random["scores"]["global mean"]["intervals"] is None
    assert random["scores"]["global mean"]["pearson"][0] is None
    assert random["wins"]["tracks"].keys() == {"near", "far"}
    assert sum(random["wins"]["tracks"].values()) + random["wins"]["tied_tracks"] == 200
    assert len(random["samples"]["near"]["means"]) == 200
    assert sum(genre["rows"] for genre in random["genres"]) == 200
    assert document["costs"]["near"]["load_s"] == 0.5
    assert document["table"]["rows"] == N_ROWS
    assert document["variance"]["all"]["within_artist"]["groups"] == 60


@pytest.mark.usefixtures("no_matplotlib")
def test_the_preferred_reference_is_the_blend(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.evaluation.run.PREFERRED_REFERENCE", "far")
    assert run(replace(request_, splits=("random",))).report.reference == "far"


@pytest.mark.usefixtures("no_matplotlib")
def test_the_temporal_split_trains_anew_and_resumes(
    request_: Request, trained_on: dict[str, list[ReferenceTable]]
) -> None:
    chosen = replace(request_, splits=("temporal",))
    run(chosen)
    (near,), (far,) = trained_on["near"], trained_on["far"]
    assert max(year or 0 for year in near.tracks.release_year) == 2017
    assert set(near.fold) == {"train"}
    assert len(near) == len(far)
    # A second run trains nothing; one that lost an artifact trains that one.
    run(chosen)
    assert [len(tables) for tables in trained_on.values()] == [1, 1]
    (kept,) = request_.work_dir.glob("temporal-*/far/fake-*.json")
    kept.write_text("1", encoding="utf-8")
    run(chosen)
    assert [len(tables) for tables in trained_on.values()] == [1, 2]


@pytest.mark.usefixtures("no_matplotlib")
def test_another_design_or_table_is_trained_anew(
    request_: Request, trained_on: dict[str, list[ReferenceTable]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(request_, splits=("temporal",), predictors=("near",))
    run(chosen)
    monkeypatch.setattr(sys.modules["evaluation_fake_near"], "DESIGN", "8")
    run(chosen)
    assert len(trained_on["near"]) == 2
    monkeypatch.setattr(sys.modules["evaluation_fake_near"], "DESIGN", "7")
    content = columns() | {"title": ["Another song"] * N_ROWS}
    pyarrow.parquet.write_table(pa.table(content), request_.data)
    run(chosen)
    assert len(trained_on["near"]) == 3
    assert trained_on["far"] == []


@pytest.mark.usefixtures("no_matplotlib")
def test_other_splits_train_nothing(request_: Request, trained_on: dict[str, list[ReferenceTable]]) -> None:
    outcome = run(replace(request_, splits=("genre", "random"), predictors=("far",)))
    assert trained_on == {"near": [], "far": []}
    assert {result.split for result in outcome.report.sets} == {"genre", "random"}
    assert not request_.work_dir.exists()
    text = (request_.out / "report.md").read_text(encoding="utf-8")
    assert "--splits genre,random --predictors far" in text
    # With one predictor there is nobody to win against, and no choice for an oracle.
    assert "oracle over" not in text
    assert "Ties:" not in text


@pytest.mark.usefixtures("no_matplotlib")
def test_plots_need_matplotlib(request_: Request) -> None:
    outcome = run(replace(request_, splits=("random",)))
    assert outcome.plots_missing
    assert {path.name for path in request_.out.iterdir()} == {"report.md", "details.md", "report.json"}
    assert ".png" not in (request_.out / "report.md").read_text(encoding="utf-8")


def test_plots_are_images(request_: Request) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(request_)
    assert not outcome.plots_missing
    plots = [path for path in outcome.files if path.suffix == ".png"]
    assert {path.stem for path in plots} == {"mne", "features", "coverage", "genres", "samples", "cost"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in plots)


def test_a_table_without_popularity_is_judged_as_a_whole(request_: Request) -> None:
    pyarrow.parquet.write_table(pa.table(columns(popularity=False)), request_.data)
    outcome = run(request_)
    assert {result.min_popularity for result in outcome.report.sets} == {None}
    text = (request_.out / "report.md").read_text(encoding="utf-8")
    assert "Tracks of popularity" not in text
    assert "its popular tracks" not in text


@pytest.mark.usefixtures("no_matplotlib")
def test_a_table_without_years_skips_the_temporal_split(request_: Request) -> None:
    content = columns()
    del content["release_year"]
    pyarrow.parquet.write_table(pa.table(content), request_.data)
    outcome = run(request_)
    assert outcome.report.skipped == ["The table has no tracks for the split temporal."]
    assert outcome.report.skipped[0] in (request_.out / "report.md").read_text(encoding="utf-8")
    with pytest.raises(PermanentError, match="no tracks for the split temporal"):
        run(replace(request_, splits=("temporal",)))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"splits": ("random", "moon")}, "random, artist, temporal, genre"),
        ({"predictors": ("near", "m99")}, "near, far"),
    ],
)
def test_unknown_names_are_refused(request_: Request, change: dict[str, Any], named: str) -> None:
    with pytest.raises(PermanentError, match=named) as raised:
        run(replace(request_, **change))
    assert raised.value.code == "invalid-option"
    assert not request_.out.exists()


def test_a_file_cannot_take_the_report(request_: Request) -> None:
    with pytest.raises(PermanentError, match="cannot be a folder") as raised:
        run(replace(request_, out=request_.data))
    assert raised.value.code == "invalid-option"


def test_a_predictor_without_artifact_is_told(request_: Request, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="near") as raised:
        run(replace(request_, artifacts_dir=tmp_path / "nowhere"))
    assert raised.value.code == "artifact-missing"
