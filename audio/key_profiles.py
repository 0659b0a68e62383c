"""How often each degree of the scale sounds in major and in minor, as published."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Temperley, "Bayesian Models of Musical Structure and Cognition", 2004, from the Kostka-Payne corpus.
TEMPERLEY_MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
TEMPERLEY_MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)
#: Faraldo, Gómez, Jordà and Herrera, "Key Estimation in Electronic Dance Music", ECIR 2016.
DANCE_MAJOR = (
    0.16520,
    0.04749,
    0.08293,
    0.06687,
    0.09995,
    0.09274,
    0.05294,
    0.13159,
    0.05219,
    0.07444,
    0.06941,
    0.06425,
)
DANCE_MINOR = (
    0.17235,
    0.05336,
    0.07610,
    0.10044,
    0.05621,
    0.08528,
    0.04979,
    0.13451,
    0.07459,
    0.05003,
    0.09188,
    0.05545,
)
#: Krumhansl and Kessler, "Tracing the Dynamic Changes in Perceived Tonal Organization", Psychological Review 1982.
PROBE_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
PROBE_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
#: Albrecht and Shanahan, "The Use of Large Corpora to Train a New Type of Key-Finding Algorithm", 2013.
CORPUS_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
CORPUS_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)


def _standardized(values: tuple[float, ...]) -> Floats:
    profile = np.array(values)
    return np.asarray((profile - profile.mean()) / (profile.std() * np.sqrt(12)))


def rotations(major: tuple[float, ...], minor: tuple[float, ...]) -> Floats:
    """Standardized profiles of all 24 keys, float64 [24, 12]: twelve major keys from C on, then twelve minor ones.

    Their product with a standardized chroma is the correlation of Krumhansl and Schmuckler.
    """
    return np.stack([np.roll(_standardized(mode), root) for mode in (major, minor) for root in range(12)])
