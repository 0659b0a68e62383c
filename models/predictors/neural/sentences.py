"""Sentence-transformers encoders as the text branch, by choice: frozen, and loaded only when one is asked for."""

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError

_PACKAGE = "sentence_transformers"


class SentenceEncoder(Protocol):
    """Maps texts to vectors and never learns."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, width] of n texts; a text gets the same vector in any company."""
        ...


class SentenceTransformersEncoder:
    """A model of the package sentence-transformers, by its name on the hub or its folder."""

    def __init__(self, model: Any) -> None:
        self._model = model
        # Fast tokenizers refuse a second caller while one is at work.
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, width], one text a time: padding to the longest of a batch would change the last bits."""
        with self._lock:
            vectors = [self._model.encode([text], show_progress_bar=False, convert_to_numpy=True)[0] for text in texts]
        if not vectors:
            return np.zeros((0, int(self._model.get_sentence_embedding_dimension())), dtype=np.float32)
        return np.asarray(np.stack(vectors), dtype=np.float32)


@lru_cache(maxsize=2)
def load_sentence_encoder(name: str) -> SentenceEncoder:
    """Load a sentence-transformers model, e.g. `sentence-transformers/all-MiniLM-L6-v2`, for the CPU.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: the package is not installed, or the model cannot be loaded.
    """
    try:
        package = import_module(_PACKAGE)
    except ModuleNotFoundError:
        reason = f"The text encoder {name!r} needs the package sentence-transformers, which is not installed."
        way_out = "Install it (`pip install sentence-transformers`), or train with the built-in n-grams."
        raise ConfigurationError("invalid-settings", f"{reason} {way_out}") from None
    try:
        # A model file that is no safetensors could run code when it is read.
        model = package.SentenceTransformer(name, device="cpu", model_kwargs={"use_safetensors": True})
    except (OSError, ValueError) as error:
        raise ConfigurationError("invalid-settings", f"The text encoder {name!r} cannot be loaded ({error}).") from None
    return SentenceTransformersEncoder(model)
