"""M1: the audio taste of a user in several modes, together with the genres and artists they like."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.affinity import (
    Taste,
    artist_taste,
    artist_vocabulary,
    genre_affinity,
    genre_taste,
    loyalty,
)
from models.recommenders.audio_profile_files import DESIGN, AudioProfile, read_profile, write_profile
from models.recommenders.audio_space import AudioSpace, audio_space, library_mean, to_axes
from models.recommenders.catalog import Catalog
from models.recommenders.history import History
from models.recommenders.mixture import Mixture, choose_mixture
from models.recommenders.protocol import ModelFiles, Scored, TrainedModel, best_first

Floats = NDArray[np.float32]

#: Wanted tracks with features below which a taste cannot be told from chance.
LEAST_TRACKS = 10
_MOST_MODES = 8
#: Share of every taste that is the library itself: nothing is so unlike a user that it cannot please.
_OPENNESS = 0.2
#: What the parts of a score weigh beside the affinity of genres, which weighs 1. Chosen on held-out artists of Last.fm
#: listeners, with artists as items and with their tracks as items.
_AUDIO_WEIGHT = np.float32(0.01)
#: Of the artists, for a user who always comes back to the same ones. More of it finds more of what such users play
#: next, and ever less that is new to them.
_ARTIST_WEIGHT = np.float32(0.03)
_NO_TASTE = Taste((), np.zeros(0, dtype=np.float32))


def train_audio_profile(catalog: Catalog, history: History, seed: int = 0) -> TrainedModel:
    """The taste of a user: modes of the audio features of what they want, and weights of its genres and artists.

    Raises
    ------
    PermanentError : `too-little-history`, below `LEAST_TRACKS` wanted items with audio features
    """
    wanted = history.take(history.wanted())
    points = to_axes(catalog.features[wanted.positions])
    known = ~np.isnan(points).all(axis=1)
    if (count := int(known.sum())) < LEAST_TRACKS:
        raise PermanentError(
            "too-little-history",
            f"the user has {count} wanted tracks with audio features, M1 needs {LEAST_TRACKS}: import more playlists",
        )
    modes = choose_mixture(points[known], wanted.weights()[known], _MOST_MODES, seed)
    genres, artists = genre_taste(catalog, wanted), artist_taste(catalog, wanted)
    profile = AudioProfile(modes, genres, artists, loyalty(catalog, wanted), count)
    metrics = {"tracks": count, "modes": profile.describe(), "loyalty": round(profile.loyalty, 3)}
    return TrainedModel(ModelKind.M1, DESIGN, write_profile(profile), metrics)


def fallback_profile(catalog: Catalog) -> "AudioProfileRecommender":
    """The mean profile of the library, for users of whom too little is known: the most usual sound comes first."""
    mean, spread = library_mean(audio_space(catalog))
    modes = Mixture(np.ones(1, dtype=np.float32), mean[None], spread[None])
    return AudioProfileRecommender(AudioProfile(modes, _NO_TASTE, _NO_TASTE, 0.0, 0), catalog, is_fallback=True)


@dataclass(frozen=True, eq=False)
class AudioProfileRecommender:
    """An audio profile, bound to a catalog. What it says depends on the profile alone, not on the history given."""

    profile: AudioProfile
    catalog: Catalog
    is_fallback: bool = False  #: It is the library's profile, not a user's.

    @classmethod
    def from_files(cls, files: ModelFiles, catalog: Catalog) -> "AudioProfileRecommender":
        """Raises PermanentError `user-model-corrupt` where the files are not those of an audio profile."""
        return cls(read_profile(files), catalog)

    @property
    def kind(self) -> ModelKind:
        """Always M1."""
        return ModelKind.M1

    def rank(self, history: History, excluded: NDArray[np.bool_], limit: int) -> Scored:
        """See `Recommender.rank`."""
        return best_first(self._all_scores, excluded, limit)

    def scores(self, history: History, positions: NDArray[np.intp]) -> Floats:
        """See `Recommender.scores`."""
        return self._all_scores[positions]

    @cached_property
    def _all_scores(self) -> Floats:
        """[n], reckoned once: while a profile serves, it is asked several times for every answer."""
        space = audio_space(self.catalog)
        if self.is_fallback:
            return _usualness(space, self.profile.modes)
        total = _AUDIO_WEIGHT * _characteristic(space, self.profile.modes)
        total += genre_affinity(self.catalog, self.profile.genres)
        artists = artist_vocabulary(self.catalog).affinity(self.profile.artists)
        return total + _ARTIST_WEIGHT * np.float32(self.profile.loyalty) * artists


def _characteristic(space: AudioSpace, modes: Mixture) -> Floats:
    """ln(openness + (1 - openness) * density of the taste / density of the library), [n].

    What is merely usual is usual in every taste, so the ratio to the library counts. An item of which nothing is known
    has the ratio 1 and scores 0.
    """
    ratio = modes.log_density_of(space.design) - space.log_density
    score: Floats = np.logaddexp(np.float32(np.log(_OPENNESS)), ratio + np.float32(np.log(1 - _OPENNESS)))
    return score


def _usualness(space: AudioSpace, modes: Mixture) -> Floats:
    """Minus half the squared distance from the mean, in spreads, [n]; an unknown feature counts as one spread away."""
    away = np.where(np.isnan(space.points), np.float32(1), (space.points - modes.means[0]) / modes.spreads[0])
    usual: Floats = np.float32(-0.5) * np.square(away).sum(axis=1)
    return usual
