"""The Gemini client, with the real google-genai library, against the fake."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from open_gate import OpenGate, questions
from pydantic import SecretStr

from core.errors import RetryableError
from core.features import FEATURE_NAMES
from core.provider_settings import GeminiSettings
from core.providers import Question
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.gemini import GeminiClient
from integrations.gemini.prompt import PROMPT_VERSION


@pytest.fixture
def fakes() -> Iterator[FakeProviders]:
    with running_fakes(keep_bodies=True) as running:
        yield running


@pytest.fixture
def client(fakes: FakeProviders) -> Iterator[GeminiClient]:
    settings = GeminiSettings(base_url=fakes.gemini_url, timeout_seconds=5, tracks_per_prompt=20)
    made = GeminiClient(settings, SecretStr("any-key"))
    yield made
    made.close()


def _posted(fakes: FakeProviders) -> list[dict[str, Any]]:
    return [json.loads(body) for body in fakes.bodies()]


def test_a_grounded_call_answers_several_tracks(client: GeminiClient, fakes: FakeProviders) -> None:
    answers = client.ask(questions(5), OpenGate())
    for answer in answers.values():
        assert answer is not None
        assert set(answer.features) == set(FEATURE_NAMES)
        assert answer.confidence == 0.7
    (body,) = _posted(fakes)
    assert body["tools"] == [{"googleSearch": {}}]
    # A schema cannot always be combined with search.
    assert not {"responseSchema", "responseMimeType"} & body["generationConfig"].keys()


def test_evidence_tells_model_prompt_and_sources(client: GeminiClient) -> None:
    answer = client.ask(questions(2), OpenGate())["ref-0"]
    assert answer is not None
    evidence = answer.evidence
    assert evidence["model"] == evidence["model_version"] == "gemini-2.5-flash"
    assert evidence["prompt_version"] == PROMPT_VERSION
    assert evidence["finish_reason"] == "STOP"
    assert evidence["sources"][1] == {"uri": "https://example.org/1", "title": "example.org"}
    assert evidence["searches"][0] == "artist 0 song 0 bpm energy"
    assert evidence["tracks_in_prompt"] == 2
    assert not evidence["repaired"]
    json.dumps(evidence, allow_nan=False)
    assert client.variant == f"gemini-2.5-flash+prompt-{PROMPT_VERSION}"


def test_usage_is_what_the_response_says_and_within_the_estimate(client: GeminiClient, fakes: FakeProviders) -> None:
    gate = OpenGate()
    client.ask(questions(20), gate)
    ((estimate, usage),) = gate.accounts
    (call,) = fakes.calls()
    assert (usage.input_tokens, usage.output_tokens) == (call["input_tokens"], call["output_tokens"])
    assert usage.searches == estimate.searches == 1
    expected = usage.input_tokens * 0.30 / 1e6 + usage.output_tokens * 2.50 / 1e6 + 0.035
    assert usage.cost_usd == pytest.approx(expected)
    assert estimate == client.estimate(20)
    assert usage.input_tokens <= estimate.input_tokens
    assert usage.output_tokens <= estimate.output_tokens
    assert usage.cost_usd <= estimate.cost_usd


def test_a_malformed_answer_is_repaired_once_through_the_gate(client: GeminiClient, fakes: FakeProviders) -> None:
    healthy = client.ask(questions(3), OpenGate())
    fakes.control(faults="gemini:garbled", clear_calls=True)
    gate = OpenGate()
    answers = client.ask(questions(3), gate)
    assert [call["route"] for call in fakes.calls()] == ["search", "repair"]
    assert len(gate.accounts) == 2
    assert gate.accounts[1][1].searches == 0
    repair = _posted(fakes)[-1]
    assert "tools" not in repair
    assert repair["generationConfig"]["responseMimeType"] == "application/json"
    for ref, answer in answers.items():
        good = healthy[ref]
        assert answer is not None
        assert good is not None
        assert answer.features == good.features
        assert answer.evidence["repaired"]
        assert answer.evidence["sources"]


@pytest.mark.parametrize("second", ["garbled", "500", "429", "half", "404", "invalid-json", "blocked"])
def test_a_repair_that_fails_leaves_no_answer_and_is_not_repeated(
    second: str, client: GeminiClient, fakes: FakeProviders
) -> None:
    fakes.control(faults=f"gemini:garbled,{second}")
    assert client.ask(questions(2), OpenGate()) == {"ref-0": None, "ref-1": None}
    assert len(fakes.calls()) == 2


def test_a_repair_that_the_gate_refuses_leaves_no_answer(client: GeminiClient, fakes: FakeProviders) -> None:
    fakes.control(faults="gemini:garbled")
    assert client.ask(questions(2), OpenGate(calls=1)) == {"ref-0": None, "ref-1": None}
    assert len(fakes.calls()) == 1


def test_of_a_truncated_answer_whole_entries_count(client: GeminiClient, fakes: FakeProviders) -> None:
    fakes.control(faults="gemini:truncated")
    answers = client.ask(questions(6), OpenGate())
    found = [answer for answer in answers.values() if answer is not None]
    assert 2 <= len(found) < 6
    assert found[0].evidence["finish_reason"] == "MAX_TOKENS"
    assert len(fakes.calls()) == 1


def test_tracks_that_the_model_does_not_know_have_no_answer() -> None:
    with running_fakes(unknown=1.0) as fakes:
        client = GeminiClient(GeminiSettings(base_url=fakes.gemini_url), SecretStr("any-key"))
        assert client.ask(questions(2), OpenGate()) == {"ref-0": None, "ref-1": None}
        assert len(fakes.calls()) == 1
        client.close()


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("방탄소년단", "봄날"),
        ("Björk", "Jóga (2022 Remaster)"),
        ("AC/DC", 'T.N.T. "live\\wire" <b>'),
        ("!!!", "???"),
        ("A\ud800B", "Tab\there\nand\u202enow\x00"),
        ("Кино", "Группа крови" * 60),
        ("👩‍🚀", "🎵" * 200),
    ],
)
def test_any_name_comes_back_to_its_track(artist: str, title: str, client: GeminiClient) -> None:
    odd = Question("odd", artist, title, album=title, release_year=1999)
    answers = client.ask([*questions(2), odd], OpenGate())
    assert answers["odd"] is not None
    assert answers["ref-1"] is not None


def test_a_track_without_a_name_cannot_be_asked(client: GeminiClient) -> None:
    assert not client.can_ask(Question("ref", "A", "\u200b \n"))
    assert not client.can_ask(Question("ref", "", "B"))
    assert client.can_ask(Question("ref", "A", "B"))


def test_many_threads_share_one_client(client: GeminiClient, fakes: FakeProviders) -> None:
    asked = questions(240)
    with ThreadPoolExecutor(24) as pool:
        batches = list(pool.map(lambda start: client.ask(asked[start : start + 5], OpenGate()), range(0, 240, 5)))
    assert all(answer is not None for batch in batches for answer in batch.values())
    assert fakes.summary()["answered_twice"] == {}
    assert len(fakes.calls()) == 48


def test_environment_variables_of_the_library_change_nothing(
    client: GeminiClient, fakes: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
    monkeypatch.setenv("GEMINI_API_KEY", "another-key")
    assert client.ask(questions(1), OpenGate())["ref-0"] is not None


def test_the_library_itself_does_not_retry(client: GeminiClient, fakes: FakeProviders) -> None:
    fakes.control(faults="gemini:500,reset")
    for _ in range(2):
        with pytest.raises(RetryableError):
            client.ask(questions(1), OpenGate())
    assert [call["fault"] for call in fakes.calls()] == ["500", "reset"]
