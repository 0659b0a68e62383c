"""Training a global predictor publishes an artifact that loads, with a card that tells how good it is."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from core.errors import PermanentError
from core.features import FEATURES
from models.artifacts import load_artifact
from models.registry import load_predictor
from services.training import train_global


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """200 tracks of random features: enough to run through, nothing to learn."""
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {
        "title": [f"Song {row}" for row in range(200)],
        "artist": [f"Band {row % 30}" for row in range(200)],
        "fold": ["train"] * 160 + ["random-holdout"] * 20 + ["artist-holdout"] * 20,
        "source": ["tidytuesday-2020"] * 200,
    }
    features = {feature.name: rng.uniform(feature.low, feature.high, size=200) for feature in FEATURES}
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pa.table(columns | features), path)
    return path


def test_a_training_publishes_a_predictor_with_its_card(table: Path, tmp_path: Path) -> None:
    result = train_global("m1", table, tmp_path / "models", lambda done, total: None)
    assert load_predictor("m1", tmp_path / "models").version == result.card.version
    card = load_artifact(tmp_path / "models", "m1").card
    assert card.rows == 160
    assert card.data["file"] == "table.parquet"
    assert "TidyTuesday" in card.data["sources"]["tidytuesday-2020"]
    assert card.metrics["random-holdout, all tracks"]["rows"] == 20


def test_an_unknown_predictor_or_table_publishes_nothing(table: Path, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="m1"):
        train_global("m9", table, tmp_path / "models", lambda done, total: None)
    with pytest.raises(PermanentError, match=r"none\.parquet"):
        train_global("m1", tmp_path / "none.parquet", tmp_path / "models", lambda done, total: None)
    assert not (tmp_path / "models").exists()
