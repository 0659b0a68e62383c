"""Which track comes next: hard limits, the nearest by sound, then all terms, then perhaps a simulated crossfade."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.audio import AudioDescription
from core.audio_settings import DjSettings
from core.errors import ConfigurationError
from models.dj.candidates import Candidates, distinct, find
from models.dj.filters import RELATIONS, allowed
from models.dj.goals import Aim, Goal, aim_of
from models.dj.keys import camelot
from models.dj.library import Current, DjLibrary
from models.dj.reasons import reason
from models.dj.suggestion import Describe, History, Suggestion
from models.dj.terms import all_terms
from models.dj.transition import simulate

Floats = NDArray[np.float32]

#: So many times the tracks that are asked for are looked at for copies of one recording.
_COPIES = 5


def rank(
    library: DjLibrary,
    current: Current,
    history: History,
    goal: Goal,
    settings: DjSettings,
    top_k: int,
    describe: Describe | None = None,
    playing: AudioDescription | None = None,
) -> list[Suggestion]:
    """The best tracks to follow `current`, the best first; at most `top_k`, fewer where fewer are left.

    `describe` and `playing`, the description of the current track, are needed only where `settings.simulate` is above
    0; candidates that `describe` does not know are ranked without a simulation.

    Raises
    ------
    PermanentError
        `embedding-space-mismatch`: the library was embedded otherwise than the current track.
    ConfigurationError
        `invalid-settings`: all weights are 0.
    """
    scale = library.scale
    aim = aim_of(goal, current["whole_energy"], settings.energy_step, scale.energy_low, scale.energy_high)
    if not settings.simulate or describe is None or playing is None:
        return rank_toward(library, current, history, aim, settings, top_k)
    best = rank_toward(library, current, history, aim, settings, max(top_k, settings.simulate))
    return _simulated(best, playing, describe, settings)[:top_k]


def rank_toward(
    library: DjLibrary, current: Current, history: History, aim: Aim, settings: DjSettings, top_k: int
) -> list[Suggestion]:
    """As `rank`, toward an aim in numbers and without simulation."""
    library.require_same_space(current)
    weights = relative_weights(settings)
    if top_k < 1:
        return []
    mask, relaxed = allowed(library, current, history.played, settings).open_to(settings.relax)
    played = library.rows([id for id in history.played if id != current.id])
    found = find(library, current, played, mask, settings, max(settings.candidates, top_k))
    terms = all_terms(library.scale, current, found, aim, settings)
    scores: Floats = np.array(list(weights.values()), np.float32) @ np.stack([terms[name] for name in weights])
    order = np.lexsort((found.rows, -scores))[: _COPIES * top_k]
    described = _Described(library, current, found, terms, scores, weights, relaxed)
    return [described.suggestion(int(order[at])) for at in distinct(library, found.rows[order], top_k)]


def relative_weights(settings: DjSettings) -> dict[str, float]:
    """The weights, by name, with the sum 1."""
    weights: dict[str, float] = settings.weights.model_dump()
    total = sum(weights.values())
    if not total > 0:
        raise ConfigurationError("invalid-settings", "At least one of MUSICSPACE_DJ__WEIGHTS__* must be above 0.")
    return {name: weight / total for name, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class _Described:
    """The ranked candidates, to make suggestions of the best."""

    library: DjLibrary
    current: Current
    found: Candidates
    terms: dict[str, Floats]
    scores: Floats
    weights: dict[str, float]
    relaxed: tuple[str, ...]

    def suggestion(self, at: int) -> Suggestion:
        """The candidate at this place."""
        terms = {name: float(term[at]) for name, term in self.terms.items()}
        relation, change = int(self.found.tempo.relation[at]), float(self.found.tempo.change_percent[at])
        percent = None if relation < 0 else change
        name = None if relation < 0 else RELATIONS[relation][0]
        keys = camelot(self.current["key"]), camelot(float(self.found["key"][at]))
        energies = self.current["whole_energy"], float(self.found["whole_energy"][at])
        bpm = float(self.found["bpm"][at])
        return Suggestion(
            id=self.library.ids[self.found.rows[at]],
            score=float(self.scores[at]),
            terms=terms,
            weights=self.weights,
            bpm=None if np.isnan(bpm) else bpm,
            tempo_change_percent=percent,
            tempo_relation=name,
            camelot=keys[1],
            current_camelot=keys[0],
            why=reason(terms, self.weights, percent, name, keys, energies),
            relaxed=self.relaxed,
        )


def _simulated(
    best: list[Suggestion], playing: AudioDescription, describe: Describe, settings: DjSettings
) -> list[Suggestion]:
    """The first few once more in order, by their score mixed with that of the simulated crossfade, then the others.

    One that cannot be simulated keeps its score, so it is neither helped nor hurt.
    """
    first, others = best[: settings.simulate], best[settings.simulate :]
    descriptions = describe([suggestion.id for suggestion in first])
    share = settings.transition_weight
    mixed = []
    for suggestion in first:
        incoming = descriptions.get(suggestion.id)
        if incoming is not None:
            transition = simulate(playing, incoming, settings)
            score = (1 - share) * suggestion.score + share * transition.score
            suggestion = replace(suggestion, score=score, transition=transition)
        mixed.append(suggestion)
    return sorted(mixed, key=lambda suggestion: -suggestion.score) + others
