"""Answers with status 200 that no script of the fakes has: other shapes, strangers, values that are none."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from open_gate import OpenGate, questions
from pydantic import SecretStr

from core.errors import RetryableError
from core.features import FEATURE_NAMES
from core.provider_settings import GeminiSettings, ReccoBeatsSettings
from core.providers import Answer
from integrations.gemini import GeminiClient
from integrations.reccobeats import ReccoBeatsClient

GOOD: dict[str, Any] = dict.fromkeys(FEATURE_NAMES, 0.5)


class Parrot(ThreadingHTTPServer):
    """Answers every request with the same body."""

    daemon_threads = True
    body = b""
    headers: tuple[tuple[str, str], ...] = ()


class _Handler(BaseHTTPRequestHandler):
    server: Parrot

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        for name, value in (*self.server.headers, ("Content-Length", str(len(self.server.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    server = Parrot(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def recco(parrot: Parrot) -> Iterator[ReccoBeatsClient]:
    settings = ReccoBeatsSettings(base_url=f"http://127.0.0.1:{parrot.server_port}", timeout_seconds=5)
    client = ReccoBeatsClient(settings)
    yield client
    client.close()


@pytest.fixture(scope="module")
def gemini(parrot: Parrot) -> Iterator[GeminiClient]:
    settings = GeminiSettings(base_url=f"http://127.0.0.1:{parrot.server_port}", timeout_seconds=5)
    client = GeminiClient(settings, SecretStr("any-key"))
    yield client
    client.close()


def _record(number: int, **changes: Any) -> dict[str, Any]:
    names = {"id": f"uuid-{number}", "href": f"https://open.spotify.com/track/{number:022d}"}
    return {**names, **GOOD, **changes}


def _recco_answer(records: list[Any], parrot: Parrot, recco: ReccoBeatsClient) -> Answer | None:
    parrot.body = json.dumps({"content": records}).encode()
    return recco.ask(questions(1), OpenGate())["ref-0"]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [None, 5, "x", []],
        [_record(1)],
        [_record(0, href=None)],
        [_record(0, href="https://open.spotify.com/album/" + "0" * 22)],
        [_record(0, href=5)],
        [{"href": _record(0)["href"]}],
        [_record(0, **dict.fromkeys(FEATURE_NAMES, True))],
        [_record(0, **dict.fromkeys(FEATURE_NAMES, "0.5"))],
        [_record(0, **dict.fromkeys(FEATURE_NAMES[:5], float("nan")))],
    ],
)
def test_records_that_say_nothing_about_the_track(records: list[Any], parrot: Parrot, recco: ReccoBeatsClient) -> None:
    assert _recco_answer(records, parrot, recco) is None


def test_the_first_of_two_answers_counts(parrot: Parrot, recco: ReccoBeatsClient) -> None:
    answer = _recco_answer([_record(0, energy=0.1), _record(0, energy=0.9)], parrot, recco)
    assert answer is not None
    assert answer.features["energy"] == 0.1


def test_evidence_fits_a_database(parrot: Parrot, recco: ReccoBeatsClient) -> None:
    odd = _record(0, id="a\x00b\ud800", key=float("nan"), mode=[1], isrc="x" * 5_000)
    answer = _recco_answer([odd], parrot, recco)
    assert answer is not None
    text = json.dumps(answer.evidence, allow_nan=False)
    assert "\\u0000" not in text
    assert "\\ud800" not in text
    assert len(text) < 1_000


def test_missing_values_are_not_made_up(parrot: Parrot, recco: ReccoBeatsClient) -> None:
    answer = _recco_answer([_record(0, energy=None, tempo=999)], parrot, recco)
    assert answer is not None
    assert answer.features.keys() == set(FEATURE_NAMES) - {"energy", "tempo"}
    assert answer.evidence["rejected"] == ["tempo"]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"5", b"\xff", b'{"content": null}', b"{}", b"[" * 100_000])
def test_what_is_not_the_protocol_is_broken(body: bytes, parrot: Parrot, recco: ReccoBeatsClient) -> None:
    parrot.body = body
    with pytest.raises(RetryableError) as caught:
        recco.ask(questions(1), OpenGate())
    assert caught.value.code == "provider-answer-broken"


def test_a_wrong_content_encoding_is_broken(parrot: Parrot, recco: ReccoBeatsClient) -> None:
    parrot.body = b'{"content": []}'
    parrot.headers = (("Content-Encoding", "gzip"),)
    try:
        with pytest.raises(RetryableError) as caught:
            recco.ask(questions(1), OpenGate())
    finally:
        parrot.headers = ()
    assert caught.value.code == "provider-answer-broken"


def _candidate(**changes: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": "?"}]}, "finishReason": "STOP"} | changes]}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"candidates": []},
        {"candidates": "none"},
        {"candidates": ["x"]},
        {"candidates": {}},
        {"candidates": 5},
        _candidate(content="x"),
        _candidate(content={"parts": "abc"}),
        _candidate(content={"parts": [{"text": 5}]}),
        _candidate(groundingMetadata={"webSearchQueries": [None, 3]}),
        _candidate() | {"usageMetadata": {"promptTokenCount": "many"}},
    ],
)
def test_other_shapes_are_broken_to_gemini(content: dict[str, Any], parrot: Parrot, gemini: GeminiClient) -> None:
    parrot.body = json.dumps(content).encode()
    gate = OpenGate()
    with pytest.raises(RetryableError) as caught:
        gemini.ask(questions(1), gate)
    assert caught.value.code == "provider-answer-broken"
    assert gate.accounts == []


@pytest.mark.parametrize(
    "content",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"candidates": [{"finishReason": "SAFETY"}]},
        {"candidates": [{"finishReason": "STOP", "content": {}}]},
        {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": " \n"}]}}]},
    ],
)
def test_no_text_is_no_answer_and_not_repaired(content: dict[str, Any], parrot: Parrot, gemini: GeminiClient) -> None:
    parrot.body = json.dumps(content).encode()
    gate = OpenGate()
    assert gemini.ask(questions(1), gate) == {"ref-0": None}
    # Without a word about its usage, a call is taken for the most it could have cost.
    ((estimate, usage),) = gate.accounts
    assert usage == estimate


def test_thoughts_are_no_answer_and_odd_sources_no_links(parrot: Parrot, gemini: GeminiClient) -> None:
    (question,) = questions(1)
    entry = {"index": 0, "artist": question.artist, "title": question.title, "features": GOOD}
    parts = [
        {"text": json.dumps({"tracks": [entry | {"features": GOOD | {"energy": 1.0}}]}), "thought": True},
        {"text": json.dumps({"tracks": [entry]})[:40]},
        {"text": json.dumps({"tracks": [entry]})[40:]},
    ]
    chunks = [
        {"web": {"uri": "javascript:alert(1)"}},
        {"web": {"uri": "https://a.org", "title": "A\x00"}},
        {},
        {"web": {}},
    ]
    parrot.body = json.dumps(
        _candidate(content={"parts": parts}, groundingMetadata={"groundingChunks": chunks})
    ).encode()
    answer = gemini.ask([question], OpenGate())["ref-0"]
    assert answer is not None
    assert answer.features["energy"] == 0.5
    assert answer.evidence["sources"] == [{"uri": "https://a.org", "title": "A"}]
