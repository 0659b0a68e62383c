"""Hard limits: what may follow a track at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio_settings import DjSettings
from models.dj.keys import compatible
from models.dj.library import Current, DjLibrary, TrackId

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
#: How a tempo relates to the one that plays, and what it is multiplied with to be compared.
RELATIONS: tuple[tuple[str, float], ...] = (("same", 1.0), ("double", 0.5), ("half", 2.0))
#: The order in which limits are lifted where nothing is left: a clash of keys is heard for the length of a crossfade,
#: and can be avoided by mixing drums only; a tempo too far off cannot be mixed at all.
RELAXATIONS: tuple[tuple[str, ...], ...] = ((), ("key",), ("key", "tempo"))


@dataclass(frozen=True, slots=True)
class TempoMatch:
    """How tempos [c] meet the one that plays; NaN and -1 where one of them is not known."""

    difference_bpm: Floats  #: Absolute, in beats per minute of the track that plays.
    change_percent: Floats  #: By which the next track is played faster.
    relation: NDArray[np.int8]  #: Place in `RELATIONS`


def match_tempos(current_bpm: float, bpm: Floats) -> TempoMatch:
    """The closest of the same, the double and the half tempo, for tempos [c]; the same where two are equally close."""
    folded = np.stack([bpm * np.float32(factor) for _, factor in RELATIONS])
    differences = np.abs(folded - np.float32(current_bpm))
    known = ~np.isnan(differences[0])
    closest = np.argmin(np.where(known, differences, 0), axis=0)
    columns = np.arange(len(bpm))
    change = 100 * (np.float32(current_bpm) / folded[closest, columns] - 1)
    return TempoMatch(differences[closest, columns], change, np.where(known, closest, -1).astype(np.int8))


def allowed(library: DjLibrary, current: Current, played: tuple[TrackId, ...], settings: DjSettings) -> "Limits":
    """What each limit lets through."""
    fresh = np.ones(len(library), bool)
    fresh[library.rows([*played, *([] if current.id is None else [current.id])])] = False
    return Limits(fresh, _tempo_fits(library, current, settings), _key_fits(library, current, settings))


@dataclass(frozen=True, slots=True)
class Limits:
    """The tracks [n] that have not been played, those of a fitting tempo, and those of a fitting key."""

    fresh: Mask
    tempo: Mask | None  #: None: all.
    key: Mask | None

    def open_to(self, relax: bool) -> tuple[Mask, tuple[str, ...]]:
        """The tracks within all limits; where there are none, and `relax`, without the limits that are also named."""
        for lifted in RELAXATIONS if relax else RELAXATIONS[:1]:
            mask = self.fresh
            for name in ("tempo", "key"):
                limit: Mask | None = getattr(self, name)
                if limit is not None and name not in lifted:
                    mask = mask & limit
            if mask.any():
                # A limit that excludes nobody was not lifted.
                return mask, tuple(name for name in lifted if getattr(self, name) is not None)
        return mask, ()


def _tempo_fits(library: DjLibrary, current: Current, settings: DjSettings) -> Mask | None:
    """Tempos within the tolerance at the same, half or double time, and those of which too little is known."""
    bpm = current["bpm"]
    if not current["tempo_confidence"] >= settings.min_tempo_confidence or np.isnan(bpm):
        return None
    low, high = np.float32(bpm - settings.bpm_tolerance), np.float32(bpm + settings.bpm_tolerance)
    tempos = library["bpm"]
    fits = ~(library["tempo_confidence"] >= np.float32(settings.min_tempo_confidence)) | np.isnan(tempos)
    for _, factor in RELATIONS:
        fits |= (tempos >= low / np.float32(factor)) & (tempos <= high / np.float32(factor))
    return fits


def _key_fits(library: DjLibrary, current: Current, settings: DjSettings) -> Mask | None:
    """Keys that go together by the rules, and those that are not clear enough to tell."""
    key = current["key"]
    if not current["key_clarity"] >= settings.min_key_clarity or np.isnan(key):
        return None
    unclear = ~(library["key_clarity"] >= np.float32(settings.min_key_clarity))
    # A key that is not known has the score NaN, which is not 0 either.
    fits: Mask = unclear | (compatible(key, library["key"], settings.key_rules) != 0)
    return fits
