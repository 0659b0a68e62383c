"""The platform's routing study, as published: 100 popular tracks (popularity 50 and above), eight features.

QLTY is Gemini with Google Search, without reference matches; M1 and M2 are predictors. The study's own figures do not
all agree: the mean of QLTY's errors by feature is 0.1232, and the mean by genre, weighted by tracks, 0.1355.
"""

from core.features import BENCHMARK_NAMES

N_TRACKS = 100

#: Mean, median and standard deviation of the mean normalized errors of the tracks.
M1_TRACK_ERRORS = (0.1116, 0.1109, 0.0341)
QLTY_TRACK_ERRORS = (0.1357, 0.1155, 0.1028)

_COLUMNS = ("danceability", "energy", "valence", "tempo", "acousticness", "instrumentalness", "speechiness", "loudness")


def _by_feature(*figures: float) -> dict[str, float]:
    found = dict(zip(_COLUMNS, figures, strict=True))
    return {name: found[name] for name in BENCHMARK_NAMES}


#: Mean normalized error by feature.
M1_ERRORS = _by_feature(0.1140, 0.1241, 0.1949, 0.0827, 0.2022, 0.0843, 0.0551, 0.0352)
QLTY_ERRORS = _by_feature(0.1767, 0.1866, 0.2602, 0.0486, 0.2009, 0.1108, 0.0667, 0.0353)
DIVERGENCE_ERRORS = _by_feature(0.1007, 0.1129, 0.1942, 0.0556, 0.1974, 0.0816, 0.0549, 0.0271)
#: Share of the tracks for which QLTY has the smallest error of M1, M2 and QLTY.
QLTY_WINS = _by_feature(0.53, 0.43, 0.40, 0.77, 0.51, 0.52, 0.41, 0.60)
QLTY_VALUE_WINS, QLTY_TRACK_WINS = 0.521, 0.47

#: Tracks, and mean error of M1 and of QLTY, by genre group.
GENRES: dict[str, tuple[int, float, float]] = {
    "pop": (25, 0.1157, 0.1057),
    "hip-hop": (16, 0.1116, 0.1771),
    "rock": (15, 0.1136, 0.1118),
    "latin": (11, 0.0909, 0.1676),
    "electronic": (6, 0.1189, 0.1821),
    "gaming": (5, 0.1377, 0.1494),
    "afrobeats": (4, 0.1307, 0.1002),
    "punk": (3, 0.0849, 0.1649),
    "r&b": (3, 0.0887, 0.1009),
    "blues": (2, 0.1058, 0.0923),
    "k-pop": (2, 0.1055, 0.1239),
}

#: Share of the tracks that QLTY wins where its mean divergence from M1 lies below each of these; the last is the rest.
DIVERGENCE_EDGES = (0.08, 0.12, 0.16)
WINS_BY_DIVERGENCE = (0.50, 0.57, 0.57, 0.17)
#: Likewise for tracks of popularity 90 and above.
VERY_POPULAR, WINS_OF_VERY_POPULAR = 90, 0.75

#: Mean, median and standard deviation by strategy; None where not published. The strategies' names are those of
#: `models.routing.strategies`, with the oracle.
STRATEGY_ERRORS: dict[str, tuple[float, float | None, float | None]] = {
    "base": M1_TRACK_ERRORS,
    "qlty": QLTY_TRACK_ERRORS,
    "feature": (0.1072, 0.1025, 0.0441),
    "genre": (0.1076, 0.1018, 0.0683),
    "hybrid": (0.1065, 0.1013, 0.0708),
    "extended-genre": (0.1056, None, None),
    "weighted-average": (0.1109, None, None),
    "divergence-average": (0.1059, None, None),
    "divergence": (0.1030, None, None),
    "divergence-tuned": (0.1032, None, None),
    "oracle": (0.0631, 0.0614, 0.0378),
}

#: Share of the 800 values that each of the seven rules takes, by its name in `models.routing.strategies`.
DIVERGENCE_ROUTES = {
    "base-high-divergence": 0.304,
    "other-by-genre": 0.368,
    "other-by-feature": 0.068,
    "average": 0.141,
    "sixty-forty": 0.061,
    "sixty-forty-popular": 0.011,
    "base": 0.048,
}
