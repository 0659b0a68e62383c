"""Which artists of the reference table are spelled nearly like a given one."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.repositories.reference import ReferenceState, artists_near, has_trigram_search, load_artist_forms
from models.matching.scoring import Thresholds, search_length_slack, search_threshold
from models.matching.trigrams import SLACK, TrigramIndex, similarity
from models.matching.typos import n_letters

#: Up to so many spellings are searched by the server where it can; for more, this process makes an index of its own.
SMALL_SEARCH = 50
# pg_trgm counts in single precision; what it finds is looked at again.
_ROUNDING = 1e-4

NearArtists = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class _ArtistIndex:
    trigrams: TrigramIndex
    lengths: NDArray[np.int32]  #: Letters of each spelling.
    artist_keys: list[str]  #: The artist of each spelling.

    def search(self, forms: list[str], thresholds: Thresholds) -> NearArtists:
        found = self.trigrams.search(forms, [search_threshold(form, thresholds) for form in forms])
        near: NearArtists = {}
        for form, positions in zip(forms, found, strict=True):
            close = np.abs(self.lengths[positions] - n_letters(form)) <= search_length_slack(form)
            near[form] = {self.artist_keys[position] for position in positions[close].tolist()}
        return near


# The index of the database and revision used last. A worker serves one database.
_cached: tuple[tuple[str, int], _ArtistIndex] | None = None
_lock = Lock()


def near_artists(
    session: Session, state: ReferenceState, forms: Collection[str], thresholds: Thresholds
) -> NearArtists:
    """The keys of artists with a spelling whose trigram similarity to a given one reaches the threshold.

    The server searches small batches where it has pg_trgm and the index that loading makes then. Otherwise an index in
    this process does, which is made once for each revision of the table. Both find the same.

    Parameters
    ----------
    forms : spellings as `models.matching.forms.searched_forms` makes them
    thresholds : `search_threshold` says for each of the forms what it means

    Returns
    -------
    For each of the forms the artists' keys; empty sets may be left out.
    """
    wanted = sorted(set(forms))
    identity = (_database_of(session), state.revision)
    cached = _cached is not None and _cached[0] == identity
    if not cached and len(wanted) <= SMALL_SEARCH and has_trigram_search(session):
        return search_on_server(session, wanted, thresholds)
    return _index(session, identity).search(wanted, thresholds)


def search_on_server(session: Session, forms: Collection[str], thresholds: Thresholds) -> NearArtists:
    """The same search by pg_trgm, which the server must have."""
    near: NearArtists = defaultdict(set)
    for form, found, artist_key in artists_near(session, list(forms), thresholds.artist - _ROUNDING):
        close = abs(n_letters(found) - n_letters(form)) <= search_length_slack(form)
        if close and similarity(form, found) >= search_threshold(form, thresholds) - SLACK:
            near[form].add(artist_key)
    return near


def forget_index() -> None:
    """Free the index of this process; the next search makes it anew."""
    global _cached
    _cached = None


def _index(session: Session, identity: tuple[str, int]) -> _ArtistIndex:
    global _cached
    with _lock:
        if _cached is None or _cached[0] != identity:
            forms, artist_keys = load_artist_forms(session)
            lengths = np.fromiter(map(n_letters, forms), np.int32, len(forms))
            _cached = identity, _ArtistIndex(TrigramIndex(forms), lengths, artist_keys)
        return _cached[1]


def _database_of(session: Session) -> str:
    return session.get_bind().engine.url.render_as_string(hide_password=True)
