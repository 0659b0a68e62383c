"""The nine audio features: names, units, ranges and error scales, defined once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One audio feature.

    `low` and `high` bound every stored value; `scale` divides an absolute error in the mean normalized error (MNE).
    """

    name: str
    unit: str
    low: float
    high: float
    scale: float
    decimals: int

    def clip(self, value: float) -> float:
        """The nearest value within the range of the feature."""
        return min(max(value, self.low), self.high)


def _share(name: str) -> Feature:
    return Feature(name, unit="", low=0.0, high=1.0, scale=1.0, decimals=3)


FEATURES: tuple[Feature, ...] = (
    _share("danceability"),
    _share("energy"),
    _share("valence"),
    _share("acousticness"),
    _share("instrumentalness"),
    _share("liveness"),
    _share("speechiness"),
    Feature("tempo", unit="BPM", low=0.0, high=250.0, scale=250.0, decimals=1),
    # Heavily limited masters measure a little above 0 dB.
    Feature("loudness", unit="dB", low=-60.0, high=5.0, scale=60.0, decimals=1),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
N_FEATURES = len(FEATURES)

# The published benchmark of the platform leaves liveness out.
BENCHMARK_NAMES: tuple[str, ...] = tuple(name for name in FEATURE_NAMES if name != "liveness")
