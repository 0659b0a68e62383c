"""Measuring matches on a small table: what is counted, and the page that shows it."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import PermanentError
from core.features import FEATURES
from models.training_data import ReferenceTable, read_reference_table
from services.reference.evaluation import evaluate_matches
from services.reference.impostors import NEGATIVE
from services.reference.matching_report import render
from services.reference.perturbations import POSITIVE

_SYLLABLES = ("ka", "ro", "mi", "ne", "ta", "lo", "shi", "va", "den", "gar", "lun", "pol", "tri", "bel", "mon", "ser")


@pytest.fixture
def table(tmp_path: Path) -> ReferenceTable:
    """Songs of several artists, some with numbers and guests in the title."""
    rng = random.Random(1)

    def name(words: int) -> str:
        return " ".join("".join(rng.choices(_SYLLABLES, k=3)).title() for _ in range(words))

    n = 600
    artists = [[f"The {name(1)}" if rng.random() < 0.3 else name(2)] for _ in range(120)]
    endings = ["", "", "", " 7", " (feat. Somebody)"]
    columns = {
        "track_id": [f"{number:022d}" for number in range(n)],
        "title": [name(2) + rng.choice(endings) for _ in range(n)],
        "artists": [rng.choice(artists) + ([name(2)] if rng.random() < 0.3 else []) for _ in range(n)],
        "duration_ms": [rng.randrange(100_000, 400_000) for _ in range(n)],
        "fold": ["train"] * n,
        **{f.name: [rng.uniform(max(f.low, 1e-3), f.high) for _ in range(n)] for f in FEATURES},
    }
    columns["artist"] = [names[0] for names in columns["artists"]]
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "songs.parquet")
    return read_reference_table(tmp_path / "songs.parquet")


def test_every_kind_is_counted_and_shown(session: Session, table: ReferenceTable) -> None:
    steps: set[str] = set()
    evaluation = evaluate_matches(session, table, per_kind=5, seed=3, on_step=lambda step, *_: steps.add(step))
    assert [result.kind for result in evaluation.positives] == list(POSITIVE)
    assert [result.kind for result in evaluation.negatives] == list(NEGATIVE)
    assert evaluation.recall > 0.9
    assert evaluation.n_references == 540
    assert len(evaluation.sweeps) > 10
    assert steps == {"Loading references", "Trying thresholds", "Matching the other half"}
    figures = evaluation.as_dict()
    assert figures["cases"] == sum(kind["n"] for kind in [*figures["positives"], *figures["negatives"]])
    page = render(evaluation, "musicspace evaluate matching")
    assert all(kind in page for kind in (*POSITIVE, *NEGATIVE))
    assert "in a table of 540 recordings" in " ".join(page.split())


def test_the_same_seed_gives_the_same_figures(session: Session, table: ReferenceTable) -> None:
    figures = []
    for _ in range(2):
        evaluation = evaluate_matches(session, table, per_kind=3, seed=3, on_step=lambda *_: None, tune=False)
        figures.append(evaluation.as_dict())
        session.rollback()
    assert figures[0] == figures[1]
    assert session.execute(text("SELECT count(*) FROM spotify_reference")).scalar_one() == 0


def test_a_table_without_ids_cannot_be_evaluated(session: Session, table: ReferenceTable) -> None:
    table.tracks.track_id[:] = [""] * len(table)
    with pytest.raises(PermanentError, match="track_id"):
        evaluate_matches(session, table, per_kind=1, seed=1, on_step=lambda *_: None)
