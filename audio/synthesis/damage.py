"""What happens to music on its way: noise, codecs, narrow bands, clipping."""

import io

import numpy as np
from numpy.typing import NDArray

from audio.synthesis.tones import RATE_HZ

Floats = NDArray[np.float32]


def with_noise(y: Floats, snr_db: float, color: float, rng: np.random.Generator) -> Floats:
    """Add noise whose power falls by `color` times 3 dB an octave (0 is white, 1 pink), at a signal-to-noise ratio."""
    spectrum = np.fft.rfft(rng.standard_normal(len(y), dtype=np.float32))
    spectrum /= np.maximum(np.arange(len(spectrum)), 50) ** np.float32(color / 2)
    noise = np.fft.irfft(spectrum, len(y)).astype(np.float32)
    noise *= y.std() / (noise.std() + 1e-9) * 10 ** (-snr_db / 20)
    return _at_most_one(y + noise)


def with_crackle(y: Floats, clicks_per_s: float, rng: np.random.Generator) -> Floats:
    """Add the clicks of a worn record."""
    y = y.copy()
    places = rng.integers(0, len(y), int(clicks_per_s * len(y) / RATE_HZ))
    y[places] += rng.standard_normal(len(places)).astype(np.float32) * np.float32(0.4)
    return _at_most_one(y)


def band_limited(y: Floats, low_hz: float, high_hz: float) -> Floats:
    """Keep a band, as a telephone or a small radio does, with slopes of a third of an octave."""
    spectrum = np.fft.rfft(y)
    frequencies = np.fft.rfftfreq(len(y), 1 / RATE_HZ) + 1e-3
    octaves = np.minimum(np.log2(frequencies / low_hz), np.log2(high_hz / frequencies))
    band: Floats = np.fft.irfft(spectrum * np.clip(1 + 3 * octaves, 0, 1), len(y)).astype(np.float32)
    return band


def clipped(y: Floats, gain_db: float) -> Floats:
    """Amplify and cut what exceeds full scale."""
    louder = y * np.float32(10 ** (gain_db / 20))
    return np.asarray(np.clip(louder, -1, 1), dtype=np.float32)


def through_codec(y: Floats, codec: str, coarseness: float) -> Floats:
    """Encode and decode: `mp3` or `ogg`, `coarseness` from 0 (most bits) to below 1 (some 25 kbit/s).

    The encoder's delay is taken off, so that beats stay where they are.
    """
    import soundfile

    formats = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS")}
    container, subtype = formats[codec]
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", RATE_HZ, 1, format=container, subtype=subtype, compression_level=coarseness
    ) as file:
        # libsndfile's Vorbis encoder overflows its stack on one very long write.
        for start in range(0, len(y), RATE_HZ):
            file.write(y[start : start + RATE_HZ])
    buffer.seek(0)
    decoded = soundfile.read(buffer, dtype="float32")[0]
    whole = np.zeros_like(y)
    decoded = _aligned(decoded, y)[: len(y)]
    whole[: len(decoded)] = decoded
    return whole


def _aligned(decoded: Floats, y: Floats) -> Floats:
    """Take off the delay that fits best among 0 to 0.15 s."""
    n = min(len(y), len(decoded), 8 * RATE_HZ)
    size = 2 * n
    lags = np.fft.irfft(np.fft.rfft(decoded[:n], size) * np.conj(np.fft.rfft(y[:n], size)), size)
    return decoded[int(np.argmax(lags[: int(0.15 * RATE_HZ)])) :]


def _at_most_one(y: Floats) -> Floats:
    return (y / max(1.0, float(np.abs(y).max()))).astype(np.float32)
