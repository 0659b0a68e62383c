"""What may be imported where: import contracts, and no ML library at the top of anything that starts often."""

import subprocess
import sys
import time

import pytest

# pandas and scipy are not on the list of the house, but cost as much.
HEAVY = (
    *("torch", "transformers", "librosa", "numba", "sklearn", "scipy", "pandas"),
    *("catboost", "implicit", "lightgbm", "xgboost", "chromadb", "onnxruntime", "google.genai", "fsspec"),
)

LIGHT = (
    "api.app",
    "api.server",
    "cli.main",
    "tasks.analyze",
    "tasks.app",
    "tasks.enrich",
    "tasks.forget_user",
    "tasks.maintenance",
    "tasks.publishing",
    "tasks.train",
    "tasks.train_community",
    "tasks.train_user",
    "workers.cpu",
    "workers.gpu",
    "workers.beat",
    "db.tables",
    "db.migrate",
    "core.settings",
    "models.registry",
)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_loads_no_heavy_library(module):
    script = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_help_answers_at_once():
    """Half a second is the promise; the best of three keeps a busy machine out of it."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "cli.main", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.5


def test_importing_connects_to_nothing_and_reads_no_setting():
    """A wrong setting must not break an import: settings are read when they are needed."""
    script = "import api.app, cli.main, tasks.app, tasks.enrich, workers.cpu"
    environment = {"MUSICSPACE_REDIS_URL": "nonsense", "PATH": ""}
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=environment)


def test_import_contracts_hold():
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
