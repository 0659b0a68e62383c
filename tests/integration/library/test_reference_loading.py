"""Loading the reference table: once, again, renewed, in part, not at all."""

import json
from pathlib import Path

import pytest
from reference_files import reference, spotify_id, write_references
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cli.reference import app
from core.errors import PermanentError
from core.settings import Settings
from db.engine import open_session
from services.reference import loading
from services.reference.loading import LoadSummary, load_reference, reference_status


def load(session: Session, path: Path, dataset: str | None = None) -> LoadSummary:
    summary = load_reference(session, path, dataset, lambda *_: None)
    session.commit()
    return summary


def count(session: Session, table: str = "spotify_reference") -> int:
    return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_loading_again_changes_nothing(session: Session, tmp_path: Path) -> None:
    bare = {"spotify_id": "", "duration_ms": ""}
    rows = [reference(1, "A", "One"), reference(2, "A", "Two", spotify_id=""), reference(3, "B", "Three", **bare)]
    path = write_references(tmp_path / "songs.csv", *rows)
    first, second = load(session, path), load(session, path)
    assert (first.rows, first.inserted, first.updated, first.unchanged) == (3, 3, 0, 0)
    assert (second.rows, second.inserted, second.updated, second.unchanged) == (3, 0, 0, 3)
    assert second.revision > first.revision
    assert first.dataset == "songs"
    assert count(session) == 3


def test_a_newer_file_renews_what_differs(session: Session, tmp_path: Path) -> None:
    load(
        session,
        write_references(tmp_path / "old.csv", reference(1, "A", "One"), reference(2, "A", "Two", spotify_id="")),
    )
    renewed = reference(1, "A", "One (Remastered)", energy=0.75), reference(2, "a", "TWO", spotify_id="", energy=0.25)
    summary = load(session, write_references(tmp_path / "new.csv", *renewed, reference(3, "C", "Three")))
    assert (summary.inserted, summary.updated, summary.unchanged) == (1, 2, 0)
    rows = session.execute(text("SELECT title, energy, dataset FROM spotify_reference ORDER BY spotify_id")).all()
    assert [tuple(row) for row in rows[::2]] == [("One (Remastered)", 0.75, "new"), ("TWO", 0.25, "new")]


def test_the_last_of_repeated_rows_counts(session: Session, tmp_path: Path) -> None:
    rows = [reference(1, "A", "One", energy=0.1), reference(1, "A", "One", energy=0.9)]
    bare = [reference(2, "A", "Two", spotify_id="", energy=level) for level in (0.1, 0.9)]
    summary = load(session, write_references(tmp_path / "songs.csv", *rows, *bare))
    assert summary.left_out == {"repeated": 2}
    assert session.scalars(text("SELECT energy FROM spotify_reference")).all() == pytest.approx([0.9, 0.9])


def test_unusable_rows_are_counted_and_the_others_loaded(session: Session, tmp_path: Path) -> None:
    rows = [reference(1, "A", "One"), reference(2, "", "Two"), reference(3, "C", "Three", energy=7)]
    summary = load(session, write_references(tmp_path / "songs.csv", *rows))
    assert summary.left_out == {"blank-artist": 1, "feature-out-of-range": 1}
    assert summary.first_left_out == {"blank-artist": 2, "feature-out-of-range": 3}
    assert count(session) == 1


def test_a_file_of_unusable_rows_loads_nothing(session: Session, tmp_path: Path) -> None:
    path = write_references(tmp_path / "songs.csv", reference(1, "", "One"), reference(2, "A", ""))
    with pytest.raises(PermanentError, match="1 blank-artist, 1 blank-title") as raised:
        load_reference(session, path, None, lambda *_: None)
    session.rollback()
    assert raised.value.code == "no-usable-rows"
    assert count(session) == count(session, "reference_loads") == 0


def test_nothing_half_remains_of_a_load_that_is_cut_off(session: Session, database_url: str, tmp_path: Path) -> None:
    path = write_references(tmp_path / "songs.csv", reference(1, "A", "One"))

    def interrupt(step: str, *_: object) -> None:
        if step == "Indexing artists":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_session(database_url) as other:
        load_reference(other, path, None, interrupt)
    assert count(session) == count(session, "reference_artists") == 0
    assert load(session, path).inserted == 1


def test_large_files_are_computed_by_processes(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_references(
        tmp_path / "songs.csv", *(reference(number, "A", f"Song {number}") for number in range(300))
    )
    steps: list[tuple[str, int, int | None]] = []
    monkeypatch.setattr(loading, "PARALLEL_BYTES", 1)
    summary = load_reference(session, path, "named", lambda *step: steps.append(step))
    session.commit()
    assert (summary.inserted, summary.dataset) == (300, "named")
    assert ("Reading", 300, None) in steps
    assert count(session, "reference_artists") == 1


def test_status_lists_data_sets_and_loads(session: Session, tmp_path: Path) -> None:
    load(session, write_references(tmp_path / "a.csv", reference(1, "A", "One", isrc="USRC17607839")))
    load(
        session, write_references(tmp_path / "b.csv", reference(2, "B", "Two", spotify_id="", duration_ms="")), "other"
    )
    status = reference_status(session)
    counts = [
        (row["dataset"], row["rows"], row["with_spotify_id"], row["with_isrc"], row["with_duration"])
        for row in status["datasets"]
    ]
    assert counts == [("a", 1, 1, 1, 1), ("other", 1, 0, 0, 0)]
    assert [row["file"] for row in status["loads"]] == ["b.csv", "a.csv"]


def test_the_command_loads_and_shows(settings: Settings, tmp_path: Path) -> None:
    runner = CliRunner()
    path = write_references(tmp_path / "songs.csv", reference(1, "A", "One"), reference(2, "A", ""))
    empty = runner.invoke(app, ["status"])
    assert "empty" in empty.stdout
    loaded = json.loads(runner.invoke(app, ["load", str(path), "--dataset", "mine", "--json"]).stdout)
    assert (loaded["dataset"], loaded["inserted"], loaded["left_out"]) == ("mine", 1, {"blank-title": 1})
    told = runner.invoke(app, ["load", str(path)]).stdout
    assert "2 rows read, 0 new, 1 renewed, 0 as before" in told
    assert "1 rows left out: 1 blank-title" in told
    assert json.loads(runner.invoke(app, ["status", "--json"]).stdout)["rows"] == 1
    assert "songs" in runner.invoke(app, ["status"]).stdout


def test_the_command_names_what_is_wrong_with_a_file(settings: Settings, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["load", str(tmp_path / "none.csv")])
    assert isinstance(result.exception, PermanentError)
    assert result.exception.code == "file-not-found"


def test_ids_are_those_of_the_file(session: Session, tmp_path: Path) -> None:
    load(session, write_references(tmp_path / "songs.csv", reference(1, "A", "One")))
    assert session.scalars(text("SELECT spotify_id FROM spotify_reference")).all() == [spotify_id(1)]
