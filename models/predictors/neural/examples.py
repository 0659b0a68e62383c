"""Training examples: encoded tracks with their features, cut into shuffled batches in which fields go missing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.predictors.neural.bags import Bags
from models.predictors.neural.encoding import NUMBERS, EncodedTracks, MetadataScaler
from models.predictors.neural.options import TrainingOptions

_N = len(NUMBERS)
_YEAR, _DECADE = NUMBERS.index("release_year"), NUMBERS.index("decade")


@dataclass(frozen=True, slots=True)
class Examples:
    """n tracks and what is to be learned of them."""

    tracks: EncodedTracks
    targets: NDArray[np.float32]  #: [n, 9], in each feature's unit
    scaler: MetadataScaler
    sentences: NDArray[np.float32] | None = None  #: [n, width], where a sentence encoder reads the text

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: NDArray[np.integer]) -> "Examples":
        """The given rows."""
        tracks = EncodedTracks(
            names=self.tracks.names.take(rows),
            words=self.tracks.words.take(rows),
            grams=self.tracks.grams.take(rows),
            genres=self.tracks.genres.take(rows),
            moods=self.tracks.moods.take(rows),
            metadata=self.tracks.metadata[rows],
            artist_known=self.tracks.artist_known[rows],
        )
        sentences = None if self.sentences is None else self.sentences[rows]
        return Examples(tracks, self.targets[rows], self.scaler, sentences)

    def batches(self, size: int) -> Iterator["Examples"]:
        """All rows in order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))

    def shuffled_batches(self, options: TrainingOptions, rng: np.random.Generator) -> Iterator["Examples"]:
        """One epoch: all rows in random order, with tokens and fields blanked at random."""
        order = rng.permutation(len(self))
        for start in range(0, len(self), options.batch_size):
            yield self.take(order[start : start + options.batch_size])._blanked(options, rng)

    def _blanked(self, options: TrainingOptions, rng: np.random.Generator) -> "Examples":
        tracks, n = self.tracks, len(self)
        everything = rng.random(n) < options.drop_everything
        nameless, genreless, moodless = (
            everything | (rng.random(n) < share)
            for share in (options.drop_artist_name, options.drop_fields, options.drop_fields)
        )
        encoded = EncodedTracks(
            names=_without(_thinned(tracks.names, options, rng), nameless),
            words=_without(_thinned(tracks.words, options, rng), everything),
            grams=_without(_thinned(tracks.grams, options, rng), everything),
            genres=_without(tracks.genres, genreless),
            moods=_without(tracks.moods, moodless),
            metadata=_blanked_metadata(tracks.metadata, self.scaler, everything, options.drop_fields, rng),
            artist_known=tracks.artist_known,
        )
        return Examples(encoded, self.targets, self.scaler, self.sentences)


def _thinned(text: Bags, options: TrainingOptions, rng: np.random.Generator) -> Bags:
    return text.keep(rng.random(len(text.rows)) >= options.drop_tokens)


def _without(bags: Bags, blank: NDArray[np.bool_]) -> Bags:
    return bags.keep(~blank[bags.owners()])


def _blanked_metadata(
    metadata: NDArray[np.float32],
    scaler: MetadataScaler,
    everything: NDArray[np.bool_],
    share: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """All numbers are unknown where `everything` is, and each one in `share` of the rows.

    The decade goes only where the year does: no table tells a year without its decade.
    """
    blank = rng.random((len(metadata), _N)) < share
    blank[:, _DECADE] = blank[:, _YEAR] & (rng.random(len(metadata)) < 0.5)
    blank |= everything[:, None]
    unknown = scaler.standardize(np.full((1, _N), np.nan))
    return np.where(np.concatenate([blank, blank], axis=1), unknown, metadata)
