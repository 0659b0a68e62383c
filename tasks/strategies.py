"""The routing strategy in use."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from models.routing.protocol import Strategy


@lru_cache(maxsize=2)
def strategy(name: str, artifacts_dir: Path | None) -> "Strategy":
    """The strategy of a name, loaded once per process.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: there is none of that name. `artifact-missing` or `artifact-corrupt`: it cannot be loaded.
    """
    from models.registry import shipped_artifacts
    from models.routing.strategies import find_strategy

    try:
        return find_strategy(name, artifacts_dir or shipped_artifacts())
    except PermanentError as error:
        raise ConfigurationError("invalid-settings", f"MUSICSPACE_ROUTING__STRATEGY: {error.message}") from None
