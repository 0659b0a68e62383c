"""Which `musicspace up` runs on a data directory, and where its parts answer."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import ConfigurationError
from integrations.embedded.layout import Layout
from integrations.embedded.locks import LockHeldError, exclusive, open_lock, try_lock

# Long enough for somebody who only looks (`running_system`) to be done.
CLAIM_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """What a running `musicspace up` tells about itself."""

    pid: int
    api_url: str
    flower_url: str | None  #: None when Flower was left out.
    fakes_url: str | None = None  #: None unless fake providers play the real ones.


@contextmanager
def announced(data_dir: Path, system: RunningSystem) -> Iterator[None]:
    """Be the one system of the data directory, for the block.

    Raises
    ------
    ConfigurationError
        Another one runs on it already.
    """
    layout = Layout.of(data_dir)
    layout.prepare_locks()
    file = _lock_file(layout)
    try:
        with exclusive(file, CLAIM_TIMEOUT_S) as descriptor:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(asdict(system)).encode())
            yield
            os.ftruncate(descriptor, 0)
    except LockHeldError:
        other = _read(file)
        raise ConfigurationError(
            "address-in-use",
            f"`musicspace up` already runs on {layout.root}{f' (process {other.pid})' if other else ''}. "
            "Stop it first, or set MUSICSPACE_DATA_DIR to another folder.",
        ) from None


def running_system(data_dir: Path) -> RunningSystem | None:
    """The system that runs on the data directory, if any. Creates nothing."""
    file = _lock_file(Layout.of(data_dir))
    if not file.exists():
        return None
    descriptor = open_lock(file)
    try:
        return None if try_lock(descriptor, fcntl.LOCK_SH) else _read(file)
    finally:
        os.close(descriptor)


def _lock_file(layout: Layout) -> Path:
    return layout.run / "up.lock"


def _read(file: Path) -> RunningSystem | None:
    """None in the moment between the lock and its content."""
    content = file.read_text()
    return RunningSystem(**json.loads(content)) if content else None
