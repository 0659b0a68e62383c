"""Fit the constants of the tempo: `python -m benchmarks.fit_tempo [--pieces 36] [--write]`.

Three generators of music that share no pattern with the scoring styles: grammars that keep to the meter
(`random_grooves`), music that crosses it (`random_crossings`), and the tuning styles. Prints what the method reaches on
music that it was not fitted to: each generator by a fit to the other two, and each kind of music, of all generators, by
a fit to the other kinds. These choices, not those on the music of the fit, teach the confidence.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio import tempo_confidence, tempo_constants, tempo_features, tempo_periods
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.synthesis import tuning_styles
from audio.synthesis.piece import PieceSpec, suite
from benchmarks import random_crossings, random_grooves
from benchmarks.random_sounds import without_beat

Floats = NDArray[np.float64]

_WITHIN = 0.04
_PRECISE = 0.002
_L2 = 0.005
#: Tempi of recorded music spread around this one by so many octaves (Moelants, "Preferred Tempo Reconsidered", 2002).
#: Styles span theirs evenly, so pieces weigh by how common their tempo is, though rare ones still count.
_COMMON_BPM, _SPREAD_OCTAVES, _RARE = 118.0, 0.6, 0.2
#: The commonest groove of all counts as this many styles.
_COMMON_STYLES = {"crossing-slow pop": 3.0}
_CONFIDENCE_L2 = 1e-4
_SHORTEST_S = 3.0
#: Share of pieces that are cut short.
_SHORT = 0.25
#: Styles and the seed of their pieces.
GENERATORS = {
    "grammars": (random_grooves.STYLES, 11),
    "crossings": (random_crossings.STYLES, 61),
    "tuning styles": (tuning_styles.STYLES, 21),
}
#: Kinds of music across all generators. Those of a kind are left out together.
KINDS = {
    "four to the floor": "house, disco, trance, grammar-floor, crossing-floor and arpeggio, crossing-rolling bass, "
    "crossing-threes over four, crossing-echoes",
    "fast backbeat": "rock, punk, garage band, soul, worn record, train beat, grammar-backbeat, "
    "grammar-backbeat-drift, crossing-riff in eighths, crossing-fast, crossing-gallop, crossing-two-step",
    "slow backbeat": "ballad, boom bap, grammar-sixteenths, grammar-broken, crossing-hats twice as fast, "
    "crossing-slow, crossing-slow pop, crossing-breaks, crossing-riff against the beat",
    "half time": "half-time pop, grammar-halftime, crossing-half-time with rolls",
    "off the beat": "bossa, grammar-onedrop, grammar-polka, crossing-dembow, crossing-clave, crossing-off-beats, "
    "crossing-clave in sixteenths, crossing-no kick on the beat, crossing-off-beats alone",
    "swing": "shuffle blues, grammar-shuffle, grammar-ride, grammar-ride-triplets, crossing-walking",
    "three": "country waltz, slow six-eight, grammar-triple, grammar-compound, grammar-compound-four, "
    "grammar-strummed-three, crossing-twelve, crossing-hemiola",
    "without drums": "fingerpicked, grammar-strummed, grammar-melodic, crossing-arpeggios, crossing-oom-pah, "
    "crossing-sparse",
    "any meter": "march, grammar-march, grammar-meter, grammar-meter-drift, crossing-five, crossing-seven",
}
_KIND_OF = {style: kind for kind, styles in KINDS.items() for style in styles.split(", ")}


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
    """Weights of the conditional logit; nearly all styles weigh the same."""
    from scipy.optimize import minimize

    known = [e for e in examples if e.right >= 0]
    rows = np.concatenate([e.features for e in known])
    starts = np.cumsum([0] + [len(e.periods_s) for e in known])[:-1]
    owner = np.repeat(np.arange(len(known)), [len(e.periods_s) for e in known])
    right = starts + np.array([e.right for e in known])
    styles = [e.style for e in known]
    octaves = np.log2(np.array([e.bpm for e in known]) / _COMMON_BPM) / _SPREAD_OCTAVES
    share = (np.exp(-(octaves**2) / 2) + _RARE) / np.array([styles.count(s) for s in styles])
    share *= np.array([_COMMON_STYLES.get(style, 1.0) for style in styles])
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


def probabilities_of(e: Example, weights: Floats) -> Floats:
    """Probability of each candidate."""
    scores = e.features @ weights
    odds = np.exp(scores - scores.max())
    return np.asarray(odds / odds.sum())


def fit_confidence(rows: Floats, right: NDArray[np.bool_], share: Floats) -> Floats:
    """Logistic regression of being right on the evidence (Platt scaling)."""
    from scipy.optimize import minimize

    signs, share = np.where(right, 1.0, -1.0), share / share.sum()

    def loss(weights: Floats) -> float:
        return float(share @ np.logaddexp(0, -signs * (rows @ weights)) + _CONFIDENCE_L2 * weights[1:] @ weights[1:])

    return np.asarray(minimize(loss, np.zeros(rows.shape[1]), method="BFGS").x)


@dataclass
class Outcomes:
    """What came of some choices: their evidence, the limit of their confidence, and chosen by true tempo."""

    evidence: Floats
    limits: Floats
    ratios: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.abs(self.ratios - 1) < _WITHIN

    def confidence(self, weights: Floats) -> Floats:
        return np.asarray(np.minimum(1 / (1 + np.exp(-self.evidence @ weights)), self.limits))


def outcomes(examples: Sequence[Example], weights: Floats) -> Outcomes:
    """Choices among the candidates of each example."""
    evidence, limits, ratios = [], [], []
    for e in examples:
        if len(e.periods_s):
            probabilities = probabilities_of(e, weights)
            evidence.append(tempo_confidence.evidence(e.periodicity, e.periods_s, probabilities, e.seconds))
            limits.append(tempo_confidence.limited(1.0, e.periods_s, e.features, probabilities))
            ratios.append(60 / float(e.periods_s[np.argmax(probabilities)]) / e.bpm)
    return Outcomes(np.array(evidence), np.array(limits), np.array(ratios))


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("evidence", "limits", "ratios")))


def report(name: str, ratio: Floats) -> None:
    """Print accuracy 1 and 2 and precision."""
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


def reliability(outcome: Outcomes, weights: Floats) -> None:
    """Print the expected calibration error, how many wrong choices state much, and the bins."""
    confidence, right = outcome.confidence(weights), outcome.right
    levels = np.minimum((confidence * 10).astype(int), 9)
    error = sum(abs((confidence - right)[levels == level].sum()) for level in range(10)) / len(right)
    print(f"  error {error:.3f}; of the wrong ones above 0.9: {np.mean(confidence[~right] > 0.9):.3f}")
    bins(confidence, right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=36, help="pieces of every style")
    parser.add_argument("--crossings", type=int, default=28, help="pieces of every style that crosses the meter")
    parser.add_argument("--write", action="store_true", help="write audio/tempo_constants.py")
    arguments = parser.parse_args()
    generated = {}
    for name, (styles, seed) in GENERATORS.items():
        specs = suite(styles, seed, arguments.crossings if name == "crossings" else arguments.pieces)
        generated[name] = [example((spec, 1000 * seed + i)) for i, spec in enumerate(specs)]
    fit(generated, [example((i, 5000 + i)) for i in range(4 * arguments.pieces)], arguments.write)


def fit(generated: dict[str, list[Example]], beatless: list[Example], write: bool) -> None:
    """Cross-validate, fit to everything, print and perhaps write."""
    print("fitted to -> tested on                       accuracy 1, 2, precision before drift is handled")
    across = {name: outcomes(own, fit_choice(_without(generated, name))) for name, own in generated.items()}
    for name, outcome in across.items():
        report(f"the other generators -> {name}", outcome.ratios)
    examples = [e for own in generated.values() for e in own]
    without_kind = {kind: fit_choice([e for e in examples if _KIND_OF[e.style] != kind]) for kind in KINDS}
    kinds = []
    for name, own in generated.items():
        parts = [outcomes([e for e in own if _KIND_OF[e.style] == kind], without_kind[kind]) for kind in KINDS]
        report(f"the other kinds -> kinds of {name}", joined(parts).ratios)
        kinds += parts
    weights = fit_choice(examples)
    nothing = outcomes(beatless, weights)
    for name, outcome in across.items():
        others = [own for other, own in across.items() if other != name]
        print(f"confidence fitted to the other generators, on {name}: level, stated, right")
        reliability(outcome, _confidence_weights([*others, nothing]))
    confidence = _confidence_weights([*across.values(), *kinds, nothing])
    print("confidence as written, on choices across generators")
    reliability(joined(list(across.values())), confidence)
    print(f"  without a beat: mean {nothing.confidence(confidence).mean():.2f}")
    if write:
        _write(weights, confidence)


def _without(generated: dict[str, list[Example]], name: str) -> list[Example]:
    return [e for other, own in generated.items() if other != name for e in own]


def _confidence_weights(parts: Sequence[Outcomes]) -> Floats:
    whole = joined(parts)
    return fit_confidence(whole.evidence, whole.right, np.ones(len(whole.right)))


def _write(weights: Floats, confidence: Floats) -> None:
    lines = [
        '"""Fitted constants of the tempo, written by `python -m benchmarks.fit_tempo --write`."""\n',
        "#: Weights of the conditional logit by the names of `tempo_features.NAMES`.",
        "WEIGHTS_BY_NAME: dict[str, float] = {",
        *(f'    "{name}": {value:.4f},' for name, value in zip(tempo_features.NAMES, weights, strict=True)),
        "}",
        "WEIGHTS: tuple[float, ...] = tuple(WEIGHTS_BY_NAME.values())\n",
        "#: Weights of `tempo_confidence.EVIDENCE` in the logistic regression of being right.",
        f"CONFIDENCE: tuple[float, ...] = ({', '.join(f'{value:.4f}' for value in confidence)})\n",
    ]
    Path(tempo_constants.__file__).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
