"""The files of a content model: terms and their weights, no positions."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from models.recommenders.protocol import ModelFiles

MODEL, WEIGHTS = "model.json", "weights.npz"
_FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class ContentWeights:
    """What was learned of a user."""

    terms: list[str]  #: [k], those of the largest weights first.
    weights: NDArray[np.float32]  #: [k]
    spread: float  #: Of the scores that these weights give to the items of a catalog.
    centroid_spread: float  #: Of the products of the items of a catalog with the user's centroid.


def write_weights(learned: ContentWeights) -> ModelFiles:
    """The files, byte for byte the same for the same weights."""
    model = {
        "format": _FORMAT,
        "spread": learned.spread,
        "centroid_spread": learned.centroid_spread,
        "terms": learned.terms,
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, weights=learned.weights)
    return {MODEL: json.dumps(model, ensure_ascii=False).encode(), WEIGHTS: packed.getvalue()}


def read_weights(files: ModelFiles) -> ContentWeights:
    """The inverse of `write_weights`.

    Raises
    ------
    PermanentError
        `user-model-corrupt`: a file is missing, or is not one that `write_weights` made.
    """
    try:
        model: dict[str, Any] = json.loads(files[MODEL])
        if model["format"] != _FORMAT:
            raise ValueError(f"format {model['format']}")
        with np.load(io.BytesIO(files[WEIGHTS]), allow_pickle=False) as packed:
            weights = packed["weights"]
        learned = ContentWeights(list(model["terms"]), weights, float(model["spread"]), float(model["centroid_spread"]))
        _check(learned)
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PermanentError("user-model-corrupt", f"A content model cannot be read ({reason}).") from None
    return learned


def _check(learned: ContentWeights) -> None:
    """Raise `ValueError` unless it can be used."""
    if not all(isinstance(term, str) for term in learned.terms):
        raise ValueError("terms that are no text")
    if learned.weights.shape != (len(learned.terms),) or learned.weights.dtype != np.float32:
        raise ValueError(f"weights {learned.weights.shape} of {len(learned.terms)} terms")
    if not (np.isfinite(learned.weights).all() and learned.spread > 0 and learned.centroid_spread > 0):
        raise ValueError("weights or spreads that are no numbers above 0")
