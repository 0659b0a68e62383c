"""The `dsp` embedder: sound as numbers by signal processing alone, without a model to download.

Two windows are compared by how their features differ from those of a reference of music, not by the features
themselves: all music is so much alike there that every cosine would be near 1.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from audio.dsp_features import BLOCKS, FEATURES, measure
from audio.spectra import ANALYSIS_RATE_HZ
from core.errors import ConfigurationError, PermanentError

Floats = NDArray[np.float32]

#: Raise the number whenever a feature, a weight or the reference changes: vectors made before no longer compare.
SPACE = "dsp-1"
REFERENCE_FILE = Path(__file__).parent / "dsp_reference.json"
REFERENCE_FORMAT = 1

_WINDOW_S = 30.0
#: What a block of features counts for, whatever its length.
_WEIGHTS = {
    "spectrum": 1.0,
    "spread": 0.5,
    "change": 0.5,
    "timbre": 0.5,
    "periods": 1.0,
    "onsets": 0.5,
    "chroma": 1.0,
    "intervals": 0.3,
}
# One odd feature, as silence and pure tones have them, must not outweigh all others.
_FARTHEST_DEVIATIONS = 2.5


@dataclass(frozen=True)
class Reference:
    """Means and deviations of the features over music, float32 [`FEATURES`] each."""

    mean: Floats
    deviation: Floats

    @cached_property
    def scale(self) -> Floats:
        """What a difference from the mean is multiplied with in the end."""
        scale: Floats = np.concatenate(
            [np.full(length, _WEIGHTS[name] / np.sqrt(length), np.float32) for name, length in BLOCKS.items()]
        )
        return scale

    def place(self, features: Floats) -> Floats:
        """Unit vectors float32 [n, `FEATURES`] of features float32 [n, `FEATURES`]."""
        away = np.clip((features - self.mean) / self.deviation, -_FARTHEST_DEVIATIONS, _FARTHEST_DEVIATIONS)
        vectors = away * self.scale
        # No music is exactly the mean of all, but nothing may divide by zero.
        unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit.astype(np.float32)


class DspEmbedder:
    """An `AudioEmbedder` for audio alone; windows of up to 30 s."""

    space = SPACE
    dimensions = FEATURES
    sample_rate_hz = ANALYSIS_RATE_HZ
    window_s = _WINDOW_S
    batch_size = 256

    def __init__(self) -> None:
        self._reference = stored_reference()

    @property
    def prepare(self) -> Callable[[Floats], Floats]:
        """Features of a window; nearly all the work."""
        return measure

    def embed(self, prepared: Sequence[Floats]) -> Floats:
        """Unit vectors float32 [n, `dimensions`] of features."""
        return self._reference.place(np.asarray(prepared, dtype=np.float32).reshape(-1, FEATURES))

    def embed_text(self, texts: Sequence[str]) -> NoReturn:
        """Raise `PermanentError` (`embedding-without-text`)."""
        raise PermanentError(
            "embedding-without-text",
            "The dsp embedder has no vectors for text. Set MUSICSPACE_EMBED__EMBEDDER=clap, and analyze again.",
        )


@cache
def stored_reference() -> Reference:
    """The reference that ships, made by `python -m benchmarks.dsp_reference`."""
    try:
        stored = json.loads(REFERENCE_FILE.read_text())
        if stored["format"] != REFERENCE_FORMAT or stored["blocks"] != BLOCKS:
            raise ValueError("it was made for other features")
        mean, deviation = (np.array(stored[name], dtype=np.float32) for name in ("mean", "deviation"))
        if mean.shape != (FEATURES,) or deviation.shape != (FEATURES,) or not (deviation > 0).all():
            raise ValueError("its numbers do not fit the features")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("artifact-corrupt", f"{REFERENCE_FILE}: {error}. Install MusicSpace again.") from error
    return Reference(mean, deviation)
