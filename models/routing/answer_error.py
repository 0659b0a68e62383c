"""How far off a grounded language model is, as the platform's study measured it."""

from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from core.features import FEATURES

#: Mean normalized error of Gemini with Google Search on 100 popular tracks, without any reference match (the platform's
#: routing study). It left liveness out.
STUDY_ERROR = {
    "danceability": 0.1767,
    "energy": 0.1866,
    "valence": 0.2602,
    "tempo": 0.0486,
    "acousticness": 0.2009,
    "instrumentalness": 0.1108,
    "speechiness": 0.0667,
    "loudness": 0.0353,
}

# Of a Laplace distribution with mean absolute deviation 1, 80 % lies within ln 5 of the middle.
_WIDTH_OF_MEAN_ERROR = log(5)


@lru_cache(maxsize=1)
def answer_half_widths() -> NDArray[np.float32]:
    """Half-widths of the 80 % intervals of an answer, [9], in each feature's unit; NaN for what nobody measured.

    Only mean errors are published, so the shape is an assumption: Laplace, whose tails are heavy as theirs are.
    """
    return np.array(
        [STUDY_ERROR.get(feature.name, np.nan) * feature.scale * _WIDTH_OF_MEAN_ERROR for feature in FEATURES],
        dtype=np.float32,
    )
