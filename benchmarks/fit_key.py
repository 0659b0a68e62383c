"""Fit the constants of the key: `python -m benchmarks.fit_key [--pieces 16] [--write]`.

Trained on three generators of music: random grammars of rhythm, random harmony, and the tuning styles. What decides
about features and regularization is how a fit to some generators does on another one, which this prints, beside the
published profiles alone: leaving out one style of a generator says little, since its styles share their progressions.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import key_constants, key_features
from audio.chroma import chroma
from audio.spectra import ANALYSIS_RATE_HZ
from audio.synthesis import tuning_styles
from audio.synthesis.piece import Floats as Samples
from audio.synthesis.piece import suite
from benchmarks import random_grooves, random_harmony
from benchmarks.fit_tempo import bins, fit_confidence
from benchmarks.random_sounds import without_beat
from core.audio import KeyName, Mode

Floats = NDArray[np.float64]

_L2 = 0.03
#: Share of pieces that are also cut short.
_SHORT = 0.5
#: Styles that are left out at a time.
_LEFT_OUT = 3


@dataclass
class Example:
    """One piece; `right` is the index of its key, or -1 where it has none."""

    generator: str
    style: str
    right: int
    features: Floats
    evidence: Floats  #: As if each key were chosen with even odds, [24, evidence]
    whole: bool  #: Not cut short


def example(generator: str, style: str, y: Samples, key: KeyName | None, *, whole: bool = True) -> Example:
    """Analyze a piece."""
    notes = chroma(y)
    seconds = len(y) / ANALYSIS_RATE_HZ
    evidence = np.stack([key_features.evidence(notes, k, 0.5, seconds) for k in range(key_features.KEYS)])
    right = -1 if key is None else key.root + 12 * (key.mode is Mode.MINOR)
    return Example(generator, style, right, key_features.features(notes), evidence, whole)


def cut(y: Samples, rng: np.random.Generator) -> Samples:
    """Some 4 to 20 seconds of a piece."""
    n = int(rng.uniform(4, 20) * ANALYSIS_RATE_HZ)
    start = int(rng.integers(0, len(y) - n))
    return y[start : start + n]


def fit_choice(examples: Sequence[Example]) -> Floats:
    """Weights of the conditional logit; styles weigh the same."""
    from scipy.optimize import minimize

    rows = np.stack([e.features for e in examples])
    right = np.array([e.right for e in examples])
    styles = [e.style for e in examples]
    share = np.array([1 / styles.count(s) for s in styles])
    share /= share.sum()
    each = np.arange(len(rows))
    flat = rows.reshape(-1, rows.shape[2])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = (flat @ weights).reshape(rows.shape[:2])
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        pull = (share[:, None] * odds).ravel() @ flat - share @ rows[each, right]
        return float(-share @ np.log(odds[each, right] + 1e-300) + _L2 * weights @ weights), pull + 2 * _L2 * weights

    found = minimize(loss, np.zeros(rows.shape[2]), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x)


def chosen(examples: Sequence[Example], weights: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Chosen keys, and the evidence for them."""
    scores = np.stack([e.features for e in examples]) @ weights
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    probability = np.clip(odds.max(axis=1) / odds.sum(axis=1), 1e-4, 1 - 1e-4)
    best = scores.argmax(axis=1)
    evidence = np.stack([e.evidence[k] for e, k in zip(examples, best, strict=True)])
    evidence[:, 1] = np.log(probability / (1 - probability))
    return best, evidence


def mirex(guess: int, truth: int) -> float:
    """Score of MIREX: 1 right, .5 a fifth away, .3 relative, .2 parallel."""
    if guess == truth:
        return 1.0
    distance = (guess - truth) % 12
    if guess // 12 == truth // 12:
        return 0.5 if distance in (5, 7) else 0.0
    if distance == (9 if truth < 12 else 3):
        return 0.3
    return 0.2 if distance == 0 else 0.0


