"""The yardstick: librosa at its defaults, a part of the extra `yardstick`."""

import time
import warnings
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from core.audio import KeyName, Mode
from core.errors import ConfigurationError
from services.audio_evaluation.listening import Heard

Floats = NDArray[np.float32]

_RATE_HZ = 22_050
# Probe-tone ratings of Krumhansl and Kessler (Psychological Review 1982), C major and C minor.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def require_librosa() -> None:
    """Raise `ConfigurationError` (`extra-missing`) where librosa is not installed."""
    if find_spec("librosa") is None:
        raise ConfigurationError(
            "extra-missing",
            "The yardstick of this evaluation is librosa. Run `pip install 'musicspace[yardstick]'`, or leave it out "
            "with --no-librosa.",
        )


def warm_up() -> None:
    """Compile what librosa compiles when it is first used.

    numba writes its cache file by file: two processes that fill it at the same time leave a mixture behind that crashes
    whoever loads it (numba issue 10128). Hence one process does this before others begin.
    """
    listen(np.random.default_rng(0).standard_normal(5 * _RATE_HZ, dtype=np.float32))


def listen(y: Floats) -> Heard:
    """Tempo and beats by `librosa.beat.beat_track`; the key by the mean of `chroma_cqt` and the profiles above.

    librosa itself has no key estimator: this is the usual recipe (Krumhansl and Schmuckler; Krumhansl, Cognitive
    Foundations of Musical Pitch, 1990). Both state no confidence.
    """
    import librosa

    with warnings.catch_warnings():
        # It warns of recordings shorter than its longest filters.
        warnings.simplefilter("ignore", UserWarning)
        start = time.perf_counter()
        tempo, beats_s = librosa.beat.beat_track(y=y, sr=_RATE_HZ, units="time")
        bpm = float(np.atleast_1d(tempo)[0])
        middle = time.perf_counter()
        name = _best_key(librosa.feature.chroma_cqt(y=y, sr=_RATE_HZ).mean(axis=1))
        end = time.perf_counter()
    return Heard(bpm or None, None, name, None, tuple(beats_s.tolist()), middle - start, end - middle)


def _best_key(chroma: NDArray[np.floating]) -> KeyName | None:
    if not chroma.std() > 0:
        return None
    scores = {
        KeyName(root, mode): float(np.corrcoef(chroma, np.roll(profile, root))[0, 1])
        for mode, profile in ((Mode.MAJOR, _MAJOR), (Mode.MINOR, _MINOR))
        for root in range(12)
    }
    return max(scores, key=lambda name: scores[name])
