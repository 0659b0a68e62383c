"""What a part of a recording sounds like, from measures of single frames that every part shares."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.onset_peaks import pick_onsets
from audio.percussion import FRAME_STEP, percussive_power
from audio.spectra import Spectra
from audio.timbre import FrameColors, brightness, frame_colors, low_end_shares
from audio.voice import gliding_power, vocal_presence
from core.audio import Texture

Floats = NDArray[np.float32]

# A loudness of -16 LUFS is in the middle of the scale of energy; 5 LU more multiply the odds by e.
_MIDDLE_LUFS = -16.0
_SPREAD_LU = 5.0
_MIDDLE_ONSETS_PER_S = 4.0
_ENERGY_WEIGHTS = (0.55, 0.25, 0.20)


@dataclass(frozen=True)
class FrameMeasures:
    """Measures of all frames of a `Spectra`, made once; times count from its first sample."""

    spectra: Spectra
    colors: FrameColors
    percussive: Floats
    all_power: Floats
    gliding: Floats
    voice_band: Floats
    onset_frames: NDArray[np.intp]

    @classmethod
    def of(cls, spectra: Spectra) -> "FrameMeasures":
        """Measure a spectrogram."""
        percussive, all_power = percussive_power(spectra)
        gliding, voice_band = gliding_power(spectra)
        onset_frames = pick_onsets(spectra.onset_envelope, spectra.onset_rate_hz)
        return cls(spectra, frame_colors(spectra), percussive, all_power, gliding, voice_band, onset_frames)

    def frames(self, start_s: float, seconds: float, step: int = 1) -> slice:
        """Frames of a part, at every `step`th frame; at least one."""
        rate_hz = self.spectra.frame_rate_hz / step
        first = round(start_s * rate_hz)
        return slice(first, max(first + 1, round((start_s + seconds) * rate_hz)))

    def texture(self, start_s: float, seconds: float) -> Texture:
        """The texture of a part."""
        frames = self.frames(start_s, seconds)
        coarse = self.frames(start_s, seconds, FRAME_STEP)
        sub, bass, low_mid = low_end_shares(self.colors, frames)
        onsets_s = self.onset_frames / self.spectra.onset_rate_hz
        density = float(((onsets_s >= start_s) & (onsets_s < start_s + seconds)).sum()) / max(seconds, 1e-3)
        bright = brightness(self.colors, frames)
        power = float(self.all_power[coarse].sum())
        return Texture(
            energy=energy(self.mono_lufs(frames), density, bright),
            sub=sub,
            bass=bass,
            low_mid=low_mid,
            onset_density=density,
            brightness=bright,
            vocal_presence=vocal_presence(self.gliding[coarse], self.voice_band[coarse]),
            percussive_ratio=float(self.percussive[coarse].sum()) / power if power > 0 else 0.0,
        )

    def mono_lufs(self, frames: slice) -> float:
        """Loudness of the mono mix as if it came from two speakers, not gated; -70 for silence."""
        weighted = float(self.colors.weighted[frames].mean())
        return max(-70.0, -0.691 + 10 * math.log10(max(2 * weighted, 1e-12)))


def energy(loudness_lufs: float, onset_density: float, bright: float) -> float:
    """Perceived intensity, 0..1: .55 from loudness, .25 from onsets per second, .20 from brightness.

    Loudness, onset rate and spectral centroid are the strongest acoustic correlates of arousal that studies agree on
    (A. Gabrielsson and E. Lindström, 2010; E. Schubert, "Modeling Perceived Emotion with Continuous Musical Features",
    2004). Each rises without ever saturating: loudness by a logistic curve around -16 LUFS, onsets as d / (d + 4).
    """
    loud = 1 / (1 + math.exp(-(loudness_lufs - _MIDDLE_LUFS) / _SPREAD_LU))
    busy = onset_density / (onset_density + _MIDDLE_ONSETS_PER_S)
    return float(np.dot(_ENERGY_WEIGHTS, (loud, busy, bright)))
