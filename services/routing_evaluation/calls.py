"""Error against the number of look-ups made: best-first by expected gain, at random, and as an oracle would."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Points of the curves.
SHARES = tuple(round(0.05 * step, 2) for step in range(21))
#: The share of the calls that the project aims to get nine tenths of the gain with.
AIMED_CALLS, AIMED_GAIN = 0.3, 0.9


@dataclass(frozen=True, slots=True)
class Calls:
    """Mean normalized error where a share of the tracks is looked up and routed; lists follow `shares`."""

    shares: list[float]
    best_first: list[float]  #: The tracks with the highest expected gain
    random: list[float]  #: What chance gives on average
    oracle: list[float]  #: The tracks that do gain most
    gain_at_aim: float  #: Share of the whole gain that best-first has at `AIMED_CALLS`
    oracle_gain_at_aim: float  #: Likewise for the order of the oracle
    gain: float  #: Of all calls
    expected: float  #: The mean of what was expected of all calls
    calls_for_aim: float  #: Share of the calls after which best-first has `AIMED_GAIN` of the gain


def spend_calls(base: NDArray[np.float64], routed: NDArray[np.float64], expected_gain: NDArray[np.float64]) -> Calls:
    """Curves from the errors [n] of tracks without and with a look-up, and what was expected before, [n]."""
    gains = base - routed
    best, ideal = (gains[np.argsort(-order, kind="stable")] for order in (expected_gain, gains))
    total = float(gains.sum())
    reached = np.flatnonzero(np.cumsum(best) >= AIMED_GAIN * total)
    return Calls(
        shares=list(SHARES),
        best_first=_curve(base, best),
        random=[float(base.mean() - share * gains.mean()) for share in SHARES],
        oracle=_curve(base, ideal),
        gain_at_aim=_gain(best, AIMED_CALLS) / total if total else float("nan"),
        oracle_gain_at_aim=_gain(ideal, AIMED_CALLS) / total if total else float("nan"),
        gain=float(gains.mean()),
        expected=float(expected_gain.mean()),
        calls_for_aim=float((reached[0] + 1) / len(best)) if reached.size else float("nan"),
    )


def _curve(base: NDArray[np.float64], ordered: NDArray[np.float64]) -> list[float]:
    return [float(base.mean() - _gain(ordered, share) / len(base)) for share in SHARES]


def _gain(ordered: NDArray[np.float64], share: float) -> float:
    return float(ordered[: round(share * len(ordered))].sum())
