"""Spectrograms that every descriptor shares, each computed once."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio import onsets

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float32]

#: Sample rate of all descriptors, in Hz.
ANALYSIS_RATE_HZ = 22_050


class Spectra:
    """Spectrograms of mono samples float32 [n] at `ANALYSIS_RATE_HZ`; frames are centered, the edges padded by zeros.

    Attributes
    ----------
    y
        The samples.
    """

    n_fft = 2048
    hop_length = 512

    def __init__(self, y: Floats) -> None:
        self.y = y

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second of `magnitude`."""
        return ANALYSIS_RATE_HZ / self.hop_length

    @cached_property
    def frequencies_hz(self) -> Floats:
        """Centers of the bins, float32 [1025]."""
        return np.fft.rfftfreq(self.n_fft, 1 / ANALYSIS_RATE_HZ).astype(np.float32)

    @cached_property
    def magnitude(self) -> Floats:
        """Magnitudes of the short-time Fourier transform with a Hann window, float32 [frames, 1025]."""
        return np.concatenate(list(self._blocks()))

    @cached_property
    def power(self) -> Floats:
        """Squared magnitudes, float32 [frames, 1025]."""
        power: Floats = np.square(self.magnitude)
        return power

    @property
    def onset_rate_hz(self) -> float:
        """Frames per second of `onset_envelope` and `band_onsets` (86.1); frame k is at k / onset_rate_hz seconds."""
        return ANALYSIS_RATE_HZ / onsets.HOP_LENGTH

    @cached_property
    def band_onsets(self) -> Floats:
        """Onset envelopes of four bands from low to high, float32 [4, onset frames]; see `audio.onsets`."""
        return onsets.band_onsets(self.y, ANALYSIS_RATE_HZ)

    @cached_property
    def onset_envelope(self) -> Floats:
        """Onset envelope of the whole spectrum, float32 [onset frames], >= 0 (SuperFlux, Böck and Widmer, 2013)."""
        envelope: Floats = self.band_onsets.mean(axis=0)
        return envelope

    def _blocks(self, frames_per_block: int = 512) -> "Iterator[Floats]":
        """Blocks small enough for the processor's caches, which is twice as fast as all frames at once."""
        from scipy.fft import rfft

        padded = np.pad(self.y, self.n_fft // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[:: self.hop_length]
        window = np.hanning(self.n_fft + 1)[:-1].astype(np.float32)
        for start in range(0, len(frames), frames_per_block):
            yield np.abs(rfft(frames[start : start + frames_per_block] * window, axis=1))
