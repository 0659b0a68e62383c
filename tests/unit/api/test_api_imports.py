"""Importing the API loads no ML library: it starts in a moment and needs little memory."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "librosa", "sklearn", "scipy", "catboost", "lightgbm", "xgboost", "chromadb")
LAZY = ("numpy", "pandas", "pyarrow")


@pytest.mark.parametrize("module", ["api.app", "api.server"])
def test_importing_it_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({(*HEAVY, *LAZY)!r})))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
