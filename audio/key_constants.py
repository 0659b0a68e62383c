"""Fitted constants of the key, written by `python -m benchmarks.fit_key --write`."""

#: Weights of the conditional logit by the names of `key_features.NAMES`.
WEIGHTS_BY_NAME: dict[str, float] = {
    "corpus": 0.6297,
    "temperley": 0.6131,
    "dance": 0.6076,
    "probe tone": 0.6115,
    "corpus, even": 0.6272,
    "temperley, even": 0.6014,
    "dance, even": 0.6106,
    "minor": 0.0308,
    "third": 0.4139,
    "sixth": 0.0417,
    "flat seventh": -0.1216,
    "flat seventh, minor": -0.0029,
    "leading tone": 0.0191,
    "leading tone, minor": -0.0120,
    "second": -0.0303,
    "bass on tonic": 0.2374,
    "bass on fifth": 0.1173,
    "V": 0.2578,
    "V, minor": 0.3718,
    "v": -0.0554,
    "v, minor": 0.1714,
    "bVII": 0.1677,
    "bVII, minor": 0.2231,
    "bVI": 0.2495,
    "bVI, minor": 0.3719,
    "ii": 0.0487,
    "iii, major": 0.1475,
    "IV": 0.2785,
    "iv": 0.0165,
    "relative": -0.0881,
    "V to I": 0.6079,
    "v to I": 0.1268,
    "IV to I": 0.6377,
    "any to I": 0.5442,
    "first chord": 0.7533,
    "windows": 1.1176,
}
WEIGHTS: tuple[float, ...] = tuple(WEIGHTS_BY_NAME.values())

#: Weights of `key_features.EVIDENCE` in the logistic regression of being right.
CONFIDENCE: tuple[float, ...] = (-6.2300, 0.7301, 8.3288, 0.1936, 0.4044)
