"""The strategies of the platform's routing study, each a list of rules: the first that holds for a value routes it.

The study routes every single value, not whole tracks: of its 800 values 243 (30.4 %) go to the rule of high divergence,
which eight features a track cannot give if it holds for all of them or none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from models.evaluation.errors import normalized_errors
from models.routing.divergence import divergence
from models.routing.genre_groups import genre_groups
from models.routing.mixing import mix
from models.routing.protocol import Pair, Routed, Strategy

STRONG_FEATURES = ("tempo", "acousticness")
STRONG_GENRES = ("pop", "rock", "afrobeats")
EXTENDED_STRONG_GENRES = ("pop", "rock", "afrobeats", "gaming", "reggae", "brazilian", "folk", "classical")
#: 60 % of the base, 40 % of the other.
SIXTY_FORTY = 0.4
#: The strategy that is learned, and where it is served from.
LEARNED = "learned"


class View:
    """What the rules look at; all arrays can be broadcast to [n, 9]."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @cached_property
    def divergence(self) -> NDArray[np.float64]:
        """Of each value, [n, 9]."""
        return divergence(self.pair)

    @cached_property
    def genre(self) -> NDArray[np.str_]:
        """The study's genre group of each track, [n, 1]."""
        return genre_groups(self.pair.genres)[:, None]

    @cached_property
    def popularity(self) -> NDArray[np.float64]:
        """[n, 1]; NaN where unknown."""
        return np.array(self.pair.popularity, dtype=np.float64).reshape(-1, 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, and the share of the other estimate where it holds."""

    name: str
    holds: Callable[[View], NDArray[np.bool_]]  #: To something that can be broadcast to [n, 9]
    weight: float


@dataclass(frozen=True, slots=True)
class RuleStrategy:
    """Rules in order; the last one holds always."""

    name: str
    summary: str
    rules: tuple[Rule, ...]

    def __call__(self, pair: Pair) -> Routed:
        """Route every value by the first rule that holds for it."""
        view = View(pair)
        holds = np.stack([np.broadcast_to(rule.holds(view), pair.base.shape) for rule in self.rules])
        rule = holds.argmax(axis=0)
        weight = np.array([each.weight for each in self.rules])[rule]
        return mix(pair, weight, rule, tuple(each.name for each in self.rules))


def strong_feature(_: View) -> NDArray[np.bool_]:
    """Whether the study found the look-up ahead for the feature, [9]."""
    return np.isin(FEATURE_NAMES, STRONG_FEATURES)


def genre_in(groups: tuple[str, ...]) -> Callable[[View], NDArray[np.bool_]]:
    """Whether the track is of one of these groups."""
    return lambda view: np.isin(view.genre, groups)


def diverging(above: float) -> Callable[[View], NDArray[np.bool_]]:
    """Whether the two estimates are further apart than that."""
    return lambda view: view.divergence > above


def agreeing(below: float) -> Callable[[View], NDArray[np.bool_]]:
    """Whether the two estimates are nearer to each other than that."""
    return lambda view: view.divergence < below


def popular(least: int) -> Callable[[View], NDArray[np.bool_]]:
    """Whether the track is known to be at least that popular."""
    return lambda view: view.popularity >= least


def always(_: View) -> NDArray[np.bool_]:
    """It holds."""
    return np.array(True)


_BASE = Rule("base", always, 0.0)
_BY_FEATURE = Rule("other-by-feature", strong_feature, 1.0)


def seven_rules(high: float = 0.16, low: float = 0.05, middle: float = 0.10, least: int = 80) -> tuple[Rule, ...]:
    """The rules of divergence-based routing with their thresholds: of divergence, and of popularity."""
    return (
        Rule("base-high-divergence", diverging(high), 0.0),
        Rule("other-by-genre", genre_in(EXTENDED_STRONG_GENRES), 1.0),
        _BY_FEATURE,
        Rule("average", agreeing(low), 0.5),
        Rule("sixty-forty", agreeing(middle), SIXTY_FORTY),
        Rule("sixty-forty-popular", popular(least), SIXTY_FORTY),
        _BASE,
    )


_ALL = (
    RuleStrategy("base", "the base alone", (_BASE,)),
    RuleStrategy("qlty", "the other alone, as far as it is known", (Rule("other", always, 1.0),)),
    RuleStrategy("feature", "tempo and acousticness from the other", (_BY_FEATURE, _BASE)),
    RuleStrategy(
        "genre",
        "pop, rock and afrobeats from the other",
        (Rule("other-by-genre", genre_in(STRONG_GENRES), 1.0), _BASE),
    ),
    RuleStrategy(
        "hybrid",
        "by genre, then by feature",
        (Rule("other-by-genre", genre_in(STRONG_GENRES), 1.0), _BY_FEATURE, _BASE),
    ),
    RuleStrategy(
        "extended-genre",
        "eight groups of genres from the other",
        (Rule("other-by-genre", genre_in(EXTENDED_STRONG_GENRES), 1.0), _BASE),
    ),
    RuleStrategy("weighted-average", "60 % base, 40 % other", (Rule("sixty-forty", always, SIXTY_FORTY),)),
    RuleStrategy(
        "divergence-average",
        "the base where they diverge, else the average",
        (Rule("base-high-divergence", diverging(0.16), 0.0), Rule("average", always, 0.5)),
    ),
    RuleStrategy("divergence", "seven rules in order", seven_rules()),
    RuleStrategy(
        "divergence-tuned",
        "the same rules, thresholds tuned on the simulation with other seeds",
        seven_rules(high=0.20, low=0.11, middle=0.16, least=60),
    ),
)

#: The strategies of the study, by name; the oracle, which knows the truth, and the learned one are apart.
STRATEGIES: Mapping[str, RuleStrategy] = {strategy.name: strategy for strategy in _ALL}
#: Every name that `find_strategy` knows.
STRATEGY_NAMES = (*STRATEGIES, LEARNED)


def find_strategy(name: str, artifacts_dir: Path | None = None) -> Strategy:
    """The strategy of that name.

    Parameters
    ----------
    name
        One of `STRATEGY_NAMES`.
    artifacts_dir
        Folder of the trained models, for `learned`; those shipped with MusicSpace where `None`.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no strategy of that name.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the learned router cannot be used.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    if name != LEARNED:
        known = ", ".join(STRATEGY_NAMES)
        raise PermanentError("invalid-option", f"There is no routing strategy {name!r}. Known ones: {known}.")
    # ONNX Runtime is loaded for this one alone.
    from models.artifacts import SHIPPED_ARTIFACTS
    from models.routing.learned import LearnedRouter

    return LearnedRouter.load(artifacts_dir or SHIPPED_ARTIFACTS)


def oracle(pair: Pair, targets: NDArray[np.floating]) -> Routed:
    """The nearer estimate of every value: out of reach, for it knows the truth [n, 9]."""
    base, other = (normalized_errors(values, targets) for values in (pair.base, pair.other))
    nearer = other < base
    return mix(pair, nearer.astype(np.float64), nearer.astype(np.intp), ("base", "other"))
