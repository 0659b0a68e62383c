"""What goes wrong, and when: faults in the order of a script, then at random."""

import random
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.providers import Provider

OK = "ok"

#: Faults of both providers.
COMMON: dict[str, str] = {
    "429": "asked too often, with the wish to wait a second",
    "429-date": "the same, with an HTTP date as the wish",
    "429-bare": "the same, without a wish",
    "500": "an error of the provider's own",
    "401": "no key",
    "403": "the key is not allowed to do this",
    "key-invalid": "the key does not exist, as Google says it: status 400",
    "404": "there is no such thing",
    "timeout": "never answers",
    "slow-drip": "answers a byte at a time",
    "slow-headers": "sends even the headers a byte at a time",
    "half": "half an answer, then the connection ends",
    "reset": "the connection is reset",
    "invalid-json": "an answer that is no JSON",
    "wrong-shape": "JSON of another form",
    "huge": "an answer of many megabytes",
    "out-of-range": "values outside their ranges",
    "wrong-track": "the first answer is about another track",
    "outage": "everything is refused from now on, until told otherwise",
}
#: What only a language model does.
GEMINI_ONLY: dict[str, str] = {
    "prose": "JSON in a code fence, with prose around it",
    "garbled": "text that is not quite JSON; can be repaired",
    "truncated": "cut off in the middle, for having reached the limit of tokens",
    "blocked": "no answer, for reasons of safety",
    "obey-injection": "does what the names of tracks tell it",
}
# Those that a healthy client has to expect on any day.
_AT_RANDOM = (
    *("429", "429-date", "429-bare", "500", "timeout", "slow-drip", "half", "reset", "invalid-json"),
    *("out-of-range", "wrong-track"),
)
_STEP = re.compile(r"([a-z0-9-]+)(?:\*(\d+))?")
_RANDOM = re.compile(r"random:(\d*\.?\d+)(?::([a-z0-9|-]+))?")


class FaultSpecError(ValueError):
    """A script of faults that cannot be understood. The message says what would be."""


@dataclass
class FaultScript:
    """The faults of one provider: steps in order, then each call with probability `share` one of `kinds`."""

    steps: deque[str] = field(default_factory=deque)
    share: float = 0.0
    kinds: Sequence[str] = _AT_RANDOM
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def next(self) -> str:
        """The fault of the next call, or "ok"."""
        with self._lock:
            if self.steps:
                return self.steps.popleft()
            return self._random.choice(self.kinds) if self._random.random() < self.share else OK


def parse_faults(spec: str, seed: int = 0) -> dict[Provider, FaultScript]:
    """Scripts by provider.

    Parameters
    ----------
    spec
        Parts separated by ";", each for one provider (`gemini:429,500,ok*3`) or, without a name, for both. Steps are
        separated by commas and may be repeated (`ok*3`); the last may be `random:0.2`, or `random:0.2:500|half` to name
        the kinds. After the last step all is well. The later of two parts for one provider counts.

    Raises
    ------
    FaultSpecError
        An unknown word; the message lists the known ones.
    """
    scripts = {provider: FaultScript() for provider in Provider}
    for part in filter(None, (part.strip() for part in spec.split(";"))):
        name, colon, rest = part.partition(":")
        is_for_one = bool(colon) and name in set(Provider)
        chosen = [Provider(name)] if is_for_one else list(Provider)
        steps = rest if is_for_one else part
        for offset, provider in enumerate(chosen):
            scripts[provider] = _parse_steps(steps, provider, seed + offset)
    return scripts


def _parse_steps(text: str, provider: Provider, seed: int) -> FaultScript:
    script = FaultScript(seed=seed)
    for step in filter(None, (step.strip() for step in text.split(","))):
        if match := _RANDOM.fullmatch(step):
            script.share = float(match[1])
            script.kinds = tuple(_known(kind, provider) for kind in match[2].split("|")) if match[2] else _AT_RANDOM
        elif match := _STEP.fullmatch(step):
            script.steps.extend([_known(match[1], provider)] * int(match[2] or 1))
        else:
            raise FaultSpecError(f"{step!r} is no fault; write e.g. `gemini:429,500,ok*3;reccobeats:random:0.2`")
    if not 0 <= script.share <= 1:
        raise FaultSpecError(f"{script.share:g} is no share; `random:` takes one between 0 and 1")
    return script


def _known(kind: str, provider: Provider) -> str:
    allowed = COMMON | GEMINI_ONLY if provider is Provider.GEMINI else COMMON
    if kind != OK and kind not in allowed:
        raise FaultSpecError(f"{provider} has no fault {kind!r}; there are ok, {', '.join(allowed)}")
    return kind
