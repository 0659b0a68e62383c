"""The routing strategy in use."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.routing.protocol import Strategy


@lru_cache(maxsize=2)
def strategy(name: str, artifacts_dir: Path | None) -> "Strategy":
    """The strategy of a name, loaded once per process."""
    from models.registry import shipped_artifacts
    from models.routing.strategies import find_strategy

    return find_strategy(name, artifacts_dir or shipped_artifacts())
