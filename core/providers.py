"""The providers that can be asked about tracks, and the words shared by those who ask and those who limit it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from core.sources import Source

T = TypeVar("T")


class Provider(StrEnum):
    """Somebody beyond the network who knows audio features."""

    RECCOBEATS = "reccobeats"  #: A free database of features by Spotify id.
    GEMINI = "gemini"  #: A language model that searches the web; paid.


#: What an answer of each provider is stored as.
SOURCE_OF: dict[Provider, Source] = {Provider.RECCOBEATS: Source.RECCOBEATS, Provider.GEMINI: Source.GEMINI}

#: Calls that cost money, and so are never made while nobody can count them.
PAID: frozenset[Provider] = frozenset({Provider.GEMINI})


@dataclass(frozen=True, slots=True)
class Question:
    """One track that a provider is asked about. `ref` names it within a batch and is sent to nobody."""

    ref: str
    artist: str  #: All credited artists, joined with ";".
    title: str
    album: str | None = None
    duration_ms: int | None = None
    release_year: int | None = None
    spotify_id: str | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says about one track: features in their units and ranges, perhaps not all nine."""

    features: Mapping[str, float]
    confidence: float | None = None  #: The provider's own, 0..1.
    evidence: Mapping[str, Any] = field(default_factory=dict)  #: JSON: sources, ids, model, prompt version.


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls took, or are expected to take."""

    calls: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    searches: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together, which is what limits per minute count."""
        return self.input_tokens + self.output_tokens


class Gate(Protocol):
    """What every call of a provider passes: limits, budget, circuit breaker, accounts."""

    def through(self, estimate: Usage, send: Callable[[], tuple[T, Usage]]) -> T:
        """Make one call, or raise without making it.

        Parameters
        ----------
        estimate
            The most that the call may take.
        send
            Makes the call and returns its outcome and what it really took. Raises `RetryableError` for trouble of the
            provider or the network, `PermanentError` where the provider refuses the request itself.

        Raises
        ------
        NotNowError
            The call was not made: a limit, the budget, an open circuit breaker, or nobody who could count.
        """
        ...


class ProviderClient(Protocol):
    """Speaks the protocol of one provider. Safe to use from several threads."""

    @property
    def provider(self) -> Provider: ...

    @property
    def variant(self) -> str:
        """What changes the answers: API version, model, prompt version. Answers of two variants are never mixed."""
        ...

    @property
    def batch_size(self) -> int:
        """Most questions of one call."""
        ...

    def can_ask(self, question: Question) -> bool:
        """Whether the provider could know the track, e.g. because it has the id that it is asked by."""
        ...

    def estimate(self, n_questions: int) -> Usage:
        """The most that one call with so many questions may take."""
        ...

    def ask(self, questions: Sequence[Question], gate: Gate) -> dict[str, Answer | None]:
        """The answers by `ref`; `None` where the provider does not know the track, or its answer was unusable.

        Questions that are left out were not asked, for trouble after others had been answered.

        Every HTTP request goes through the gate. At most `batch_size` questions, each of which `can_ask` allows.

        Raises
        ------
        RetryableError
            `provider-unavailable` (time-out, connection, 5xx), `provider-rate-limited` (429; with the wish of
            Retry-After where given), `provider-answer-broken` (half a response, no JSON where JSON is the protocol).
        PermanentError
            `provider-refused`: the provider refuses the request itself (4xx).
        ConfigurationError
            `provider-key-refused`: the key is not accepted.
        NotNowError
            From the gate.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...
