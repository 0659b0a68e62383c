"""Fit the constants of the key: `python -m benchmarks.fit_key [--pieces 30] [--write]`.

Trained on random grammars of music and on the tuning styles. Prints what the method reaches on styles that it was not
fitted to, beside the published profiles alone.
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
from benchmarks import random_grooves
from benchmarks.fit_tempo import bins, fit_confidence
from benchmarks.random_sounds import without_beat
from core.audio import KeyName, Mode

Floats = NDArray[np.float64]

_L2 = 0.01
#: Published profiles are trusted more than what is fitted beside them.
_PROFILE_L2 = 0.001
_SHORT = 0.2


@dataclass
class Example:
    """One piece; `right` is the index of its key, or -1 where it has none."""

    style: str
    right: int
    features: Floats
    evidence: Floats  #: As if each key were chosen with even odds, [24, evidence]
    whole: bool  #: Not cut short


def example(style: str, y: Samples, key: KeyName | None, rng: np.random.Generator) -> Example:
    """Analyze a piece, sometimes cut short."""
    whole = rng.random() >= _SHORT
    if not whole:
        n = int(rng.uniform(4, 15) * ANALYSIS_RATE_HZ)
        start = int(rng.integers(0, len(y) - n))
        y = y[start : start + n]
    notes = chroma(y)
    seconds = len(y) / ANALYSIS_RATE_HZ
    evidence = np.stack([key_features.evidence(notes, k, 0.5, seconds) for k in range(key_features.KEYS)])
    right = -1 if key is None else key.root + 12 * (key.mode is Mode.MINOR)
    return Example(style, right, key_features.features(notes), evidence, bool(whole))


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
    strength = np.full(rows.shape[2], _L2)
    strength[:2] = _PROFILE_L2

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = (flat @ weights).reshape(rows.shape[:2])
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        pull = (share[:, None] * odds).ravel() @ flat - share @ rows[each, right]
        return float(-share @ np.log(odds[each, right] + 1e-300) + strength @ weights**2), pull + 2 * strength * weights

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


def report(name: str, guesses: Sequence[int], truths: Sequence[int]) -> None:
    """Print exact and weighted scores."""
    exact = np.mean(np.array(guesses) == np.array(truths))
    weighted = np.mean([mirex(int(g), int(t)) for g, t in zip(guesses, truths, strict=True)])
    print(f"{name:44} {exact:.3f} {weighted:.3f}  of {len(truths)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=20, help="pieces of every tuning style")
    parser.add_argument("--write", action="store_true", help="write audio/key_constants.py")
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)
    sets = []
    for styles, seed, pieces in (
        (random_grooves.PITCHED, 31, 3 * arguments.pieces),
        (tuning_styles.STYLES, 41, arguments.pieces),
    ):
        rendered = (spec.render() for spec in suite(styles, seed, pieces))
        sets.append([example(piece.style, piece.y, piece.key, rng) for piece in rendered])
    keyless = [example("no key", without_beat(rng), None, rng) for _ in range(3 * arguments.pieces)]
    fit(sets[0], sets[1], keyless, write=arguments.write)


def fit(grammars: list[Example], tuning: list[Example], keyless: list[Example], *, write: bool) -> None:
    """Cross-validate, fit to everything, print and perhaps write."""
    print("fitted to -> tested on                       exact, MIREX")
    truths = [e.right for e in tuning]
    profiles = np.zeros(len(key_features.NAMES))
    profiles[:2] = 1
    report("published profiles on tuning styles", list(chosen(tuning, profiles)[0]), truths)
    report("grammars -> tuning styles", list(chosen(tuning, fit_choice(grammars))[0]), truths)
    guesses, evidence = np.zeros(len(tuning), dtype=np.int64), np.zeros((len(tuning), len(key_features.EVIDENCE)))
    for style in tuning_styles.STYLES:
        inside = np.array([e.style == style for e in tuning])
        weights = fit_choice(grammars + [e for e in tuning if e.style != style])
        guesses[inside], evidence[inside] = chosen([e for e in tuning if e.style == style], weights)
    report("all but one tuning style -> that style", list(guesses), truths)
    whole = [i for i, e in enumerate(tuning) if e.whole]
    report("  of these, pieces that were not cut short", [guesses[i] for i in whole], [truths[i] for i in whole])
    weights = fit_choice(grammars + tuning)
    right = np.concatenate([guesses == truths, np.zeros(len(keyless), dtype=bool)])
    evidence = np.concatenate([evidence, chosen(keyless, weights)[1]])
    confidence_weights = fit_confidence(evidence, right, np.ones(len(right)))
    confidence = 1 / (1 + np.exp(-evidence @ confidence_weights))
    print("confidence: level, stated, right (without the style in the fit)")
    bins(confidence, right)
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
