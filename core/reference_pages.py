"""`docs/ERRORS.md` and `docs/SETTINGS.md`, made from the code: `python -m core.reference_pages docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from core.error_codes import ERROR_CODES
from core.settings import variables

_ERRORS_HEAD = """# Error codes

Every error carries one of these codes: in the `code` of a problem document (API), in brackets after `Error` (command
line), in `error_code` of a work item or attempt. Codes are stable. Made from `core/error_codes.py` by `make docs`.

| code | meaning | what to do | HTTP |
|---|---|---|---|
"""

_SETTINGS_HEAD = """# Settings

Environment variables, read by every command and process. Made from `core/settings.py` by `make docs`.

| variable | default | meaning |
|---|---|---|
"""


def errors_page() -> str:
    """All error codes as Markdown."""
    rows = (f"| `{code}` | {info.meaning} | {info.remedy} | {info.status} |" for code, info in ERROR_CODES.items())
    return _ERRORS_HEAD + "\n".join(rows) + "\n"


def settings_page() -> str:
    """All settings as Markdown."""
    rows = (f"| `{name}` | {default} | {meaning} |" for name, default, meaning in settings_rows())
    return _SETTINGS_HEAD + "\n".join(rows) + "\n"


def settings_rows() -> Iterator[tuple[str, str, str]]:
    """Variable, default and description of every setting."""
    for variable, field in variables():
        yield variable, _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "per user"
    return "" if field.default is None else f"`{field.default}`"


def main(folder: Path) -> None:
    """Write both pages."""
    (folder / "ERRORS.md").write_text(errors_page(), encoding="utf-8")
    (folder / "SETTINGS.md").write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
