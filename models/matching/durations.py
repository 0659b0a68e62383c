"""Whether two durations may be those of one recording."""

TOLERANCE_MS = 3_000
TOLERANCE_SHARE = 0.02


def tolerance_ms(duration_ms: int) -> int:
    """By how much releases of one recording differ: 3 s or 2 %, whichever is larger."""
    return max(TOLERANCE_MS, int(duration_ms * TOLERANCE_SHARE))


def durations_agree(one_ms: int | None, other_ms: int | None) -> bool | None:
    """Whether they agree; `None` where either is unknown."""
    if one_ms is None or other_ms is None:
        return None
    return abs(one_ms - other_ms) <= tolerance_ms(max(one_ms, other_ms))


def closeness(one_ms: int, other_ms: int) -> float:
    """1 for equal durations, down to 0 at the edge of the tolerance and beyond."""
    return max(0.0, 1.0 - abs(one_ms - other_ms) / tolerance_ms(max(one_ms, other_ms)))


def widest_agreeing(duration_ms: int) -> tuple[int, int]:
    """The shortest and the longest duration that can agree with this one, both a little too wide."""
    longest = max(duration_ms + TOLERANCE_MS, int(duration_ms / (1 - TOLERANCE_SHARE)) + 1)
    return max(duration_ms - tolerance_ms(duration_ms), 0), longest
