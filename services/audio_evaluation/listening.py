"""What a method hears in one recording."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.beats import track_beats
from audio.key import estimate_key
from audio.spectra import Spectra
from audio.tempo import estimate_tempo
from core.audio import KeyName

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """Estimates of one method; confidences are None where it states none."""

    bpm: float | None
    tempo_confidence: float | None
    key: KeyName | None
    key_confidence: float | None
    beats_s: tuple[float, ...]
    tempo_seconds: float  #: What tempo, and beats with librosa, took; with spectrograms that nothing had made before
    key_seconds: float


def listen(y: Floats) -> Heard:
    """Our methods on mono samples float32 [n] at 22,050 Hz."""
    start = time.perf_counter()
    spectra = Spectra(y)
    tempo = estimate_tempo(spectra)
    middle = time.perf_counter()
    key = estimate_key(spectra)
    end = time.perf_counter()
    beats = tuple(track_beats(spectra, tempo.bpm).tolist()) if tempo.bpm else ()
    return Heard(tempo.bpm, tempo.confidence, key.name, key.confidence, beats, middle - start, end - middle)
