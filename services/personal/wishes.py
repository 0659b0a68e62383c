"""What somebody wants recommended, and which tracks that leaves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import FEATURE_NAMES
from models.recommenders.catalog import Catalog
from models.recommenders.history import History
from services.personal.histories import owned_or_disliked
from services.personal.loaded_catalog import LoadedCatalog

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wish:
    """How many tracks, and of which kind; what is left out is not limited."""

    limit: int
    diversity: float | None = None  #: 0..1, in place of the setting.
    genres: Sequence[str] = ()  #: Tracks of at least one of these.
    without_genres: Sequence[str] = ()
    without_tracks: Collection[int] = ()
    #: Lowest and highest value of features, in their units; tracks of which one is unknown are left out.
    features: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    #: Whether other versions may come of what the user owns or dislikes, or of `without_tracks`.
    other_versions: bool = False


def excluded_tracks(loaded: LoadedCatalog, history: History, wish: Wish) -> Mask:
    """What cannot be recommended, [n]: what the user owns or dislikes, and what is not wished for.

    Raises
    ------
    PermanentError
        `invalid-request`: no track has a wished genre.
    """
    catalog = loaded.catalog
    mask = owned_or_disliked(history, len(catalog))
    named = catalog.find(np.fromiter(wish.without_tracks, dtype=np.int64))
    mask[named[named >= 0]] = True
    if not wish.other_versions and mask.any():
        theirs = np.zeros(int(loaded.recordings.max()) + 1, dtype=np.bool_)
        theirs[loaded.recordings[mask]] = True
        mask |= theirs[loaded.recordings]
    if wish.genres:
        mask |= ~_of_genres(catalog, _columns(catalog, wish.genres, required=True))
    if wish.without_genres:
        mask |= _of_genres(catalog, _columns(catalog, wish.without_genres, required=False))
    for name, (low, high) in wish.features.items():
        values = catalog.features[:, FEATURE_NAMES.index(name)]
        # A comparison with NaN is false.
        mask |= ~((values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high)))
    return mask


def _of_genres(catalog: Catalog, columns: Sequence[int]) -> Mask:
    chosen = np.zeros(len(catalog.genre_names), dtype=np.float32)
    chosen[list(columns)] = 1
    return np.asarray(catalog.genres @ chosen > 0, dtype=np.bool_)


def _columns(catalog: Catalog, genres: Sequence[str], *, required: bool) -> list[int]:
    """Columns of genres, in any spelling of case."""
    known: dict[str, list[int]] = {}
    for column, name in enumerate(catalog.genre_names):
        known.setdefault(name.casefold(), []).append(column)
    for genre in genres:
        if required and genre.casefold() not in known:
            closest = get_close_matches(genre.casefold(), known, n=1)
            hint = f" Did you mean {closest[0]!r}?" if closest else ""
            raise PermanentError("invalid-request", f"No track has the genre {genre!r}.{hint}")
    return [column for genre in genres for column in known.get(genre.casefold(), ())]
