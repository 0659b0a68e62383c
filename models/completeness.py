"""How much metadata a track has: the completeness score of the platform, whatever any predictor makes of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch

_TITLE, _ARTIST, _GENRES, _MOODS = 0.2, 0.2, 0.3, 0.2
_DURATION, _RELEASE_YEAR, _ALBUM_TOTAL_TRACKS, _TRACK_NUMBER = 0.03, 0.03, 0.02, 0.02
# As many genres and moods count as the network over genres and moods reads.
_FULL_GENRES, _FULL_MOODS = 5, 3


def metadata_completeness(tracks: TrackBatch) -> NDArray[np.float32]:
    """Weighted share of the metadata fields that are known.

    title 0.2 + artist 0.2 + genres 0.3 + moods 0.2 + duration 0.03 + release year 0.03 + tracks on the album 0.02
    + track number 0.02. Each of up to five genres earns a fifth of 0.3, each of up to three moods a third of 0.2.

    Parameters
    ----------
    tracks
        Metadata of n tracks. A blank text, and a number that is not above zero, count as unknown.

    Returns
    -------
    completeness
        [n], float32, 0 (nothing known) .. 1 (everything).
    """
    score = (
        _TITLE * _texts(tracks.title)
        + _ARTIST * _texts(tracks.artist)
        + _GENRES * _names(tracks.genres, _FULL_GENRES)
        + _MOODS * _names(tracks.moods, _FULL_MOODS)
        + _DURATION * _numbers(tracks.duration_ms)
        + _RELEASE_YEAR * _numbers(tracks.release_year)
        + _ALBUM_TOTAL_TRACKS * _numbers(tracks.album_total_tracks)
        + _TRACK_NUMBER * _numbers(tracks.track_number)
    )
    return np.asarray(score, dtype=np.float32)


def _texts(column: Sequence[str | None]) -> NDArray[np.float64]:
    return np.array([bool(text and not text.isspace()) for text in column], dtype=np.float64)


def _numbers(column: Sequence[int | None]) -> NDArray[np.float64]:
    return np.array([number is not None and number > 0 for number in column], dtype=np.float64)


def _names(column: Sequence[Sequence[str]], full: int) -> NDArray[np.float64]:
    """The share 0..1 of `full` different names; one list counts no name twice."""
    return np.array([min(len(set(filter(str.strip, names))), full) / full for names in column], dtype=np.float64)
