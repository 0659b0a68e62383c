"""A judge weighs all that is known of tracks: boosted trees and networks for the values, trees for the widths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.predictors.blend.columns import judge_columns, network_columns, offset_of, width_columns
from models.predictors.blend.description import Description
from models.predictors.blend.first_stage import FirstGuess
from models.predictors.blend.memory import Recollection
from models.predictors.blend.networks import Network, standardized
from models.tree_ensemble import TreeEnsemble

#: Networks of one judge.
N_NETWORKS = 3

# Trees and networks err in different places; halves measured as well as any other shares.
_NETWORK_SHARE = 0.5
# Years beyond the training data for which widths grow; what lies further ahead is anybody's guess.
_LARGEST_GAP = 5


@dataclass(frozen=True, slots=True)
class View:
    """What a judge sees of n tracks."""

    described: Description
    guess: FirstGuess
    recalled: Recollection

    def take(self, rows: NDArray[np.integer]) -> "View":
        """The given tracks, in that order."""
        return View(self.described.take(rows), self.guess.take(rows), self.recalled.take(rows))


@dataclass(frozen=True, slots=True)
class Correction:
    """Networks that correct a first value, all in normalized units."""

    networks: list[Network]
    mean: NDArray[np.float32]  #: [c], of the inputs
    deviation: NDArray[np.float32]  #: [c]
    spread: NDArray[np.float32]  #: [9], unit of the outputs

    def apply(self, columns: NDArray[np.float32], offset: NDArray[np.float32]) -> NDArray[np.float32]:
        """Corrected values [n, 9] from inputs [n, c] and first values [n, 9]."""
        dense = standardized(columns, self.mean, self.deviation)
        outputs = [network.run([], dense) for network in self.networks]
        return offset + np.mean(outputs, axis=0, dtype=np.float32) * self.spread

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Everything, under names that begin with `name`."""
        stored: dict[str, NDArray[Any]] = {
            f"{name}_mean": self.mean,
            f"{name}_deviation": self.deviation,
            f"{name}_spread": self.spread,
        }
        for at, network in enumerate(self.networks):
            stored |= network.arrays(f"{name}_network{at}")
        return stored

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], name: str, n_networks: int) -> "Correction":
        """The inverse of `arrays`."""
        networks = [Network.restore(arrays, f"{name}_network{at}", n_groups=0) for at in range(n_networks)]
        return cls(networks, arrays[f"{name}_mean"], arrays[f"{name}_deviation"], arrays[f"{name}_spread"])


@dataclass(frozen=True, slots=True)
class Drift:
    """Music changes: how much wider intervals must be for tracks newer than the training data."""

    newest: NDArray[np.float32]  #: [], newest year of the training data; minus infinity where no track was dated
    growth: NDArray[np.float32]  #: [9], share by which widths grow with each year beyond it

    def factor(self, years: NDArray[np.float32]) -> NDArray[np.float32]:
        """Factors of the widths of n tracks, [n, 9]; 1 for tracks of the training data's years and undated ones."""
        gap = np.nan_to_num(years - self.newest, nan=0.0, posinf=0.0)
        beyond = np.clip(gap, 0, _LARGEST_GAP)
        return np.asarray(1 + beyond[:, None] * self.growth, dtype=np.float32)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Everything, under names that begin with `name`."""
        return {f"{name}_newest_year": self.newest, f"{name}_drift": self.growth}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> "Drift":
        """The inverse of `arrays`."""
        return cls(arrays[f"{name}_newest_year"], arrays[f"{name}_drift"])


@dataclass(frozen=True, slots=True)
class JudgeParts:
    """Everything trained of one judge."""

    values: bytes  #: ONNX, normalized units
    widths: bytes  #: ONNX, normalized units
    correction: Correction
    factor: NDArray[np.float32]  #: [9], makes widths hold four fifths of the truth
    floor: NDArray[np.float32]  #: [9], least width before the factor
    drift: "Drift"


class Judge:
    """Judges tracks of one kind, `KNOWN` or `UNKNOWN`."""

    def __init__(self, kind: str, parts: JudgeParts) -> None:
        self.kind = kind
        self.parts = parts
        self._values = TreeEnsemble(parts.values, name=f"blend/{kind} values")
        self._widths = TreeEnsemble(parts.widths, name=f"blend/{kind} widths")

    def judge(self, view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Values [n, 9] and half-widths of their 80 % intervals [n, 9], in normalized units."""
        columns = judge_columns(self.kind, view.described, view.guess, view.recalled)
        offset = offset_of(self.kind, view.guess, view.recalled)
        corrected = self.parts.correction.apply(network_columns(columns, view.described), offset)
        values = mixed(self._values.predict(columns), corrected)
        widths = self._widths.predict(width_columns(columns, values, view.guess))
        drift = self.parts.drift.factor(view.described.years)
        return values, np.maximum(widths, self.parts.floor) * self.parts.factor * drift


def mixed(by_trees: NDArray[np.floating], by_networks: NDArray[np.floating]) -> NDArray[np.float32]:
    """The value that a judge settles on, [n, 9]."""
    return np.asarray((1 - _NETWORK_SHARE) * by_trees + _NETWORK_SHARE * by_networks, dtype=np.float32)
