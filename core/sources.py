"""Where a feature value came from, and which source wins.

Measured beats looked up, looked up beats inferred, never the reverse. Within a rank the value with the smaller
uncertainty wins, then the earlier entry of `Source`.
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
    M1 = "m1"  #: The Ridge predictor.


RANKS: dict[Source, Rank] = {
    Source.IMPORT: Rank.MEASURED,
    Source.M1: Rank.INFERRED,
}
