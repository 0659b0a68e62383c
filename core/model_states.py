"""The life of a trained version of a predictor."""

from enum import StrEnum


class ModelState(StrEnum):
    """Where a version stands. Of each predictor at most one version is promoted; none means the shipped one serves."""

    CANDIDATE = "candidate"  #: Trained, but there was nothing to judge it by; it waits for a promotion by hand.
    PROMOTED = "promoted"  #: It serves.
    REJECTED = "rejected"  #: Worse than the version that served when it was judged.
    RETIRED = "retired"  #: It served once; a later version took its place, or it was rolled back.
