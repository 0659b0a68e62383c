"""Predictors by name, loaded only when asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigurationError, PermanentError
from models.registry import PREDICTORS, find_trainer, load_predictor

HEAVY = ("sklearn", "scipy", "pyarrow", "torch", "lightgbm")


@pytest.mark.parametrize("find", [load_predictor, find_trainer])
def test_an_unknown_name_lists_the_known_ones(find: object) -> None:
    with pytest.raises(PermanentError, match=r"'m9'.*m1") as caught:
        find("m9")  # type: ignore[operator]
    assert caught.value.code == "invalid-option"


def test_a_folder_without_the_artifact_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=str(tmp_path)) as caught:
        load_predictor("m1", tmp_path)
    assert caught.value.code == "artifact-missing"


@pytest.mark.parametrize("name", sorted(PREDICTORS))
def test_every_entry_leads_to_a_trainer(name: str) -> None:
    assert callable(find_trainer(name))


@pytest.mark.parametrize("code", ["import models.registry", "import models.registry as r; r.load_predictor('m1')"])
def test_neither_the_registry_nor_m1_loads_a_heavy_library(code: str) -> None:
    script = f"{code}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
