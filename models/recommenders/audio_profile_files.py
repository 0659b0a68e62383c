"""An audio profile as files: its numbers in an npz, its words in a JSON document."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import PermanentError
from core.features import FEATURES, N_FEATURES
from models.recommenders.affinity import Taste
from models.recommenders.audio_space import to_features
from models.recommenders.mixture import Mixture
from models.recommenders.protocol import ModelFiles

#: Version of the method and of its files.
DESIGN = "m1-1"
_NUMBERS = "profile.npz"
_WORDS = "profile.json"


@dataclass(frozen=True, slots=True, eq=False)
class AudioProfile:
    """The taste of a user; it names no items."""

    modes: Mixture  #: On the axes of `audio_space`.
    genres: Taste
    artists: Taste
    loyalty: float  #: Share of what the user wants that is by artists they want more of, 0..1.
    tracks: int  #: With audio features, that the modes were fitted to.

    def describe(self) -> list[dict[str, Any]]:
        """The modes for people, the largest first: its share of the taste and its typical features, in their units."""
        order = np.argsort(-self.modes.shares, kind="stable")
        features = to_features(self.modes.means)
        return [
            {
                "share": round(float(self.modes.shares[mode]), 3),
                "features": {
                    feature.name: round(float(value), feature.decimals)
                    for feature, value in zip(FEATURES, features[mode], strict=True)
                },
            }
            for mode in order
        ]


def write_profile(profile: AudioProfile) -> ModelFiles:
    """The files of a profile; equal profiles give equal bytes."""
    numbers = io.BytesIO()
    np.savez(
        numbers,
        shares=profile.modes.shares,
        means=profile.modes.means,
        spreads=profile.modes.spreads,
        genres=profile.genres.weights,
        artists=profile.artists.weights,
    )
    words = {
        "design": DESIGN,
        "tracks": profile.tracks,
        "loyalty": profile.loyalty,
        "genres": list(profile.genres.names),
        "artists": list(profile.artists.names),
    }
    return {_NUMBERS: numbers.getvalue(), _WORDS: json.dumps(words, ensure_ascii=False).encode("utf-8")}


def read_profile(files: ModelFiles) -> AudioProfile:
    """The profile in the files; raises PermanentError `user-model-corrupt` where they are not of one."""
    try:
        words = json.loads(files[_WORDS])
        with np.load(io.BytesIO(files[_NUMBERS]), allow_pickle=False) as numbers:
            arrays = {name: numbers[name].astype(np.float32) for name in numbers.files}
        modes = Mixture(arrays["shares"], arrays["means"], arrays["spreads"])
        genres = Taste(tuple(words["genres"]), arrays["genres"])
        artists = Taste(tuple(words["artists"]), arrays["artists"])
        profile = AudioProfile(modes, genres, artists, float(words["loyalty"]), int(words["tracks"]))
        design = words["design"]
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _corrupt(f"{type(error).__name__}: {error}") from error
    _check(profile, design)
    return profile


def _check(profile: AudioProfile, design: str) -> None:
    modes = profile.modes
    k = len(modes.shares)
    if design != DESIGN:
        raise _corrupt(f"design {design!r}, this version reads {DESIGN!r}")
    if not k or modes.means.shape != (k, N_FEATURES) or modes.spreads.shape != (k, N_FEATURES):
        raise _corrupt("the modes do not have nine axes")
    if not all(np.isfinite(array).all() for array in (modes.shares, modes.means, modes.spreads)):
        raise _corrupt("a mode is not finite")
    if not ((modes.spreads > 0).all() and (modes.shares > 0).all()):
        raise _corrupt("a mode has no share or no spread")
    if not 0 <= profile.loyalty <= 1:
        raise _corrupt(f"loyalty is {profile.loyalty}, not 0..1")
    for taste in (profile.genres, profile.artists):
        if taste.weights.shape != (len(taste.names),) or not np.isfinite(taste.weights).all():
            raise _corrupt("names and weights do not match")


def _corrupt(why: str) -> PermanentError:
    return PermanentError(
        "user-model-corrupt", f"the files {_NUMBERS} and {_WORDS} are no audio profile ({why}): train M1 again"
    )
