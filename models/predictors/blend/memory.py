"""What is remembered of known artists: how their tracks differed from what the first stage expected.

A new track of a known artist should differ alike, the more so the closer it is in time, and most if it is from the
same album. That is a Gaussian process over the tracks of one artist (kriging; Rasmussen & Williams, 2006, chapter 2):
its covariance is a constant, plus a part that fades with the years between, plus one for a shared album. Artists who
are credited beside the leading one count through the shrunk mean of all tracks they are credited on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.features import N_FEATURES
from models.predictors.blend.description import Description
from models.predictors.blend.names import find

#: Columns of `Recollection.features`.
N_RECALLED = 3 * N_FEATURES + 3

# Variance between the means of artists, in units of the variance between tracks of one artist, by feature: chosen on
# out-of-fold errors. Tempo hardly depends on the artist; loudness does.
_ARTIST_VARIANCE = 1 / np.array([1.1, 0.75, 1.4, 0.6, 0.4, 1.5, 1.0, 5.0, 0.5])
_CONSTANT, _FADING, _ALBUM = 0.5, 0.7, 0.5
_FADING_YEARS = 12.0
# Years assumed between two tracks where one is undated.
_UNKNOWN_GAP = 10.0
# A single odd track must not move an artist: residuals are cut here, in normalized units.
_LARGEST_RESIDUAL = 0.6


@dataclass(frozen=True, slots=True)
class ArtistMemory:
    """a artists with m tracks, artist after artist; c credited artists."""

    artists: NDArray[np.uint64]  #: [a], keys, ascending
    starts: NDArray[np.int64]  #: [a + 1]
    year: NDArray[np.float32]  #: [m], NaN where unknown
    album: NDArray[np.uint32]  #: [m], low half of the album's key; 0 without one
    by_year: NDArray[np.float32]  #: [m, 9], weights of the covariance with each track, albums left out of account
    by_album: NDArray[np.float32]  #: [m, 9], the same with albums
    credits: NDArray[np.uint64]  #: [c], keys, ascending
    credit_sum: NDArray[np.float32]  #: [c, 9], sum of residuals
    credit_count: NDArray[np.float32]  #: [c]

    def position(self, described: Description) -> NDArray[np.intp]:
        """The artist of each track, -1 where no credited one is known, [n].

        The leading artist, else the first known one among the others: "A, B" and "A & B" are written alike.
        """
        lengths = [len(names) for names in described.credits]
        flat = np.array([name for names in described.credits for name in names], dtype=np.uint64)
        found = find(self.artists, flat)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        position = np.full(len(lengths), -1, dtype=np.intp)
        known = np.flatnonzero(found >= 0)[::-1]
        position[owner[known]] = found[known]
        return position

    def recall(self, described: Description) -> "Recollection":
        """What is known of the artists of n tracks."""
        position = self.position(described)
        counts = np.where(position >= 0, np.diff(self.starts)[position], 0)
        owner = np.repeat(np.arange(len(position)), counts)
        first = np.where(position >= 0, self.starts[position], 0)
        track = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        near = _nearness(described.years[owner], self.year[track])
        same = _same_album(_album_tag(described.album)[owner], self.album[track])
        shifts = [
            _sums(_covariance(near, same * share) * weights[track], owner, len(position))
            for share, weights in ((0.0, self.by_year), (1.0, self.by_album))
        ]
        on_album = np.bincount(owner, same, minlength=len(position))
        credited, credits = self._credited(described)
        columns = [*shifts, credited, counts[:, None], on_album[:, None], credits[:, None]]
        return Recollection(position, np.hstack(columns).astype(np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name; residuals in half precision."""
        halved = ("by_year", "by_album", "credit_sum")
        return {
            f"memory_{field.name}": getattr(self, field.name).astype(np.float16)
            if field.name in halved
            else getattr(self, field.name)
            for field in fields(self)
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        found: dict[str, Any] = {field.name: arrays[f"memory_{field.name}"] for field in fields(cls)}
        return cls(**{name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in found.items()})

    def _credited(self, described: Description) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shrunk mean residual [n, 9] over the tracks of the artists credited behind the first, and their number."""
        lengths = [max(len(names) - 1, 0) for names in described.credits]
        flat = np.array([name for names in described.credits for name in names[1:]], dtype=np.uint64)
        found = find(self.credits, flat)
        owner = np.repeat(np.arange(len(lengths)), lengths)[found >= 0]
        found = found[found >= 0]
        count = np.bincount(owner, self.credit_count[found], minlength=len(lengths)).astype(np.float64)
        total = _sums(self.credit_sum[found], owner, len(lengths))
        return total / (count[:, None] + 1 / _ARTIST_VARIANCE), count


@dataclass(frozen=True, slots=True)
class Recollection:
    """What the memory says of n tracks."""

    artist: NDArray[np.intp]  #: [n], position of the artist in the memory, -1 for unknown ones
    features: NDArray[np.float32]
    """[n, N_RECALLED]: expected residuals by year, by year and album, of the other credits; tracks remembered of the
    artist, those of the same album, those of the other credits."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the artist is known, [n]."""
        return self.artist >= 0

    def take(self, rows: NDArray[np.integer]) -> "Recollection":
        """The given tracks, in that order."""
        return Recollection(self.artist[rows], self.features[rows])


def fit_memory(described: Description, residuals: NDArray[np.float64]) -> ArtistMemory:
    """Remember n tracks with their normalized residuals [n, 9] against a first stage that did not know the artist."""
    residuals = np.clip(residuals, -_LARGEST_RESIDUAL, _LARGEST_RESIDUAL)
    lead = np.array([names[0] for names in described.credits], dtype=np.uint64)
    order = np.argsort(lead, kind="stable")
    artists, starts = np.unique(lead[order], return_index=True)
    starts = np.append(starts, len(lead)).astype(np.int64)
    year, album = described.years[order], _album_tag(described.album)[order]
    by_year, by_album = (_solve(starts, year, album, residuals[order], share) for share in (0.0, 1.0))
    return ArtistMemory(artists, starts, year, album, by_year, by_album, *_credit_sums(described, residuals))


def _solve(
    starts: NDArray[np.int64],
    year: NDArray[np.float32],
    album: NDArray[np.uint32],
    residuals: NDArray[np.float64],
    album_share: float,
) -> NDArray[np.float32]:
    """(K + I)^-1 r for the tracks of each artist, [m, 9]; artists with equally many tracks are solved at once."""
    weights = np.empty((len(year), N_FEATURES))
    counts = np.diff(starts)
    for size in np.unique(counts).tolist():
        tracks = starts[:-1][counts == size][:, None] + np.arange(size)
        for block in np.array_split(tracks, max(1, tracks.size * size // 2_000_000)):
            near = _nearness(year[block][:, :, None], year[block][:, None, :])
            same = _same_album(album[block][:, :, None], album[block][:, None, :]) * album_share
            covariance = np.moveaxis(_covariance(near, same), -1, 1) + np.eye(size)
            solved = np.linalg.solve(covariance, np.moveaxis(residuals[block], -1, 1)[..., None])
            weights[block] = np.moveaxis(solved[..., 0], 1, -1)
    return weights.astype(np.float32)


def _covariance(near: NDArray[np.floating], same_album: NDArray[np.floating]) -> NDArray[np.floating]:
    """Covariance of the residuals of two tracks of one artist, in units of the noise, [..., 9]."""
    share = _CONSTANT + _FADING * near + _ALBUM * same_album
    return np.asarray(share[..., None] * _ARTIST_VARIANCE)


def _nearness(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    gap = np.abs(one.astype(np.float64) - other)
    near: NDArray[np.float64] = np.exp(-np.where(np.isnan(gap), _UNKNOWN_GAP, gap) / _FADING_YEARS)
    return near


def _album_tag(album: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Half of the key suffices to tell the albums of one artist apart."""
    return (album & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _same_album(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.float64]:
    """1 for tracks of one album; a track without an album shares it with none, not even with itself."""
    same: NDArray[np.bool_] = (one == other) & (one != 0)
    return same.astype(np.float64)


def _sums(values: NDArray[np.floating], owner: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Sums of the rows of each owner, in order, [n, 9]."""
    return np.stack([np.bincount(owner, column, minlength=n) for column in values.T], axis=1)


def _credit_sums(
    described: Description, residuals: NDArray[np.float64]
) -> tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.float32]]:
    """Keys of all artists credited behind the first, the sums of their residuals, and their numbers of tracks."""
    lengths = [len(names) - 1 for names in described.credits]
    flat = np.array([name for names in described.credits for name in names[1:]], dtype=np.uint64)
    credits, which = np.unique(flat, return_inverse=True)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    total = _sums(residuals[owner], which, len(credits))
    return credits, total.astype(np.float32), np.bincount(which, minlength=len(credits)).astype(np.float32)
