"""From weights to routed values and their uncertainty."""

import numpy as np
from numpy.typing import NDArray

from models.predictors.protocol import clip_to_ranges
from models.routing.protocol import Pair, Routed

#: The rule of values of which the other estimate is not known.
NOT_LOOKED_UP = "base-alone"


def mix(pair: Pair, weight: NDArray[np.floating], rule: NDArray[np.integer], rules: tuple[str, ...]) -> Routed:
    """Values that are `weight` parts of the other estimate and `1 - weight` of the base.

    The half-width of a mixture is the mixture of both half-widths: what two errors that always agree would have.

    Parameters
    ----------
    weight, rule
        [n, 9]; ignored where the other estimate is not known.
    rules
        Names of the rules; `NOT_LOOKED_UP` is appended.
    """
    known = ~np.isnan(pair.other)
    share = np.where(known, weight, 0.0).astype(np.float32)
    values = (1 - share) * pair.base + share * np.where(known, pair.other, 0)
    uncertainty = (1 - share) * pair.base_uncertainty + share * other_half_widths(pair)
    routes = np.where(known, rule, len(rules)).astype(np.int8)
    return Routed(clip_to_ranges(values), share, routes, (*rules, NOT_LOOKED_UP), uncertainty.astype(np.float32))


def other_half_widths(pair: Pair) -> NDArray[np.float32]:
    """Half-widths of the other estimate, [n, 9].

    Where it gives none, what holds the base estimate, too: a value that differs from what one would expect is not to
    be taken for more certain than that.
    """
    apart = np.where(np.isnan(pair.other), 0, np.abs(pair.other - pair.base))
    fallback = np.maximum(pair.base_uncertainty, apart)
    return np.where(np.isnan(pair.other_uncertainty), fallback, pair.other_uncertainty).astype(np.float32)
