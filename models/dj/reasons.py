"""Why a track was suggested, in a few words."""

from collections.abc import Mapping

import numpy as np

_WORDS = {
    "similarity": "sound",
    "energy": "energy",
    "low_end": "room for the bass",
    "mixability": "intro",
    "key": "key",
    "hype": "hype",
    "tempo": "tempo",
    "diversity": "variety",
}
_STRONG = 0.7
_WEAK = 0.35
#: Nobody changes a tempo by more; it is only possible where one of both is not sure.
_MIXABLE_PERCENT = 20.0


def reason(
    terms: Mapping[str, float],
    weights: Mapping[str, float],
    tempo_change_percent: float | None,
    relation: str | None,
    keys: tuple[str | None, str | None],
    energies: tuple[float, float],
) -> str:
    """One line: tempo, key and energy as they change, then the strongest and the weakest terms that have a weight."""
    facts = [_tempo(tempo_change_percent, relation), _key(*keys), _energy(*energies)]
    named = [name for name in terms if weights[name] > 0]
    strong = sorted((name for name in named if terms[name] >= _STRONG), key=lambda name: -terms[name] * weights[name])
    weak = sorted((name for name in named if terms[name] <= _WEAK), key=lambda name: terms[name])
    if strong:
        facts.append("good " + ", ".join(_WORDS[name] for name in strong[:3]))
    if weak:
        facts.append("weak " + ", ".join(_WORDS[name] for name in weak[:2]))
    return "; ".join(facts)


def _tempo(percent: float | None, relation: str | None) -> str:
    if percent is None:
        return "tempo unknown"
    if abs(percent) > _MIXABLE_PERCENT:
        return f"tempo {percent:+.0f} % off"
    time = "" if relation == "same" else f" at {relation} time"
    return f"tempo {percent:+.1f} %{time}"


def _key(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"key {after or before or 'unknown'}"
    return f"same key {after}" if before == after else f"key {before} to {after}"


def _energy(before: float, after: float) -> str:
    if np.isnan(before) or np.isnan(after):
        return "energy unknown"
    return f"energy {before:.2f} to {after:.2f}"
