"""The shape of the code: small files, short functions, documented errors and settings, one schema."""

import ast
import statistics
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from core.error_codes import ERROR_CODES
from core.features import FEATURE_NAMES
from core.reference_pages import errors_page, settings_page, settings_rows
from db.engine import get_engine
from db.tables import Base, Track, TrackEstimate

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "audio", "cli", "core", "db", "integrations", "models", "services", "tasks", "workers")
SOURCES = [
    path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py") if "versions" not in path.parts
]
MAX_LINES = 300
MAX_FUNCTION_LINES = 60


def functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_files_are_small():
    too_long = {
        str(path.relative_to(REPOSITORY)): n
        for path in SOURCES
        if (n := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert too_long == {}


def test_functions_are_short():
    lengths = {f"{path.relative_to(REPOSITORY)}:{name}": n for path in SOURCES for name, n in functions(path)}
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}
    assert statistics.median(lengths.values()) <= 12


def test_no_module_is_a_junk_drawer():
    assert [path for path in SOURCES if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_every_error_code_is_used():
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "error_codes.py")
    assert [name for name in ERROR_CODES if f'"{name}"' not in code and f"'{name}'" not in code] == []


def test_every_setting_has_a_description():
    assert [name for name, _, description in settings_rows() if not description] == []


@pytest.mark.parametrize(("name", "page"), [("ERRORS.md", errors_page), ("SETTINGS.md", settings_page)])
def test_reference_pages_are_up_to_date(name, page):
    assert (REPOSITORY / "docs" / name).read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("table", [Track, TrackEstimate])
def test_tables_hold_the_nine_features(table):
    columns = [column.name for column in table.__table__.columns]
    assert [name for name in columns if name in FEATURE_NAMES] == list(FEATURE_NAMES)


def test_migrations_make_the_schema_the_tables_describe(database_url):
    with get_engine(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
