"""Install pip into a virtual environment that was made without it. Run by that environment's Python.

Debian moves ensurepip into the package python3-venv, which a fresh machine lacks. This script needs the standard
library only. It reads pip's own variables PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and PIP_CERT.
"""

import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

WHEEL = "pip-26.2.1-py3-none-any.whl"
SHA256 = "71138adf1f4ca900cdb7d289c21b7494329f2332b6d85f0e1c42108c0384ed3e"
TIMEOUT_S = 60


def main() -> None:
    """Download the pinned wheel and let it install itself."""
    sys.stdout.write(f"Fetching {WHEEL} ...\n")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / WHEEL
        try:
            wheel.write_bytes(download())
        except (OSError, ValueError) as error:
            sys.exit(f"pip could not be fetched: {error}\nInstall the system package instead: apt install python3-venv")
        command = [sys.executable, str(wheel / "pip"), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
        sys.exit(subprocess.run(command, check=False).returncode)


def download() -> bytes:
    """The wheel, from the first index that has it.

    Raises
    ------
    ValueError
        No index has it, or what came is not the file that was pinned.
    """
    problems = []
    for index in indexes():
        page_url = f"{index.rstrip('/')}/pip/"
        try:
            page_url = page_url if not page_url.startswith("file:") else page_url + "index.html"
            content = fetch(wheel_url(page_url, fetch(page_url).decode()))
        except (OSError, ValueError) as error:
            problems.append(f"{page_url}: {error}")
            continue
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise ValueError(f"{page_url}: {WHEEL} does not match its pinned checksum")
        return content
    raise ValueError("; ".join(problems))


def indexes() -> Iterator[str]:
    """Package indexes, in the order pip asks them."""
    yield os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
    yield from os.environ.get("PIP_EXTRA_INDEX_URL", "").split()


def wheel_url(page_url: str, page: str) -> str:
    """The address of the wheel on an index page (PEP 503)."""
    targets: list[str] = re.findall(r'href="([^"#]+)', page)
    for target in targets:
        if target.endswith("/" + WHEEL) or target == WHEEL:
            return urllib.parse.urljoin(page_url, target)
    raise ValueError(f"the index has no {WHEEL}")


def fetch(url: str) -> bytes:
    """The content of a URL.

    A machine without ca-certificates cannot check who answers. The checksum decides what is run, so it is asked
    again without that check.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=tls(url)) as response:
            return bytes(response.read())
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError) or ssl.create_default_context().get_ca_certs():
            raise
    with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=ssl._create_unverified_context()) as response:
        return bytes(response.read())


def tls(url: str) -> "ssl.SSLContext | None":
    """What to trust: PIP_CERT where it is set, else the system's certificates."""
    if not url.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))


if __name__ == "__main__":
    main()
