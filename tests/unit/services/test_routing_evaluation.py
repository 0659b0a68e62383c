"""The report on a small table and estimates in files: every table, honest words, clear errors."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import services.report_files as report_files
from core.errors import PermanentError
from core.features import FEATURE_NAMES, FEATURES
from services.routing_evaluation import Request, evaluate_routing
from services.routing_evaluation.calls import spend_calls
from services.routing_evaluation.estimate_tables import read_estimates
from services.routing_evaluation.pairs import split_pair

N = 120
SCALES = np.array([feature.scale for feature in FEATURES])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference table, a base that is off by 0.1, and answers that are right for pop and wrong for the rest."""
    path = tmp_path_factory.mktemp("routing")
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.3, 0.7, (N, 9))
    pop = np.arange(N) % 2 == 0
    write(path / "tracks.parquet", truth, metadata(pop))
    write(path / "base.csv", truth + 0.1 * rng.choice([-1, 1], truth.shape))
    off = np.where(pop, 0.0, 0.25)[:, None] * rng.choice([-1, 1], truth.shape)
    write(path / "answers.parquet", truth + off)
    lines = [
        json.dumps({"track_id": f"t{i}", "features": {"energy": float(truth[i, FEATURE_NAMES.index("energy")])}})
        for i in range(0, N, 3)
    ]
    (path / "answers.jsonl").write_text("\n".join(lines) + "\n")
    return path


def metadata(pop: np.ndarray) -> dict[str, list[object]]:
    return {
        "title": [f"title {i}" for i in range(N)],
        "artist": [f"artist {i // 2}" for i in range(N)],
        "fold": ["train" if i % 4 == 0 else "random-holdout" for i in range(N)],
        "genres": [["pop"] if own else ["reggaeton"] for own in pop],
        "popularity": [None if i % 5 == 0 else 40 + i % 50 for i in range(N)],
    }


def write(path: Path, normalized: np.ndarray, more: dict[str, list[object]] | None = None) -> None:
    values = np.clip(normalized, 0, 1) * SCALES
    values[:, FEATURE_NAMES.index("loudness")] -= 60
    columns = {"track_id": [f"t{i}" for i in range(N)], **dict(zip(FEATURE_NAMES, values.T, strict=True))}
    table = pa.table(columns | (more or {}))
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.parquet.write_table(table, path)


def request(folder: Path, out: Path, *pairs: str) -> Request:
    return Request(folder / "tracks.parquet", out, folder, pairs)


def test_two_files_make_every_table(folder: Path, tmp_path: Path) -> None:
    pair = f"{folder / 'base.csv'},{folder / 'answers.parquet'}"
    outcome = evaluate_routing(request(folder, tmp_path, pair), lambda *_: None)
    result = outcome.report.pairs[0]
    popular, everything = result.sets
    assert (popular.min_popularity, everything.min_popularity, everything.rows) == (50, None, 90)
    mne = {name: score.mne for name, score in everything.scores.items()}
    assert mne["base"] == pytest.approx(0.1, abs=0.001)
    assert mne["qlty"] == pytest.approx(0.25 * 2 / 3, abs=0.001)
    # Every answer about pop is right, and no other is.
    assert mne["genre"] == pytest.approx(mne["oracle"], abs=0.001)
    assert everything.of_oracle["genre"] == pytest.approx(1.0, abs=0.01)
    assert everything.of_oracle["base"] == 0.0
    assert [each.genre for each in everything.genres] == ["latin", "pop"]
    assert everything.wins.other_tracks == pytest.approx(1 / 3, abs=0.01)
    assert sum(each.rows for each in everything.by_divergence) == 90
    assert sum(everything.routes["divergence"].values()) == pytest.approx(1.0)
    assert not result.simulated
    assert "fewer than 1,000" in result.without_learned
    page = (tmp_path / "report.md").read_text()
    assert "imulated" not in page
    assert "base.csv with answers.parquet" in page
    assert str(folder) not in page
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["format_version"] == 1
    assert document["calibration"] is None
    assert {path.name for path in outcome.files} >= {"report.md", "report.json", "strategies.png", "divergence.png"}


