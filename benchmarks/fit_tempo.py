"""Fit the constants of the tempo: `python -m benchmarks.fit_tempo [--pieces 40] [--write]`.

Trained on random grammars of rhythm and on the tuning styles; neither shares a pattern with the scoring styles. Prints
what the method reaches on styles that it was not fitted to: the grammars alone on all tuning styles, and each tuning
style by a fit without it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import tempo_constants, tempo_features, tempo_periods
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.synthesis import tuning_styles
from audio.synthesis.piece import PieceSpec, suite
from benchmarks import random_grooves
from benchmarks.random_sounds import without_beat

Floats = NDArray[np.float64]

_WITHIN = 0.04
_PRECISE = 0.002
_L2 = 0.003
#: Tempi of recorded music spread around this one by so many octaves (Moelants, "Preferred Tempo Reconsidered", 2002).
#: Styles span theirs evenly, so pieces weigh by how common their tempo is, though rare ones still count.
_COMMON_BPM, _SPREAD_OCTAVES, _RARE = 118.0, 0.6, 0.2
_CONFIDENCE_L2 = 1e-4
_SHORTEST_S = 3.0
#: Share of pieces that are cut short.
_SHORT = 0.25


@dataclass
class Example:
    """Candidates of one piece; `right` is the index of the true one, or -1."""

    style: str
    bpm: float
    seconds: float
    periods_s: Floats
    features: Floats
    right: int
    periodicity: tempo_periods.Periodicity


def example(job: tuple[PieceSpec | int, int]) -> Example:
    """Render and analyze a piece, or for a number in place of a spec something without a beat."""
    spec, seed = job
    rng = np.random.default_rng(seed)
    if isinstance(spec, int):
        y, bpm, style = without_beat(rng), -1.0, "no beat"
    else:
        piece = spec.render()
        y, bpm, style = piece.y, piece.bpm, piece.style
    if rng.random() < _SHORT:
        n = int(rng.uniform(_SHORTEST_S, 15) * ANALYSIS_RATE_HZ)
        start = int(rng.integers(0, len(y) - n))
        y = y[start : start + n]
    spectra = Spectra(y)
    periodicity = tempo_periods.measure(spectra.band_onsets, spectra.onset_rate_hz, tempo_features.PAIRS)
    periods = tempo_periods.candidate_periods(periodicity)
    off = np.abs(60 / periods / bpm - 1)
    right = int(np.argmin(off)) if len(off) and off.min() < _WITHIN else -1
    features = tempo_features.features(periodicity, periods)
    return Example(style, bpm, len(y) / ANALYSIS_RATE_HZ, periods, features, right, periodicity)


def fit_choice(examples: Sequence[Example], l2: float = _L2) -> Floats:
    """Weights of the conditional logit; styles weigh the same."""
    from scipy.optimize import minimize

    known = [e for e in examples if e.right >= 0]
    rows = np.concatenate([e.features for e in known])
    starts = np.cumsum([0] + [len(e.periods_s) for e in known])[:-1]
    owner = np.repeat(np.arange(len(known)), [len(e.periods_s) for e in known])
    right = starts + np.array([e.right for e in known])
    styles = [e.style for e in known]
    octaves = np.log2(np.array([e.bpm for e in known]) / _COMMON_BPM) / _SPREAD_OCTAVES
    share = (np.exp(-(octaves**2) / 2) + _RARE) / np.array([styles.count(s) for s in styles])
    share /= share.sum()
    scale = rows.std(axis=0) + 1e-9
    rows = (rows - rows.mean(axis=0)) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = rows @ weights
        highest = np.maximum.reduceat(scores, starts)
        odds = np.exp(scores - highest[owner])
        total = np.add.reduceat(odds, starts)
        likelihood = scores[right] - highest - np.log(total)
        pull = odds / total[owner] * share[owner]
        gradient = pull @ rows - share @ rows[right]
        return float(-share @ likelihood + l2 * weights @ weights), gradient + 2 * l2 * weights

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x / scale)


def choose(e: Example, weights: Floats) -> tuple[float, float]:
    """Chosen period and its probability."""
    scores = e.features @ weights
    odds = np.exp(scores - scores.max())
    best = int(np.argmax(odds))
    return float(e.periods_s[best]), float(odds[best] / odds.sum())


def fit_confidence(rows: Floats, right: NDArray[np.bool_], share: Floats) -> Floats:
    """Logistic regression of being right on the evidence (Platt scaling)."""
    from scipy.optimize import minimize

    signs, share = np.where(right, 1.0, -1.0), share / share.sum()

    def loss(weights: Floats) -> float:
        return float(share @ np.logaddexp(0, -signs * (rows @ weights)) + _CONFIDENCE_L2 * weights[1:] @ weights[1:])

    return np.asarray(minimize(loss, np.zeros(rows.shape[1]), method="BFGS").x)


def outcomes(examples: Sequence[Example], weights: Floats) -> tuple[Floats, NDArray[np.bool_], list[float]]:
    """Evidence, whether the choice is right, and the ratio of chosen and true tempo, of each example."""
    evidence, right, ratios = [], [], []
    for e in examples:
        if len(e.periods_s):
            period, probability = choose(e, weights)
            evidence.append(tempo_features.evidence(e.periodicity, period, probability, e.seconds))
            ratios.append(60 / period / e.bpm)
            right.append(abs(ratios[-1] - 1) < _WITHIN)
    return np.array(evidence), np.array(right), ratios


def report(name: str, ratios: Sequence[float]) -> None:
    """Print accuracy 1 and 2 and precision."""
    ratio = np.array(ratios)
    accuracy_2 = np.min([np.abs(ratio / k - 1) for k in (1, 2, 3, 1 / 2, 1 / 3)], axis=0) < _WITHIN
    first, precise = np.abs(ratio - 1) < _WITHIN, np.abs(ratio - 1) < _PRECISE
    print(f"{name:44} {first.mean():.3f} {accuracy_2.mean():.3f} {precise.mean():.3f}  of {len(ratio)}", flush=True)


def bins(confidence: Floats, right: NDArray[np.bool_]) -> None:
    """Print how often each level of confidence is right."""
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            stated, true = confidence[inside].mean(), right[inside].mean()
            print(f"  {low:.1f}-{min(high, 1):.1f}: {stated:.2f} {true:.2f} of {inside.sum()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=36, help="pieces of every style")
    parser.add_argument("--write", action="store_true", help="write audio/tempo_constants.py")
    arguments = parser.parse_args()
    jobs: list[tuple[PieceSpec | int, int]] = []
    for styles, seed in ((random_grooves.STYLES, 11), (tuning_styles.STYLES, 21)):
        jobs += [(spec, 1000 * seed + i) for i, spec in enumerate(suite(styles, seed, arguments.pieces))]
    jobs += [(i, 5000 + i) for i in range(4 * arguments.pieces)]
    examples = [example(job) for job in jobs]
    grammars = [e for e in examples if e.style in random_grooves.STYLES]
    tuning = [e for e in examples if e.style in tuning_styles.STYLES]
    fit(grammars, tuning, [e for e in examples if e.style == "no beat"], arguments.write)


def fit(grammars: list[Example], tuning: list[Example], beatless: list[Example], write: bool) -> None:
    """Cross-validate, fit to everything, print and perhaps write."""
    print("fitted to -> tested on                       accuracy 1, 2, precision before drift is handled")
    parts = []
    report("grammars -> tuning styles", outcomes(tuning, fit_choice(grammars))[2])
    left_out: list[float] = []
    for style in tuning_styles.STYLES:
        weights = fit_choice(grammars + [e for e in tuning if e.style != style])
        parts.append(outcomes([e for e in tuning if e.style == style], weights))
        left_out += parts[-1][2]
    report("all but one tuning style -> that style", left_out)
    parts_of_grammars: list[float] = []
    names = list(random_grooves.STYLES)
    for fold in range(5):
        weights = fit_choice(tuning + [e for e in grammars if names.index(e.style) % 5 != fold])
        parts.append(outcomes([e for e in grammars if names.index(e.style) % 5 == fold], weights))
        parts_of_grammars += parts[-1][2]
    report("all but a fifth of the grammars -> those", parts_of_grammars)
    weights = fit_choice(grammars + tuning)
    parts.append(outcomes(beatless, weights))
    evidence, right = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    confidence_weights = fit_confidence(evidence, right, np.ones(len(right)))
    confidence = 1 / (1 + np.exp(-evidence @ confidence_weights))
    print("confidence: level, stated, right (without the style in the fit)")
    bins(confidence, right)
    print(f"  without a beat: mean {confidence[-len(parts[-1][1]) :].mean():.2f}")
    if write:
        _write(weights, confidence_weights)


def _write(weights: Floats, confidence: Floats) -> None:
    lines = [
        '"""Fitted constants of the tempo, written by `python -m benchmarks.fit_tempo --write`."""\n',
        "#: Weights of the conditional logit by the names of `tempo_features.NAMES`.",
        "WEIGHTS_BY_NAME: dict[str, float] = {",
        *(f'    "{name}": {value:.4f},' for name, value in zip(tempo_features.NAMES, weights, strict=True)),
        "}",
        "WEIGHTS: tuple[float, ...] = tuple(WEIGHTS_BY_NAME.values())\n",
        "#: Weights of `tempo_features.EVIDENCE` in the logistic regression of being right.",
        f"CONFIDENCE: tuple[float, ...] = ({', '.join(f'{value:.4f}' for value in confidence)})\n",
    ]
    Path(tempo_constants.__file__).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
