"""Full-jitter back-off: spreads retries evenly instead of letting them return as one wave.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

import random


def full_jitter(attempt: int, base_s: float, cap_s: float) -> float:
    """A delay drawn from 0 to min(cap, base * 2^(attempt - 1)) seconds; `attempt` counts from 1."""
    return random.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt - 1, 60)))
