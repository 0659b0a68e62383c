"""The numbers that the DJ knows of a track, one column each."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from core.audio import AudioDescription, Texture
from models.dj.keys import key_number

Floats = NDArray[np.float32]

_TEXTURES = tuple(field.name for field in fields(Texture))
#: Names of the columns, in their order. Unknown values are NaN. `key` is a number (`keys.key_number`); textures are
#: those of the whole, of the intro and of the outro, in the units of `core.audio.Texture`.
COLUMNS: tuple[str, ...] = (
    "duration_s",
    "bpm",
    "tempo_confidence",
    "key",
    "key_clarity",
    "loudness_lufs",
    "intro_mixability",
    "outro_mixability",
    *(f"{part}_{name}" for part in ("whole", "intro", "outro") for name in _TEXTURES),
)
N_COLUMNS = len(COLUMNS)
_PLACES = {name: place for place, name in enumerate(COLUMNS)}


def place(name: str) -> int:
    """Where the column of this name is."""
    return _PLACES[name]


def numbers_of(description: AudioDescription) -> Floats:
    """The row of a track, float32 [N_COLUMNS]; infinite values become NaN, and so does a tempo of 0 or below."""
    tempo, key = description.tempo, description.key
    bpm = tempo.bpm if tempo.bpm is not None and tempo.bpm > 0 else np.nan
    textures = (description.texture, description.intro.texture, description.outro.texture)
    row = np.array(
        [
            description.duration_s,
            bpm,
            tempo.confidence,
            key_number(key.name) if key.name else np.nan,
            key.clarity,
            description.loudness_lufs,
            description.intro.mixability,
            description.outro.mixability,
            *(getattr(texture, name) for texture in textures for name in _TEXTURES),
        ],
        np.float32,
    )
    row[~np.isfinite(row)] = np.nan
    return row
