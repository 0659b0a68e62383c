"""ReccoBeats: audio features by Spotify id, without a key. https://reccobeats.com/docs"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from core.identity import spotify_id
from core.provider_settings import ReccoBeatsSettings
from core.providers import Answer, Gate, Provider, Question, Usage
from core.telemetry import get_logger
from integrations.audio_clip import first_seconds
from integrations.feature_values import MIN_FEATURES, is_number, valid_features
from integrations.provider_errors import broken, checked_base_url, readable
from integrations.provider_http import BoundedClient, ProviderHttp

log = get_logger(__name__)

VARIANT = "v1"
MAX_IDS = 40
_ONE_CALL = Usage(calls=1)
# What is kept of an answer beside the features. Key and mode are audio features too, but not among the nine.
_EVIDENCE_KEYS = ("id", "href", "isrc", "key", "mode")


@dataclass(frozen=True, slots=True)
class ReccoBeatsTrack:
    """What ReccoBeats knows about a track apart from its features."""

    id: str
    spotify_id: str | None
    title: str
    artists: tuple[str, ...]
    duration_ms: int | None
    isrc: str | None
    popularity: int | None


class ReccoBeatsClient:
    """Asks ReccoBeats. A `ProviderClient`, safe to use from several threads."""

    def __init__(self, settings: ReccoBeatsSettings) -> None:
        self._base_url = checked_base_url(Provider.RECCOBEATS, settings.base_url)
        self._batch_size = settings.batch_size
        self._http = ProviderHttp(Provider.RECCOBEATS, settings.timeout_seconds)

    @property
    def provider(self) -> Provider:
        return Provider.RECCOBEATS

    @property
    def variant(self) -> str:
        return VARIANT

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def can_ask(self, question: Question) -> bool:
        """Whether the track has a Spotify id, which is all that ReccoBeats is asked by."""
        return question.spotify_id is not None and spotify_id(question.spotify_id) == question.spotify_id

    def estimate(self, n_questions: int) -> Usage:
        """One call, free of charge, however many questions it carries."""
        return _ONE_CALL

    def ask(self, questions: Sequence[Question], gate: Gate) -> dict[str, Answer | None]:
        """The features by `ref`, of one request.

        Answers are assigned by the Spotify id in their `href`; others are ignored. A value outside its range is left
        out; a track with fewer than `MIN_FEATURES` good ones counts as unknown.
        """
        if not questions:
            return {}
        ids = list(dict.fromkeys(question.spotify_id for question in questions if self.can_ask(question)))
        if len(questions) > self._batch_size or None in ids or not ids:
            raise ValueError(f"1 to {self._batch_size} questions with Spotify ids can be asked at once")
        wanted = [each for each in ids if each is not None]
        records = self._records("audio-features", wanted, gate)
        found = {each: _answer(each, record) for each, record in _by_spotify_id(records, set(wanted)).items()}
        return {question.ref: found.get(question.spotify_id or "") for question in questions}

    def tracks(self, ids: Sequence[str], gate: Gate) -> dict[str, ReccoBeatsTrack]:
        """Titles, artists and lengths by the id asked for, which is a Spotify id or one of ReccoBeats; at most 40."""
        if not ids:
            return {}
        if len(ids) > MAX_IDS:
            raise ValueError(f"at most {MAX_IDS} tracks can be asked for at once")
        found: dict[str, ReccoBeatsTrack] = {}
        for record in self._records("track", list(dict.fromkeys(ids)), gate):
            if (track := _track(record)) is None:
                continue
            found |= {each: track for each in (track.id, track.spotify_id) if each in ids and each is not None}
        return found

    def analyze(self, path: Path, gate: Gate) -> Answer:
        """The features that ReccoBeats hears in the first 30 seconds of an audio file, which is uploaded.

        Raises
        ------
        PermanentError
            `file-not-found`, `audio-unreadable`: no such file, no audio, or too little of it. Nothing was sent then.
        RetryableError
            As `ask`; also `provider-answer-broken` where fewer than `MIN_FEATURES` values are good.
        """
        clip = first_seconds(path)
        url = f"{self._base_url}/v1/analysis/audio-features"
        files = {"audioFile": ("clip.wav", clip.content, "audio/wav")}
        answer = self._send(lambda client: client.post(url, files=files), gate)
        features, rejected = valid_features(answer)
        if len(features) < MIN_FEATURES:
            raise broken(Provider.RECCOBEATS, f"it has {len(features)} usable features")
        return Answer(features, evidence={"analyzed_seconds": round(clip.seconds, 1), "rejected": rejected})

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def _records(self, route: str, ids: Sequence[str], gate: Gate) -> list[Mapping[str, Any]]:
        url = f"{self._base_url}/v1/{route}?ids={','.join(quote(each, safe='') for each in ids)}"
        answer = self._send(lambda client: client.get(url), gate, "content")
        return [record for record in answer["content"] if isinstance(record, dict)]

    def _send(self, request: "Callable[[BoundedClient], Any]", gate: Gate, list_key: str = "") -> dict[str, Any]:
        """The JSON object of one answer; where `list_key` is given, it must hold a list."""

        async def call(client: BoundedClient) -> dict[str, Any]:
            response: httpx.Response = await request(client)
            content: dict[str, Any] = response.json()
            return content

        def send() -> tuple[dict[str, Any], Usage]:
            content = self._http.run(call)
            # Within the gate, so that the circuit breaker hears of a provider that talks nonsense.
            if list_key and not isinstance(content.get(list_key), list):
                raise broken(Provider.RECCOBEATS, f"it has no list {list_key!r}")
            return content, _ONE_CALL

        return gate.through(_ONE_CALL, send)


def _by_spotify_id(records: Sequence[Mapping[str, Any]], wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    ignored = 0
    for record in records:
        href = record.get("href")
        about = spotify_id(href) if isinstance(href, str) else None
        if about is None or about not in wanted or about in found:
            ignored += 1
        else:
            found[about] = record
    if ignored:
        log.warning("provider_answers_ignored", provider="reccobeats", reason="not asked, or twice", count=ignored)
    return found


def _answer(about: str, record: Mapping[str, Any]) -> Answer | None:
    features, rejected = valid_features(record)
    if rejected:
        log.warning("provider_values_rejected", provider="reccobeats", spotify_id=about, features=rejected)
    if len(features) < MIN_FEATURES:
        log.warning("provider_answer_unusable", provider="reccobeats", spotify_id=about, good=len(features))
        return None
    evidence: dict[str, Any] = {key: _short(record[key]) for key in _EVIDENCE_KEYS if record.get(key) is not None}
    if rejected:
        evidence["rejected"] = rejected
    return Answer(features, evidence=evidence)


def _track(record: Mapping[str, Any]) -> ReccoBeatsTrack | None:
    identifier, title = record.get("id"), record.get("trackTitle")
    if not isinstance(identifier, str) or not isinstance(title, str):
        return None
    artists = record.get("artists")
    entries = artists if isinstance(artists, list) else []
    names = tuple(entry["name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str))
    return ReccoBeatsTrack(
        id=identifier,
        spotify_id=spotify_id(href) if isinstance(href := record.get("href"), str) else None,
        title=title,
        artists=names,
        duration_ms=_whole(record.get("durationMs")),
        isrc=isrc if isinstance(isrc := record.get("isrc"), str) else None,
        popularity=_whole(record.get("popularity")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _short(value: object) -> object:
    """Fit for JSON in a database, which takes neither NaN nor every character."""
    return value if is_number(value) else readable(str(value))