def test_a_recording_is_judged_on_the_tracks_it_holds(folder: Path, tmp_path: Path) -> None:
    pair = f"{folder / 'base.csv'},{folder / 'answers.jsonl'}"
    outcome = evaluate_routing(request(folder, tmp_path, pair), lambda *_: None)
    everything = outcome.report.pairs[0].sets[-1]
    assert everything.rows == sum(i % 3 == 0 and i % 4 != 0 for i in range(N))
    energy = FEATURE_NAMES.index("energy")
    assert everything.scores["qlty"].error[energy] < 0.001
    assert everything.scores["qlty"].error[0] == everything.scores["base"].error[0]


def test_without_matplotlib_there_are_no_plots(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_files, "find_spec", lambda name: None)
    pair = f"{folder / 'base.csv'},{folder / 'answers.parquet'}"
    outcome = evaluate_routing(request(folder, tmp_path, pair), lambda *_: None)
    assert outcome.plots_missing
    assert "![" not in (tmp_path / "report.md").read_text()
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("name", ["", "m1", "m1,", "simulated,m1", "m1,nonsense", "m1,blend,neural"])
def test_what_is_no_pair_is_told_early(folder: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(PermanentError, match="is no pair") as caught:
        evaluate_routing(request(folder, tmp_path, name), lambda *_: None)
    assert caught.value.code == "invalid-option"


def test_the_simulation_alone_is_beside_m1() -> None:
    assert split_pair("simulated") == ("m1", "simulated")
    assert split_pair("blend, simulated") == ("blend", "simulated")


def test_unusable_estimates_are_named(folder: Path, tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(folder / "answers.parquet")
    pyarrow.parquet.write_table(table.drop_columns(["tempo"]), tmp_path / "narrow.parquet")
    with pytest.raises(PermanentError, match=r"narrow\.parquet.*no column tempo"):
        read_estimates(tmp_path / "narrow.parquet", ["t1"])
    pyarrow.parquet.write_table(pa.concat_tables([table, table]), tmp_path / "twice.parquet")
    with pytest.raises(PermanentError, match="track_id twice"):
        read_estimates(tmp_path / "twice.parquet", ["t1"])
    loud = table.set_column(table.column_names.index("energy"), "energy", pa.array([7.0] * N))
    pyarrow.parquet.write_table(loud, tmp_path / "loud.parquet")
    with pytest.raises(PermanentError, match=r"energy = 7 in row 1"):
        read_estimates(tmp_path / "loud.parquet", ["t1"])
    with pytest.raises(PermanentError) as caught:
        read_estimates(tmp_path / "none.csv", ["t1"])
    assert caught.value.code == "file-not-found"


def test_estimates_follow_the_tracks_and_unknown_ones_are_missing(folder: Path) -> None:
    values, unsure = read_estimates(folder / "answers.parquet", ["t5", "no such track", "t2"])
    assert np.isnan(values[1]).all()
    assert np.isnan(unsure).all()
    np.testing.assert_array_equal(values[2], read_estimates(folder / "answers.parquet", ["t2"])[0][0])


def test_calls_are_spent_on_the_best_first() -> None:
    base, gains = np.full(100, 0.2), np.linspace(0.1, 0.0, 100)
    known = spend_calls(base, base - gains, gains)
    assert known.best_first == known.oracle
    assert known.gain_at_aim == pytest.approx(0.51, abs=0.01)
    blind = spend_calls(base, base - gains, gains[::-1])
    assert blind.gain_at_aim == pytest.approx(0.09, abs=0.01)
    assert blind.best_first[0] == pytest.approx(0.2)
    assert blind.best_first[-1] == pytest.approx(blind.oracle[-1]) == pytest.approx(blind.random[-1])
    assert blind.calls_for_aim > known.calls_for_aim
