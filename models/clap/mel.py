"""Log-mel spectrograms as CLAP's own feature extractor makes them, in a tenth of the time and in float32."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LEAST_POWER = 1e-10
_FRAMES_PER_BLOCK = 256


@dataclass(frozen=True, slots=True)
class LogMel:
    """Prepares windows; can be pickled.

    Attributes
    ----------
    sample_rate_hz, n_fft, hop_length, samples
        Of the checkpoint's feature extractor; `samples` is the length of a window.
    filters
        Mel filters float32 [n_fft / 2 + 1, bands].
    copies
        Spectrograms that the model takes of a window: 1, or 4 equal ones for a model with feature fusion, which
        distinguishes them only where audio is longer than a window.
    """

    sample_rate_hz: int
    n_fft: int
    hop_length: int
    samples: int
    filters: Floats
    copies: int = 1

    def __call__(self, y: Floats) -> Floats:
        """Levels in dB, float32 [copies, frames, bands], of samples float32 [n].

        Longer audio is cut; shorter audio is repeated as often as it fits and then followed by silence.
        """
        y = self._fitted(np.asarray(y, dtype=np.float32))
        mel = np.concatenate([power @ self.filters for power in self._powers(y)])
        level = 10 * np.log10(np.maximum(mel, _LEAST_POWER), dtype=np.float32)
        return np.repeat(level[None], self.copies, axis=0)

    def _fitted(self, y: Floats) -> Floats:
        if len(y) >= self.samples:
            return y[: self.samples]
        if not len(y):
            return np.zeros(self.samples, np.float32)
        repeated = np.tile(y, self.samples // len(y))
        return np.pad(repeated, (0, self.samples - len(repeated)))

    def _powers(self, y: Floats) -> list[Floats]:
        """Power spectra in blocks that fit into a processor's cache; frames are centered, the edges mirrored."""
        from scipy.fft import rfft

        padded = np.pad(y, self.n_fft // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[:: self.hop_length]
        window = np.hanning(self.n_fft + 1)[:-1].astype(np.float32)
        powers = []
        for start in range(0, len(frames), _FRAMES_PER_BLOCK):
            spectrum = rfft(frames[start : start + _FRAMES_PER_BLOCK] * window, axis=1)
            powers.append(spectrum.real**2 + spectrum.imag**2)
        return powers
