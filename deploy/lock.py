"""Write constraints.txt: one version of every package that all extras together need. `make lock` runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Needed by redis before Python 3.11.3, which is what Debian 12 has, whatever Python resolves here.
OLDER_PYTHON = ("async-timeout",)
HEADER = """\
# Versions that resolve together, for every extra. Written by `make lock`; change pyproject.toml instead.
"""


def main() -> None:
    """Resolve, and replace the file."""
    pins = sorted({pin(entry) for entry in resolve() if not entry.get("is_direct")}, key=str.lower)
    (ROOT / "constraints.txt").write_text(HEADER + "".join(f"{line}\n" for line in pins))
    sys.stdout.write(f"constraints.txt: {len(pins)} packages\n")


def resolve() -> list[dict[str, Any]]:
    """What pip would install on a bare machine; nothing is installed."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = subprocess.run([*command, f"{ROOT}[dev,gpu]", *OLDER_PYTHON], check=True, stdout=subprocess.PIPE).stdout
    packages: list[dict[str, Any]] = json.loads(report)["install"]
    return packages


def pin(entry: dict[str, Any]) -> str:
    """A pinned requirement, without the local part of a build such as 2.13.0+cpu."""
    metadata = entry["metadata"]
    return f"{metadata['name']}=={metadata['version'].partition('+')[0]}"


if __name__ == "__main__":
    main()
