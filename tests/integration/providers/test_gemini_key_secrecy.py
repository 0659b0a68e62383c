"""The key of Gemini turns up nowhere but in its header."""

import gc
import logging
import traceback
from collections.abc import Iterator

import pytest
from open_gate import OpenGate, questions
from pydantic import SecretStr

from core.errors import ConfigurationError, MusicSpaceError
from core.provider_settings import GeminiSettings
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.fake_providers.faults import COMMON
from integrations.gemini import GeminiClient

KEY = "AIzaSy-very-secret-key-0123456789"


@pytest.fixture(scope="module")
def fakes() -> Iterator[FakeProviders]:
    with running_fakes(accepted_key=KEY) as running:
        yield running


def _texts(error: BaseException) -> str:
    """Everything a log could show of an error, its causes included."""
    seen: list[str] = []
    current: BaseException | None = error
    while current is not None:
        seen += [str(current), repr(current), repr(current.__dict__), *map(str, current.args)]
        seen += traceback.TracebackException.from_exception(current, capture_locals=False).format()
        current = current.__cause__ or current.__context__
    return "\n".join(seen)


@pytest.mark.parametrize("fault", [*COMMON, "ok"])
def test_no_log_and_no_error_holds_the_key(
    fault: str, fakes: FakeProviders, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("", "httpx", "httpcore", "google_genai", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    client = GeminiClient(GeminiSettings(base_url=fakes.gemini_url, timeout_seconds=0.4), SecretStr(KEY))
    fakes.control(faults=f"gemini:{fault}", outage={"gemini": False})
    texts = [repr(client), str(client), str(vars(client))]
    try:
        texts.append(repr(client.ask(questions(2), OpenGate())))
    except MusicSpaceError as error:
        texts.append(_texts(error))
    client.close()
    gc.collect()
    captured = capfd.readouterr()
    texts += [caplog.text, captured.out, captured.err, str(fakes.summary())]
    assert "send_request_headers" in caplog.text
    assert KEY not in "\n".join(texts)


def test_a_provider_that_repeats_the_key_is_not_quoted() -> None:
    from integrations.provider_errors import StatusError, from_status

    body = f'{{"error": {{"code": 400, "message": "key {KEY} is wrong"}}}}'.encode()
    from_provider = from_status(
        GeminiClient(GeminiSettings(), SecretStr(KEY)).provider, StatusError(400, {}, body), KEY
    )
    assert "key *** is wrong" in from_provider.message


@pytest.mark.parametrize("key", ["", "   ", "with blank", "ключ-secret", "line\nbreak", "auth_tokens/secret"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GeminiClient(GeminiSettings(), SecretStr(key))
    assert caught.value.code == "provider-key-refused"
    assert "MUSICSPACE_GEMINI__API_KEY" in caught.value.message
    assert key.strip() == "" or key not in _texts(caught.value)


def test_a_wrong_key_is_a_matter_of_configuration(fakes: FakeProviders) -> None:
    fakes.control(faults="", outage={"gemini": False})
    client = GeminiClient(GeminiSettings(base_url=fakes.gemini_url), SecretStr("another-key"))
    with pytest.raises(ConfigurationError) as caught:
        client.ask(questions(1), OpenGate())
    assert caught.value.code == "provider-key-refused"
    client.close()
