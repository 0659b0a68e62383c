"""Small samples drawn again and again: what a benchmark of 100 tracks can and cannot tell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE, SAMPLE_SEED, N_SAMPLES = 100, 42, 200


@dataclass(frozen=True, slots=True)
class SampleSpread:
    """How the MNE of one predictor varies over the samples."""

    first: float  #: In the sample with seed `SAMPLE_SEED` alone
    mean: float
    low: float  #: 2.5 % quantile
    high: float  #: 97.5 % quantile
    ranked_first: float  #: Share of the samples in which no other predictor has a lower MNE
    means: list[float]  #: MNE in each sample


def repeat_samples(
    per_track: Mapping[str, NDArray[np.float64]],
    size: int = SAMPLE_SIZE,
    repetitions: int = N_SAMPLES,
    seed: int = SAMPLE_SEED,
) -> dict[str, SampleSpread]:
    """MNE of every predictor in repeated samples.

    Parameters
    ----------
    per_track
        Mean errors [n] of each predictor on the same tracks.
    size
        Tracks in a sample, drawn without replacement; every predictor gets the same ones.
    seed
        Of the first sample; the k-th after it has the seed `seed + k`.

    Returns
    -------
    spreads
        Empty where there are fewer than `size` tracks.
    """
    errors = np.stack(list(per_track.values()), axis=1)
    if len(errors) < size:
        return {}
    means = np.stack([errors[_draw(len(errors), size, seed + k)].mean(axis=0) for k in range(repetitions)])
    first = means == means.min(axis=1, keepdims=True)
    return {name: _spread(means[:, i], float(first[:, i].mean())) for i, name in enumerate(per_track)}


def _draw(n: int, size: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng(seed).choice(n, size=size, replace=False)


def _spread(means: NDArray[np.float64], ranked_first: float) -> SampleSpread:
    low, high = np.quantile(means, [0.025, 0.975])
    return SampleSpread(float(means[0]), float(means.mean()), float(low), float(high), ranked_first, means.tolist())
