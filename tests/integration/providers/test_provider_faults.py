"""Both clients against every fault of the fakes: the right error, or the right part of the answer, in time."""

import time
from collections.abc import Iterator

import pytest
from open_gate import OpenGate, questions
from pydantic import SecretStr

from core.errors import ConfigurationError, MusicSpaceError, PermanentError, RetryableError
from core.provider_settings import GeminiSettings, ReccoBeatsSettings
from core.providers import Provider, ProviderClient
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.fake_providers.faults import COMMON, GEMINI_ONLY
from integrations.gemini import GeminiClient
from integrations.reccobeats import ReccoBeatsClient

TIMEOUT_S = 0.6

ERRORS: dict[str, tuple[type[MusicSpaceError], str]] = {
    "429": (RetryableError, "provider-rate-limited"),
    "429-date": (RetryableError, "provider-rate-limited"),
    "429-bare": (RetryableError, "provider-rate-limited"),
    "500": (RetryableError, "provider-unavailable"),
    "outage": (RetryableError, "provider-unavailable"),
    "timeout": (RetryableError, "provider-unavailable"),
    "slow-drip": (RetryableError, "provider-unavailable"),
    "slow-headers": (RetryableError, "provider-unavailable"),
    "reset": (RetryableError, "provider-unavailable"),
    "half": (RetryableError, "provider-answer-broken"),
    "invalid-json": (RetryableError, "provider-answer-broken"),
    "wrong-shape": (RetryableError, "provider-answer-broken"),
    "huge": (RetryableError, "provider-answer-broken"),
    "401": (ConfigurationError, "provider-key-refused"),
    "403": (ConfigurationError, "provider-key-refused"),
    "404": (PermanentError, "provider-refused"),
}
#: How many of four tracks still get an answer, and how many calls that takes.
ANSWERS = {
    "ok": (4, 1),
    "out-of-range": (2, 1),
    "wrong-track": (3, 1),
    "prose": (4, 1),
    "garbled": (4, 2),
    "blocked": (0, 1),
    "obey-injection": (4, 1),
}


@pytest.fixture(scope="module")
def fakes() -> Iterator[FakeProviders]:
    with running_fakes() as running:
        yield running


@pytest.fixture(params=list(Provider))
def client(request: pytest.FixtureRequest, fakes: FakeProviders) -> Iterator[ProviderClient]:
    made: ProviderClient
    if request.param is Provider.RECCOBEATS:
        made = ReccoBeatsClient(ReccoBeatsSettings(base_url=fakes.reccobeats_url, timeout_seconds=TIMEOUT_S))
    else:
        settings = GeminiSettings(base_url=fakes.gemini_url, timeout_seconds=TIMEOUT_S)
        made = GeminiClient(settings, SecretStr("any-key"))
    fakes.control(faults="", outage=dict.fromkeys(Provider, False), clear_calls=True)
    yield made
    made.close()


@pytest.mark.parametrize("fault", ERRORS)
def test_trouble_becomes_a_typed_error_in_time(fault: str, client: ProviderClient, fakes: FakeProviders) -> None:
    client.ask(questions(1), OpenGate())  # Imports and connects.
    fakes.control(faults=f"{client.provider}:{fault}")
    expected, code = ERRORS[fault]
    gate = OpenGate()
    start = time.monotonic()
    with pytest.raises(expected) as caught:
        client.ask(questions(4), gate)
    assert time.monotonic() - start < TIMEOUT_S + 1.0
    assert caught.value.code == code
    assert gate.accounts == []
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    if isinstance(caught.value, RetryableError):
        wish_s = caught.value.retry_after_s
        assert (wish_s is not None and 0.5 <= wish_s <= 3) if fault in {"429", "429-date"} else wish_s is None
    # The client is as good as new afterwards.
    fakes.control(outage={client.provider: False})
    assert all(client.ask(questions(4), gate).values())


@pytest.mark.parametrize(
    ("client", "fault"),
    [(Provider.GEMINI, fault) for fault in ANSWERS]
    + [(Provider.RECCOBEATS, fault) for fault in ANSWERS if fault not in GEMINI_ONLY],
    indirect=["client"],
)
def test_bad_values_cost_their_own_track_alone(fault: str, client: ProviderClient, fakes: FakeProviders) -> None:
    healthy = client.ask(questions(4), OpenGate())
    fakes.control(faults=f"{client.provider}:{fault}")
    gate = OpenGate()
    answers = client.ask(questions(4), gate)
    assert list(answers) == [question.ref for question in questions(4)]
    found = {ref: answer for ref, answer in answers.items() if answer is not None}
    assert (len(found), len(gate.accounts)) == ANSWERS[fault]
    for ref, answer in found.items():
        good = healthy[ref]
        assert good is not None
        assert answer.features.items() <= good.features.items()
        assert len(answer.features) == (8 if fault == "out-of-range" else 9)
        assert answer.evidence.get("rejected", []) == (["energy"] if fault == "out-of-range" else [])


def test_every_fault_is_held_against_both_clients() -> None:
    special = {"key-invalid", "truncated", "ok"}  # In the tests of Gemini.
    assert ERRORS.keys() | ANSWERS.keys() | special == COMMON.keys() | GEMINI_ONLY.keys() | {"ok"}


def test_nobody_listens(client: ProviderClient) -> None:
    gone: ProviderClient
    if client.provider is Provider.RECCOBEATS:
        gone = ReccoBeatsClient(ReccoBeatsSettings(base_url="http://127.0.0.1:1", timeout_seconds=TIMEOUT_S))
    else:
        settings = GeminiSettings(base_url="http://127.0.0.1:1", timeout_seconds=TIMEOUT_S)
        gone = GeminiClient(settings, SecretStr("any-key"))
    with pytest.raises(RetryableError) as caught:
        gone.ask(questions(1), OpenGate())
    assert caught.value.code == "provider-unavailable"
    gone.close()


@pytest.mark.parametrize("url", ["nonsense", "http://[::1", "ftp://example.org", "http://", "http://host:port"])
def test_a_base_url_that_is_none_names_its_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MUSICSPACE_RECCOBEATS__BASE_URL"):
        ReccoBeatsClient(ReccoBeatsSettings(base_url=url))
    with pytest.raises(ConfigurationError, match="MUSICSPACE_GEMINI__BASE_URL"):
        GeminiClient(GeminiSettings(base_url=url), SecretStr("any-key"))


def test_nothing_is_asked_through_a_closed_gate(client: ProviderClient, fakes: FakeProviders) -> None:
    with pytest.raises(RetryableError) as caught:
        client.ask(questions(2), OpenGate(calls=0))
    assert caught.value.code == "provider-not-now"
    assert fakes.calls() == []


def test_no_question_takes_no_call_and_too_many_are_a_mistake(client: ProviderClient, fakes: FakeProviders) -> None:
    assert client.ask([], OpenGate()) == {}
    with pytest.raises(ValueError, match="at"):
        client.ask(questions(client.batch_size + 1), OpenGate())
    assert fakes.calls() == []


def test_a_closed_client_says_so(client: ProviderClient) -> None:
    client.ask(questions(1), OpenGate())
    client.close()
    client.close()
    with pytest.raises(RetryableError) as caught:
        client.ask(questions(1), OpenGate())
    assert caught.value.code == "provider-unavailable"
