"""Fit the constants of the beats' phase: `python -m benchmarks.fit_beats [--pieces 16] [--write]`.

Trained on random grammars of rhythm and on the tuning styles, with the tempo given; neither shares a pattern with the
scoring styles. Prints how often the phase is right in styles that it was not fitted to.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import beat_phase, beats, beats_constants
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.synthesis import tuning_styles
from audio.synthesis.piece import PieceSpec, suite
from benchmarks import random_grooves

Floats = NDArray[np.float64]

_WITHIN_S, _WITHIN_BEATS = 0.07, 0.1
_L2 = 0.01
#: Share of pieces that are cut short, and to how much.
_SHORT, _SHORTEST_S, _LONGEST_S = 0.25, 6.0, 15.0
#: Standard deviation of the tempo that is given, as a share.
_TEMPO_ERROR = 0.0005


@dataclass
class Example:
    """Candidates of one piece: their features, and which are right."""

    style: str
    features: Floats
    right: NDArray[np.bool_]
    loudest: bool  #: Whether the phase that most is played on is right


def example(spec: PieceSpec, seed: int) -> Example | None:
    """Render and analyze a piece; None if nothing was found in it."""
    piece, rng = spec.render(), np.random.default_rng(seed)
    y, true_s = piece.y, np.array(piece.beats_s)
    if rng.random() < _SHORT:
        n = int(rng.uniform(_SHORTEST_S, _LONGEST_S) * ANALYSIS_RATE_HZ)
        start = int(rng.integers(0, len(y) - n))
        y, true_s = y[start : start + n], true_s - start / ANALYSIS_RATE_HZ
        true_s = true_s[(true_s >= 0) & (true_s < n / ANALYSIS_RATE_HZ)]
    spectra = Spectra(y)
    bands = beats.onset_bands(spectra)
    period_s = 60 / piece.bpm * (1 + _TEMPO_ERROR * rng.standard_normal())
    grid = beats.pulse(bands, period_s * spectra.onset_rate_hz)
    inside = grid[(grid >= 0) & (grid <= bands.shape[1] - 1)]
    phases = beat_phase.candidate_phases(bands, inside) if len(inside) > 1 else np.empty(0)
    if not len(phases):
        return None
    features = beat_phase.features(spectra, inside, phases)
    places = np.interp((true_s - beats.LATENCY_S) * spectra.onset_rate_hz, grid, np.arange(len(grid)))
    true_phase = float(np.angle(np.exp(2j * np.pi * places).mean()) / (2 * np.pi))
    most = min(_WITHIN_S / period_s, _WITHIN_BEATS)
    loudest = abs((0.5 - true_phase) % 1 - 0.5) <= most
    return Example(piece.style, features, np.abs((phases - true_phase + 0.5) % 1 - 0.5) <= most, loudest)


def fit(examples: Sequence[Example], l2: float = _L2) -> Floats:
    """Weights of the conditional logit; styles weigh the same."""
    from scipy.optimize import minimize

    known = [e for e in examples if e.right.any() and not e.right.all()]
    rows = np.concatenate([e.features for e in known])
    right = np.concatenate([e.right for e in known]).astype(float)
    sizes = [len(e.right) for e in known]
    starts, owner = np.cumsum([0, *sizes])[:-1], np.repeat(np.arange(len(known)), sizes)
    count = Counter(e.style for e in known)
    share = np.array([1 / count[e.style] for e in known])
    share /= share.sum()
    scale = rows.std(axis=0) + 1e-9
    rows = (rows - rows.mean(axis=0)) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = rows @ weights
        odds = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        total, good = np.add.reduceat(odds, starts), np.maximum(np.add.reduceat(odds * right, starts), 1e-300)
        pull = (odds / total[owner] - odds * right / good[owner]) * share[owner]
        return float(share @ np.log(total / good) + l2 * weights @ weights), pull @ rows + 2 * l2 * weights

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x / scale)


def outcomes(examples: Sequence[Example], weights: Floats) -> dict[str, list[bool]]:
    """Whether the choice is right, by style."""
    result: dict[str, list[bool]] = {}
    for e in examples:
        result.setdefault(e.style, []).append(bool(e.right[np.argmax(e.features @ weights)]))
    return result


def report(name: str, by_style: dict[str, list[bool]]) -> None:
    """Print the mean over styles, and the styles below nine in ten."""
    means = {style: float(np.mean(right)) for style, right in by_style.items()}
    weak = ", ".join(f"{style} {mean:.2f}" for style, mean in means.items() if mean < 0.9)
    print(f"{name:42} {np.mean(list(means.values())):.3f}  {weak}", flush=True)


def cross_validate(grammars: Sequence[Example], tuning: Sequence[Example], l2: float = _L2) -> None:
    """Print how often the phase is right in styles that were left out."""
    for name, part in (("grammars", grammars), ("tuning styles", tuning)):
        by_style: dict[str, list[bool]] = {}
        for e in part:
            by_style.setdefault(e.style, []).append(e.loudest)
        report(f"the loudest phase, {name}", by_style)
    report("grammars -> tuning styles", outcomes(tuning, fit(grammars, l2)))
    report("tuning styles -> grammars", outcomes(grammars, fit(tuning, l2)))
    left_out: dict[str, list[bool]] = {}
    for style in tuning_styles.STYLES:
        weights = fit([*grammars, *(e for e in tuning if e.style != style)], l2)
        left_out |= outcomes([e for e in tuning if e.style == style], weights)
    report("all but one tuning style -> that style", left_out)
    fifths: dict[str, list[bool]] = {}
    names = list(random_grooves.STYLES)
    for fold in range(5):
        weights = fit([*tuning, *(e for e in grammars if names.index(e.style) % 5 != fold)], l2)
        fifths |= outcomes([e for e in grammars if names.index(e.style) % 5 == fold], weights)
    report("all but a fifth of the grammars -> those", fifths)


def write(weights: Floats) -> None:
    """Write audio/beats_constants.py."""
    lines = [
        '"""Fitted constants of the beats\' phase, written by `python -m benchmarks.fit_beats --write`."""\n',
        "#: Weights of the conditional logit by the names of `beat_phase.NAMES`.",
        "WEIGHTS_BY_NAME: dict[str, float] = {",
        *(f'    "{name}": {value:.4f},' for name, value in zip(beat_phase.NAMES, weights, strict=True)),
        "}",
        "WEIGHTS: tuple[float, ...] = tuple(WEIGHTS_BY_NAME.values())\n",
    ]
    Path(beats_constants.__file__).write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=16, help="pieces of every tuning style, and half of a grammar's")
    parser.add_argument("--write", action="store_true", help="write audio/beats_constants.py")
    arguments = parser.parse_args()
    parts: list[list[Example]] = []
    for styles, seed, times in ((random_grooves.STYLES, 31, 2), (tuning_styles.STYLES, 41, 1)):
        specs = suite(styles, seed, times * arguments.pieces)
        made = (example(spec, 1000 * seed + i) for i, spec in enumerate(specs))
        parts.append([e for e in made if e is not None])
    cross_validate(parts[0], parts[1])
    if arguments.write:
        write(fit([*parts[0], *parts[1]]))


if __name__ == "__main__":
    main()
