"""Small reference files for tests."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.features import FEATURES


def spotify_id(number: int) -> str:
    """A valid Spotify id."""
    return f"{number:022d}"


def reference(number: int, artist: str, title: str, **changes: Any) -> dict[str, Any]:
    """A row whose features follow from its number, so that rows differ."""
    level = (number * 37 % 89 + 5) / 100
    features = {feature.name: round(feature.low + level * (feature.high - feature.low), 4) for feature in FEATURES}
    known = {"spotify_id": spotify_id(number), "isrc": "", "duration_ms": 200_000}
    return {"artist": artist, "title": title, **known, **features, **changes}


def write_references(path: Path, *rows: Mapping[str, Any]) -> Path:
    """A CSV file of the rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path
