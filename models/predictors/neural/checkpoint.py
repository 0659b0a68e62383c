"""Training states on disk: arrays and JSON in one file that is there whole or not at all. No pickle."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.durable_files import replacing

_FACTS = "facts"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that a training needs to go on as if it had never stopped."""

    facts: Mapping[str, Any]  #: JSON values: epochs done, the best one, losses
    arrays: Mapping[str, NDArray[Any]]  #: Parameters, optimizer state, best parameters


class CheckpointFile:
    """The state of one training; only a training of the same fingerprint reads it back."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    def write(self, state: TrainingState) -> None:
        """Replace the file; killed at any moment, the old state or the new one is there."""
        facts = json.dumps({"fingerprint": self.fingerprint, **state.facts}).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_FACTS: np.frombuffer(facts, dtype=np.uint8)}, **state.arrays)

    def read(self) -> TrainingState | None:
        """The last state; None where there is none, it is damaged, or it belongs to another training."""
        try:
            content = self.path.read_bytes()
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(arrays.pop(_FACTS).tobytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if facts.pop("fingerprint", None) != self.fingerprint:
            return None
        return TrainingState(facts, arrays)
