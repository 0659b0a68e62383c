"""placeholder"""

WEIGHTS: tuple[float, ...] = (1.0, 1.0) + (0.0,) * 145
CONFIDENCE: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0)
