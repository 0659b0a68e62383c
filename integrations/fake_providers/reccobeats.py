"""What the fake ReccoBeats answers."""

import random
import threading
from collections.abc import Sequence
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, uuid5

from core.providers import Provider
from integrations.fake_providers.call_log import Call
from integrations.fake_providers.replies import Reply, is_status, json_reply, status_reply
from integrations.fake_providers.truth import Knowledge, KnownTrack

MAX_IDS = 40
MAX_UPLOAD_BYTES = 5 * 1024 * 1024
_LINK = "https://open.spotify.com/track/"
_ANOTHER_TRACK = "WrongTrack000000000000"
_AUDIO_BEGINNINGS = (b"RIFF", b"OggS", b"FORM", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")


class FakeReccoBeats:
    """Features and tracks by id, in no particular order; unknown ids are left out."""

    def __init__(self, knowledge: Knowledge, seed: int = 0) -> None:
        self._knowledge = knowledge
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        # Own ids are derived from Spotify's, and tell which only where they were given out before.
        self._spotify_ids: dict[str, str] = {}

    def call(self, method: str, path: str) -> Call | None:
        """The call that a request is, or None where there is no such route."""
        parts = urlsplit(path)
        words = parts.path.strip("/").split("/")
        ids = [each for text in parse_qs(parts.query).get("ids", []) for each in text.split(",") if each]
        match (method, words):
            case ("GET", ["v1", "audio-features"]):
                return Call(Provider.RECCOBEATS, "features", ids)
            case ("GET", ["v1", "track"]):
                return Call(Provider.RECCOBEATS, "tracks", ids)
            case ("GET", ["v1", "track", identifier, "audio-features"]):
                return Call(Provider.RECCOBEATS, "track-features", [identifier])
            case ("POST", ["v1", "analysis", "audio-features"]):
                return Call(Provider.RECCOBEATS, "analysis")
        return None

    def reply(self, call: Call, content_type: str, body: bytes) -> Reply:
        """The answer, as the call's fault has it."""
        if is_status(call.fault):
            return status_reply(Provider.RECCOBEATS, call.fault)
        if call.route == "analysis":
            return self._analysis(call, content_type, body)
        if not 1 <= len(call.tracks) <= MAX_IDS:
            return status_reply(Provider.RECCOBEATS, "400", f"ids must name 1 to {MAX_IDS} tracks")
        if call.route == "track-features":
            spotify_id = self._spotify_ids.get(call.tracks[0])
            known = self._knowledge.by_spotify_id(spotify_id) if spotify_id else None
            if known is None or spotify_id is None:
                return status_reply(Provider.RECCOBEATS, "404", "Audio features are not found")
            return json_reply(_damaged([self._features(spotify_id, known)], call.fault)[0], call.fault)
        describe = self._features if call.route == "features" else self._track
        records = [describe(each, known) for each, known in self._known(call.tracks)]
        with self._lock:
            self._random.shuffle(records)
        return json_reply({"content": _damaged(records, call.fault)}, call.fault)

    def _known(self, ids: Sequence[str]) -> list[tuple[str, KnownTrack]]:
        found = []
        for identifier in dict.fromkeys(ids):
            spotify_id = self._spotify_ids.get(identifier, identifier)
            if (known := self._knowledge.by_spotify_id(spotify_id)) is not None:
                found.append((spotify_id, known))
        return found

    def _own_id(self, spotify_id: str) -> str:
        own = str(uuid5(NAMESPACE_URL, _LINK + spotify_id))
        self._spotify_ids[own] = spotify_id
        return own

    def _features(self, spotify_id: str, known: KnownTrack) -> dict[str, Any]:
        names = {"id": self._own_id(spotify_id), "href": _LINK + spotify_id, "isrc": known.isrc, "key": 0, "mode": 1}
        return {**names, **known.features}

    def _track(self, spotify_id: str, known: KnownTrack) -> dict[str, Any]:
        return {
            "id": self._own_id(spotify_id),
            "trackTitle": known.title,
            "artists": [{"id": str(uuid5(NAMESPACE_URL, name)), "name": name} for name in known.artist.split(";")],
            "durationMs": known.duration_ms,
            "isrc": known.isrc,
            "href": _LINK + spotify_id,
            "popularity": known.popularity,
        }

    def _analysis(self, call: Call, content_type: str, body: bytes) -> Reply:
        audio = _uploaded(content_type, body)
        if audio is None or not audio.startswith(_AUDIO_BEGINNINGS):
            return status_reply(Provider.RECCOBEATS, "400", "audioFile must be MP3, OGG, WAV or AIFF")
        if len(audio) > MAX_UPLOAD_BYTES:
            return status_reply(Provider.RECCOBEATS, "413", "audioFile must not exceed 5 MB")
        return json_reply(_damaged([dict(self._knowledge.by_sound(audio))], call.fault)[0], call.fault)


def _uploaded(content_type: str, body: bytes) -> bytes | None:
    message = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "audioFile":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else None
    return None


def _damaged(records: list[dict[str, Any]], fault: str) -> list[dict[str, Any]]:
    """Out of range: most values of every other track, one of the rest. Wrong track: the first is another one."""
    if fault == "out-of-range":
        for index, record in enumerate(records):
            record["energy"] = 1.7
            if index % 2 == 0:
                record |= {"tempo": 9_000.0, "loudness": 40.0, "valence": -0.2, "danceability": float("nan")}
    if fault == "wrong-track" and records and "href" in records[0]:
        records[0]["href"] = _LINK + _ANOTHER_TRACK
    return records
