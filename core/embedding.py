"""Embeddings of audio: the protocol of embedders, and vectors that know their space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class AudioEmbedder(Protocol):
    """Turns windows of audio, and perhaps text, into vectors of one space.

    A window is prepared on any thread or process (`prepare`), then many are embedded at once (`embed`).
    """

    @property
    def space(self) -> str:
        """Name of the space, with model and version. Vectors of two spaces never mix."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate that `prepare` expects."""

    @property
    def window_s(self) -> float:
        """Longest window in seconds; a segment's vector is the normalized mean over its windows."""

    @property
    def batch_size(self) -> int:
        """Windows that are worth embedding at once; `embed` takes any number."""

    @property
    def prepare(self) -> "Callable[[Floats], Any]":
        """What turns one window, float32 mono samples [n], into what `embed` takes.

        It holds no model, can be pickled, and may be called in many threads and processes at once.
        """

    def embed(self, prepared: Sequence[Any]) -> "Floats":
        """Unit vectors float32 [len(prepared), dimensions]."""

    def embed_text(self, texts: Sequence[str]) -> "Floats":
        """Unit vectors float32 [len(texts), dimensions].

        Raises
        ------
        PermanentError
            `embedding-without-text`: texts have no place in this space.
        """


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors float32 [n, d] of one space."""

    space: str
    values: "Floats"


def require_same_space(first: str, second: str) -> None:
    """Raise `PermanentError` (`embedding-space-mismatch`) unless both name one space."""
    if first != second:
        raise PermanentError(
            "embedding-space-mismatch",
            f"Vectors of {first} cannot be compared with vectors of {second}. Analyze the audio again with one "
            "embedder (MUSICSPACE_EMBED__EMBEDDER).",
        )
