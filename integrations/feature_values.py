"""Feature values in a provider's answer: what is taken, and what is not."""

import math
from collections.abc import Mapping
from typing import Any

from core.features import FEATURES

#: Fewer good values than this, and the others of that track are not believed either.
MIN_FEATURES = 5


def valid_features(values: Mapping[str, Any]) -> tuple[dict[str, float], list[str]]:
    """The values that are finite numbers within the range of their feature, and the names of those that are not.

    A value is never clipped into its range: a number outside tells that the provider means something else by it.
    Missing values and nulls are in neither of the two.
    """
    good: dict[str, float] = {}
    rejected: list[str] = []
    for feature in FEATURES:
        value = values.get(feature.name)
        if value is None:
            continue
        if is_number(value) and feature.low <= value <= feature.high:
            good[feature.name] = float(value)
        else:
            rejected.append(feature.name)
    return good, rejected


def is_number(value: object) -> bool:
    """Whether it is a finite number; to Python, True and False are numbers as well."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
