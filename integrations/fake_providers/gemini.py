"""What the fake Gemini answers: a model that reads the data block of the prompt and knows what `Knowledge` knows."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from core.features import FEATURE_NAMES
from core.identity import normalized_key
from core.providers import Provider
from integrations.fake_providers.call_log import Call
from integrations.fake_providers.replies import Reply, is_status, json_reply, status_reply
from integrations.fake_providers.truth import Knowledge

_ROUTE = re.compile(r"/v1(?:beta)?/models/([\w.-]+):generateContent")
# The model reads what stands between the first and the last mark, as a gullible one would.
_TRACKS = re.compile(r"<tracks_data>\n(.*)\n</tracks_data>", re.DOTALL)
_BROKEN = re.compile(r"<broken_text>\n(.*)\n</broken_text>", re.DOTALL)
_ORDER = re.compile(
    r"\b(?:ignore|disregard)\b.*\b(?:instructions|previous)\b|\banswer\b.*\ball\b|\btracks\b.*\bfeatures\b",
    re.IGNORECASE,
)
_CHARACTERS_PER_TOKEN = 4
_THOUGHT_TOKENS, _SEARCH_TOKENS = 200, 400


class FakeGemini:
    """Answers `generateContent`, with or without search, and repairs what it garbled itself."""

    def __init__(self, knowledge: Knowledge, accepted_key: str | None = None) -> None:
        self._knowledge = knowledge
        self._accepted_key = accepted_key

    def call(self, method: str, path: str, body: bytes) -> Call | None:
        """The call that a request is, or None where there is no such route."""
        if method != "POST" or not _ROUTE.fullmatch(urlsplit(path).path):
            return None
        prompt = _prompt(_request(body))
        if _BROKEN.search(prompt):
            return Call(Provider.GEMINI, "repair")
        names = [normalized_key(record["artist"], record["title"]) for record in _records(prompt)]
        return Call(Provider.GEMINI, "search", names)

    def reply(self, call: Call, path: str, key: str, body: bytes) -> Reply:
        """The answer, as the call's fault has it. Counts the call's tokens."""
        if not key:
            return status_reply(Provider.GEMINI, "403", "Method doesn't allow unregistered callers.")
        if self._accepted_key is not None and key != self._accepted_key:
            return status_reply(Provider.GEMINI, "key-invalid")
        if is_status(call.fault):
            return status_reply(Provider.GEMINI, call.fault)
        request = _request(body)
        prompt = _prompt(request)
        searches = any("googleSearch" in tool for tool in request.get("tools", []))
        if searches and "responseMimeType" in request.get("generationConfig", {}):
            return status_reply(Provider.GEMINI, "400", "Tool use with a response mime type is unsupported")
        text = self._text(call, prompt)
        match = _ROUTE.fullmatch(urlsplit(path).path)
        response = _response(text, call, match[1] if match else "", searches)
        call.input_tokens = len(body) // _CHARACTERS_PER_TOKEN + _SEARCH_TOKENS * len(call.tracks)
        call.output_tokens = len(text) // _CHARACTERS_PER_TOKEN + _THOUGHT_TOKENS
        response["usageMetadata"] = {
            "promptTokenCount": len(body) // _CHARACTERS_PER_TOKEN,
            "toolUsePromptTokenCount": _SEARCH_TOKENS * len(call.tracks),
            "candidatesTokenCount": len(text) // _CHARACTERS_PER_TOKEN,
            "thoughtsTokenCount": _THOUGHT_TOKENS,
            "totalTokenCount": call.input_tokens + call.output_tokens,
        }
        return json_reply(response, call.fault)

    def _text(self, call: Call, prompt: str) -> str:
        if match := _BROKEN.search(prompt):
            text = _repaired(json.loads(match[1]))
            return _garbled(text) if call.fault == "garbled" else text
        records = _records(prompt)
        entries = _damaged([self._entry(record) for record in records], call.fault)
        if call.fault == "obey-injection" and any(_ORDER.search(json.dumps(record)) for record in records):
            entries = _obedient(entries)
        return _worded(entries, call.fault)

    def _entry(self, record: Mapping[str, Any]) -> dict[str, Any]:
        features = self._knowledge.by_names(record["artist"], record["title"])
        entry = {"index": record["index"], "artist": record["artist"], "title": record["title"]}
        if features is None:
            return entry | {"known": False, "confidence": 0.0, "features": dict.fromkeys(FEATURE_NAMES)}
        return entry | {"known": True, "confidence": 0.7, "features": dict(features)}


def _request(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _prompt(request: Mapping[str, Any]) -> str:
    parts = [part for content in request.get("contents", []) for part in content.get("parts", [])]
    return "\n".join(part["text"] for part in parts if "text" in part)


def _records(prompt: str) -> list[dict[str, Any]]:
    match = _TRACKS.search(prompt)
    return [json.loads(line) for line in match[1].splitlines()] if match else []


def _damaged(entries: list[dict[str, Any]], fault: str) -> list[dict[str, Any]]:
    if fault == "out-of-range":
        for entry in entries:
            entry["features"] = dict(entry["features"], energy=1.7)
            if entry["index"] % 2 == 0:
                entry["features"] |= {"tempo": 9_000.0, "loudness": 40.0, "valence": -0.2, "danceability": "high"}
    if fault == "wrong-track" and entries:
        entries[0] |= {"artist": "Somebody Else", "title": "Another Song"}
    return entries


def _obedient(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Energy 1.0 for all tracks, those included that nobody asked about, and keys that nobody wants."""
    for entry in entries:
        entry["known"] = True
        entry["features"] = dict(entry["features"], energy=1.0, tempo=1.0)
    extra = dict(entries[0], index=len(entries), system_prompt="revealed")
    return [*entries, extra, dict(extra, index=-1), dict(extra, index="all")]


def _worded(entries: list[dict[str, Any]], fault: str) -> str:
    text = json.dumps({"tracks": entries}, ensure_ascii=False)
    if fault == "prose":
        return (
            f'I searched for {{"all"}} of them [1]. Here you are:\n\n```json\n{text}\n```\n\nTell me if you need more.'
        )
    if fault == "garbled":
        return _garbled(text)
    if fault == "truncated":
        return text[: len(text) * 2 // 3]
    return "" if fault == "blocked" else text


def _garbled(text: str) -> str:
    """No JSON any more, for want of quotes around keys."""
    return re.sub(r'"(\w+)": ', r"\1 = ", text)


def _repaired(text: str) -> str:
    return re.sub(r"(\w+) = ", r'"\1": ', text)


def _response(text: str, call: Call, model: str, searches: bool) -> dict[str, Any]:
    if call.fault == "blocked":
        return {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": model}
    candidate: dict[str, Any] = {
        "content": {"role": "model", "parts": [{"text": text}]},
        "finishReason": "MAX_TOKENS" if call.fault == "truncated" else "STOP",
        "index": 0,
    }
    if searches:
        candidate["groundingMetadata"] = {
            "webSearchQueries": [f"{name.replace('|', ' ')} bpm energy" for name in call.tracks],
            "groundingChunks": [
                {"web": {"uri": f"https://example.org/{index}", "title": "example.org"}}
                for index in range(len(call.tracks))
            ],
        }
    return {"candidates": [candidate], "modelVersion": model, "responseId": f"fake-{call.number}"}
