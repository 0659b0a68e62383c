"""Why an item is recommended: sentences that are true of the data, and what they go back to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.recommenders.affinity import artist_vocabulary, credits, genre_vocabulary
from models.recommenders.catalog import Catalog
from models.recommenders.history import History
from models.recommenders.nearest_sound import NearestSound, nearest_sounds

if TYPE_CHECKING:
    from scipy.sparse import csc_array

#: An item gets so many reasons at most.
_MOST_REASONS = 3
#: Popularity, of 100, from which an item is called popular.
_POPULAR = 60.0
#: Wanted items that a genre must have before it is called a taste, and genres that are named.
_FEWEST_OF_GENRE = 2
_MOST_GENRES = 2


class ReasonKind(StrEnum):
    """What a reason rests on."""

    TOGETHER = "together"  #: It goes with an item of the user, by what the caller knows.
    ARTIST = "artist"  #: The user has, plays or likes items of the same artist.
    SOUND = "sound"  #: The audio features of an item of the user are near.
    GENRES = "genres"  #: Items of the user have the same genres.
    POPULARITY = "popularity"  #: Many people play it.
    FALLBACK = "fallback"  #: Too little of the user is known; the library stands in.


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for one item."""

    kind: ReasonKind
    text: str
    related: tuple[int, ...] = ()  #: Positions of the user's items that it goes back to.
    features: tuple[str, ...] = ()  #: Audio features that are near, the most telling first.


def explain(
    catalog: Catalog,
    history: History,
    positions: NDArray[np.intp],
    together: NDArray[np.intp] | None = None,
    is_fallback: bool = False,
) -> list[list[Reason]]:
    """Reasons for each of the items at positions [m], the strongest first; at most three each, perhaps none.

    Parameters
    ----------
    together : [m], for each item the position of the user's item that it goes with best, by behavior or content; -1
        for none. What the user does not want (see `History.wanted`) is passed over.
    is_fallback : the items were not chosen by a model of this user
    """
    teller = _Teller.of(catalog, history)
    partners = np.full(len(positions), -1, dtype=np.intp) if together is None else together
    sounds = nearest_sounds(catalog, teller.wanted.positions, positions)
    found = zip(positions.tolist(), partners.tolist(), sounds, strict=True)
    return [teller.reasons(item, partner, sound, is_fallback) for item, partner, sound in found]


@dataclass(frozen=True, slots=True, eq=False)
class _Teller:
    """What the sentences for one user need."""

    catalog: Catalog
    wanted: History
    of_artist: "csc_array"  #: [k, artists], who is credited for the wanted items.
    genre_counts: NDArray[np.intp]  #: Wanted items of each genre, [g].

    @classmethod
    def of(cls, catalog: Catalog, history: History) -> "_Teller":
        wanted = history.take(history.wanted())
        mine = catalog.genres[wanted.positions]
        counts = np.bincount(mine.indices[mine.data > 0], minlength=len(catalog.genre_names))
        return cls(catalog, wanted, artist_vocabulary(catalog).whole[wanted.positions].tocsc(), counts)

    def reasons(self, item: int, partner: int, sound: NearestSound | None, is_fallback: bool) -> list[Reason]:
        fallback = Reason(ReasonKind.FALLBACK, "little is known of your taste yet") if is_fallback else None
        found = (fallback, self._together(partner), self._artist(item), self._sound(sound), self._genres(item))
        reasons = [reason for reason in found if reason is not None]
        if len(reasons) < 2 and (popular := self._popularity(item)) is not None:
            reasons.append(popular)
        return reasons[:_MOST_REASONS]

    def _together(self, partner: int) -> Reason | None:
        row = int(np.searchsorted(self.wanted.positions, partner))
        if row == len(self.wanted) or self.wanted.positions[row] != partner:
            return None
        return Reason(ReasonKind.TOGETHER, f"because you {self._verb(row)} {self._name(partner)}", (partner,))

    def _artist(self, item: int) -> Reason | None:
        """Of the artists credited for the item, the one of whom the user has most."""
        vocabulary = artist_vocabulary(self.catalog)
        best, rows = "", np.zeros(0, dtype=np.intp)
        for name in credits(self.catalog.artists[item]):
            column = vocabulary.column[name.casefold()]
            theirs = self.of_artist.indices[self.of_artist.indptr[column] : self.of_artist.indptr[column + 1]]
            if len(theirs) > len(rows):
                best, rows = name, theirs
        if not len(rows):
            return None
        verb, rows = self._common_verb(rows)
        tracks = "a track" if len(rows) == 1 else f"{len(rows)} tracks"
        related = tuple(self.wanted.positions[np.sort(rows)[:_MOST_REASONS]].tolist())
        return Reason(ReasonKind.ARTIST, f"you {verb} {tracks} by {best}", related)

    def _sound(self, sound: NearestSound | None) -> Reason | None:
        if sound is None:
            return None
        text = f"similar {_listed(sound.features)} to {self._name(sound.position)}"
        return Reason(ReasonKind.SOUND, text, (sound.position,), sound.features)

    def _genres(self, item: int) -> Reason | None:
        rows = self.catalog.genres
        span = slice(rows.indptr[item], rows.indptr[item + 1])
        carried = rows.indices[span][rows.data[span] > 0]
        columns = carried[self.genre_counts[carried] >= _FEWEST_OF_GENRE]
        if not len(columns):
            return None
        rarity = genre_vocabulary(self.catalog).rarity[columns]
        telling = np.argsort(-self.genre_counts[columns] * rarity, kind="stable")[:_MOST_GENRES]
        named = columns[telling]
        names = _listed([self.catalog.genre_names[column] for column in named])
        counts = _listed([str(self.genre_counts[column]) for column in named])
        noun = "a genre" if len(named) == 1 else "genres"
        return Reason(ReasonKind.GENRES, f"{names}, {noun} of {counts} of your tracks")

    def _popularity(self, item: int) -> Reason | None:
        popularity = float(self.catalog.popularity[item])
        if not popularity >= _POPULAR:
            return None
        return Reason(ReasonKind.POPULARITY, f"popular: {popularity:.0f} of 100")

    def _verb(self, row: int) -> str:
        """What the user does with a wanted item; the clearest sign first."""
        if self.wanted.likes[row] > 0:
            return "like"
        return "play" if self.wanted.plays[row] > 0 else "have"

    def _common_verb(self, rows: NDArray[np.intp]) -> tuple[str, NDArray[np.intp]]:
        """One verb, and those of the rows for which it is true: owned ones, else played ones, else liked ones."""
        for verb, holds in (("have", self.wanted.owned[rows]), ("play", self.wanted.plays[rows] > 0)):
            if holds.any():
                return verb, rows[holds]
        return "like", rows

    def _name(self, position: int) -> str:
        by = _listed(credits(self.catalog.artists[position]))
        title = self.catalog.titles[position]
        if not title:
            return by
        return f"“{title}” by {by}" if by else f"“{title}”"


def _listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
