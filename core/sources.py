"""Where a feature value came from, and which source wins.

Measured beats looked up, looked up beats inferred, never the reverse. Among measured, and among looked-up values the
one with the smaller uncertainty wins, then the earlier entry of `Source`. Among inferred values the predictor in use
(`MUSICSPACE_ENRICH__PREDICTOR`) wins, then the earlier entry of `Source`: an estimate that a predictor of former times
left behind must not outlive its replacement, however sure of itself it was.
"""

from enum import IntEnum, StrEnum


class Rank(IntEnum):
    """How much a source is trusted; the lower rank wins."""

    MEASURED = 0
    LOOKED_UP = 1
    INFERRED = 2


class Source(StrEnum):
    """A writer of `track_estimates`."""

    IMPORT = "import"  #: Feature columns that came with the imported file.
    BLEND = "blend"  #: The stacked predictor, the default.
    NEURAL = "neural"  #: The Audio Feature Predictor, a network over text, genres, moods and metadata.
    M2 = "m2"  #: Gradient boosting on TF-IDF.
    M2_GBR = "m2-gbr"  #: The same with scikit-learn's gradient boosting, for comparison.
    M1 = "m1"  #: The Ridge predictor.


RANKS: dict[Source, Rank] = {
    Source.IMPORT: Rank.MEASURED,
    Source.BLEND: Rank.INFERRED,
    Source.NEURAL: Rank.INFERRED,
    Source.M2: Rank.INFERRED,
    Source.M2_GBR: Rank.INFERRED,
    Source.M1: Rank.INFERRED,
}

#: The predictors.
INFERRED: tuple[Source, ...] = tuple(source for source, rank in RANKS.items() if rank is Rank.INFERRED)
