"""What the fakes know: true values from a table, or numbers drawn from a hash of the track."""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.features import FEATURE_NAMES, FEATURES
from core.identity import normalized_key
from core.providers import Provider

Features = Mapping[str, float]

# Center and spread of made-up values; near those of popular music, nothing depends on them.
_MADE_UP: dict[str, tuple[float, float]] = {
    "danceability": (0.6, 0.15),
    "energy": (0.65, 0.2),
    "valence": (0.5, 0.22),
    "acousticness": (0.25, 0.25),
    "instrumentalness": (0.05, 0.15),
    "liveness": (0.18, 0.12),
    "speechiness": (0.08, 0.07),
    "tempo": (121.0, 27.0),
    "loudness": (-7.5, 3.5),
}
# Scale of the stand-in's noise, in the units of the feature; Student's t with two degrees of freedom has no variance.
_NOISE: dict[str, float] = dict.fromkeys(FEATURE_NAMES, 0.08) | {"tempo": 8.0, "loudness": 1.5, "speechiness": 0.03}


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """What there is to know about a track."""

    features: Features
    title: str = ""
    artist: str = ""
    duration_ms: int | None = None
    isrc: str | None = None
    popularity: int | None = None


class TruthTableError(ValueError):
    """A table of true values that cannot be used. The message names the file and the columns."""


class Knowledge:
    """Answers the same for the same track and seed, in any order and process.

    Parameters
    ----------
    table : Parquet with `track_id` or `spotify_id`, `artist`, `title` and the nine features; tracks that are not in it
        are unknown. Without a table every track is known, by made-up values.
    unknown_share : share of tracks that each provider does not know; not the same ones for both
    """

    def __init__(self, table: Path | None = None, *, unknown_share: float = 0.0, seed: int = 0) -> None:
        self._seed = seed
        self._unknown_share = unknown_share
        self._by_id: dict[str, KnownTrack] | None = None
        self._by_key: dict[str, KnownTrack] | None = None
        if table is not None:
            self._by_id, self._by_key = _read(table)

    def by_spotify_id(self, spotify_id: str) -> KnownTrack | None:
        """What ReccoBeats knows about a track."""
        if self._is_unknown(Provider.RECCOBEATS, spotify_id):
            return None
        if self._by_id is not None:
            return self._by_id.get(spotify_id)
        chance = self._chance("track", spotify_id)
        number = chance.randrange(10_000)
        return KnownTrack(
            _made_up(chance), f"Song {number}", f"Artist {number % 100}", 150_000 + number * 10, popularity=number % 100
        )

    def by_names(self, artist: str, title: str) -> Features | None:
        """What Gemini says about a track: the truth, more or less."""
        key = normalized_key(artist, title)
        if self._is_unknown(Provider.GEMINI, key):
            return None
        chance = self._chance("names", key)
        if self._by_key is None:
            return _made_up(chance)
        known = self._by_key.get(key)
        return None if known is None else _with_noise(known.features, chance)

    def by_sound(self, audio: bytes) -> Features:
        """What ReccoBeats hears in an uploaded file."""
        return _made_up(self._chance("sound", hashlib.sha256(audio).hexdigest()))

    def _is_unknown(self, provider: Provider, name: str) -> bool:
        return self._chance(f"unknown to {provider}", name).random() < self._unknown_share

    def _chance(self, purpose: str, name: str) -> random.Random:
        text = f"{self._seed}|{purpose}|{name}".encode(errors="replace")
        return random.Random(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))


def _made_up(chance: random.Random) -> dict[str, float]:
    draws = {feature.name: feature.clip(chance.gauss(*_MADE_UP[feature.name])) for feature in FEATURES}
    return {name: round(value, 4) for name, value in draws.items()}


def _with_noise(features: Features, chance: random.Random) -> dict[str, float]:
    noisy = {}
    for feature in FEATURES:
        # A normal draw over the root of an exponential one is Student's t with two degrees of freedom.
        t = chance.gauss() / math.sqrt(chance.expovariate(1.0) or 1e-9)
        value = features.get(feature.name)
        if value is not None:
            noisy[feature.name] = round(feature.clip(value + _NOISE[feature.name] * t), 3)
    return noisy


def _read(path: Path) -> tuple[dict[str, KnownTrack], dict[str, KnownTrack]]:
    import pyarrow
    from pyarrow import parquet

    reason = ""
    try:
        columns = parquet.read_schema(path).names
        id_column = "spotify_id" if "spotify_id" in columns else "track_id"
        required = [id_column, "artist", "title", *FEATURE_NAMES]
        optional = [name for name in ("duration_ms", "isrc", "popularity") if name in columns]
        if missing := sorted(set(required) - set(columns)):
            raise TruthTableError(f"{path} lacks the columns {', '.join(missing)}")
        rows: list[dict[str, Any]] = parquet.read_table(path, columns=required + optional).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error)
    if reason:
        raise TruthTableError(f"{path} cannot be read as Parquet: {reason}")
    by_id: dict[str, KnownTrack] = {}
    by_key: dict[str, KnownTrack] = {}
    for row in rows:
        track = _track(row)
        by_id[str(row[id_column])] = track
        by_key.setdefault(normalized_key(track.artist, track.title), track)
    return by_id, by_key


def _track(row: dict[str, Any]) -> KnownTrack:
    return KnownTrack(
        {name: float(row[name]) for name in FEATURE_NAMES if row[name] is not None and math.isfinite(row[name])},
        row["title"] or "",
        row["artist"] or "",
        row.get("duration_ms"),
        row.get("isrc"),
        row.get("popularity"),
    )