def report(name: str, guesses: Sequence[int], examples: Sequence[Example]) -> None:
    """Print exact and weighted scores of whole pieces and of those cut short."""
    line = f"{name:40}"
    for whole in (True, False):
        pairs = [(int(g), e.right) for g, e in zip(guesses, examples, strict=True) if e.whole is whole]
        exact, weighted = np.mean([g == t for g, t in pairs]), np.mean([mirex(g, t) for g, t in pairs])
        line += f" {exact:.3f} {weighted:.3f} of {len(pairs):3}  "
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=16, help="pieces of every tuning style")
    parser.add_argument("--write", action="store_true", help="write audio/key_constants.py")
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)
    examples: list[Example] = []
    for generator, styles, seed, pieces in (
        ("grammars", random_grooves.PITCHED, 31, 5 * arguments.pieces // 2),
        ("harmony", random_harmony.STYLES, 71, 5 * arguments.pieces),
        ("tuning", tuning_styles.STYLES, 41, arguments.pieces),
    ):
        for piece in (spec.render() for spec in suite(styles, seed, pieces)):
            examples.append(example(generator, piece.style, piece.y, piece.key))
            if rng.random() < _SHORT:
                short = cut(piece.y, rng)
                examples.append(example(generator, piece.style, short, piece.key, whole=False))
    keyless = [example("no key", "no key", without_beat(rng), None) for _ in range(4 * arguments.pieces)]
    fit(examples, keyless, write=arguments.write)


def fit(examples: list[Example], keyless: list[Example], *, write: bool) -> None:
    """Cross-validate, fit to everything, print and perhaps write."""
    print("fitted to -> tested on: exact, MIREX of whole pieces, then of short ones")
    generators = list(dict.fromkeys(e.generator for e in examples))
    sets = {g: [e for e in examples if e.generator == g] for g in generators}
    profile = np.array([float(name == "corpus") for name in key_features.NAMES])
    unseen: list[tuple[list[Example], NDArray[np.int64], Floats]] = []
    for held, tested in sets.items():
        report(f"one published profile on {held}", list(chosen(tested, profile)[0]), tested)
        for other in (g for g in generators if g != held):
            report(f"  {other} -> {held}", list(chosen(tested, fit_choice(sets[other]))[0]), tested)
        found = chosen(tested, fit_choice([e for e in examples if e.generator != held]))
        report(f"  all others -> {held}", list(found[0]), tested)
        unseen.append((tested, *found))
    styles, tuned, guesses = list(tuning_styles.STYLES), list[Example](), list[int]()
    for i in range(0, len(styles), _LEFT_OUT):
        left = styles[i : i + _LEFT_OUT]
        tested = [e for e in examples if e.style in left]
        guesses += chosen(tested, fit_choice([e for e in examples if e.style not in left]))[0].tolist()
        tuned += tested
    report(f"all but {_LEFT_OUT} tuning styles -> those", guesses, tuned)
    weights = fit_choice(examples)
    _calibrate(unseen, keyless, weights, write)


def _calibrate(
    unseen: list[tuple[list[Example], NDArray[np.int64], Floats]], keyless: list[Example], weights: Floats, write: bool
) -> None:
    """Fit the confidence to choices for generators that the fit did not see."""
    right = [guesses == [e.right for e in tested] for tested, guesses, _ in unseen] + [np.zeros(len(keyless), bool)]
    rows = np.concatenate([*(evidence for _, _, evidence in unseen), chosen(keyless, weights)[1]])
    # Random harmony is more ambiguous than music that people agree on the key of, so tuning styles weigh more.
    weight = {"tuning": 2.0}
    shares = [np.full(len(t), weight.get(t[0].generator, 1.0) / len(t)) for t, _, _ in unseen]
    shares.append(np.full(len(keyless), 1 / 3 / len(keyless)))
    truth = np.concatenate(right)
    confidence_weights = fit_confidence(rows, truth, np.concatenate(shares))
    confidence = 1 / (1 + np.exp(-rows @ confidence_weights))
    print("confidence: level, stated, right (without the generator in the fit)")
    bins(confidence, truth)
    start = 0
    for (tested, _, _), r in zip(unseen, right[:-1], strict=True):
        stated = confidence[start : start + len(r)]
        print(f"  {tested[0].generator}: stated {stated.mean():.2f}, right {r.mean():.2f}")
        start += len(r)
    print(f"  without a key: mean {confidence[-len(keyless) :].mean():.2f}")
    if write:
        _write(weights, confidence_weights)


def _write(weights: Floats, confidence: Floats) -> None:
    lines = [
        '"""Fitted constants of the key, written by `python -m benchmarks.fit_key --write`."""\n',
        "#: Weights of the conditional logit by the names of `key_features.NAMES`.",
        "WEIGHTS_BY_NAME: dict[str, float] = {",
        *(f'    "{name}": {value:.4f},' for name, value in zip(key_features.NAMES, weights, strict=True)),
        "}",
        "WEIGHTS: tuple[float, ...] = tuple(WEIGHTS_BY_NAME.values())\n",
        "#: Weights of `key_features.EVIDENCE` in the logistic regression of being right.",
        f"CONFIDENCE: tuple[float, ...] = ({', '.join(f'{value:.4f}' for value in confidence)})\n",
    ]
    Path(key_constants.__file__).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
