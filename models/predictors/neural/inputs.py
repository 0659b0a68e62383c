"""What the network may see of a track, as a type: whatever tells how well a track did has no place in it.

Popularity, ratings, play counts, followers and chart positions follow from a song's success, not from its sound. They
are unknown for most tracks, and a network that learned from them would call a hit loud because it sold. The type has
no field for them, so no code path can carry them to the network.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from core.errors import PermanentError
from core.tracks import TrackBatch

MAX_GENRES, MAX_MOODS = 5, 3

# Parts of column names that stand for success, however a table spells them: play_count, playCount, "monthly listeners".
_GUARDED = re.compile(
    r"popular|rating|rated|stars|play|stream|scrobble|listen|view|follow|fan|like|love|vote|chart|rank|peak|billboard"
    r"|sales|sold|award|trend|viral|score|skip",
    re.IGNORECASE,
)

_LISTS = frozenset({"genres", "moods"})


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """All the network sees of n tracks: one tuple of length n per column; `None`, or an empty tuple, means unknown."""

    artist: tuple[str, ...] = ()  #: All credited artists, joined with ";".
    title: tuple[str, ...] = ()
    release_year: tuple[int | None, ...] = ()
    genres: tuple[tuple[str, ...], ...] = ()
    moods: tuple[tuple[str, ...], ...] = ()
    duration_ms: tuple[int | None, ...] = ()
    explicit: tuple[bool | None, ...] = ()
    track_number: tuple[int | None, ...] = ()
    album_total_tracks: tuple[int | None, ...] = ()
    decade: tuple[int | None, ...] = field(default=())  #: First year, e.g. 1990.

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in INPUT_NAMES}) > 1:
            raise ValueError("all columns must have the same length")

    def __len__(self) -> int:
        return len(self.artist)

    def rows(self) -> list[tuple[Any, ...]]:
        """Everything the network sees of each track, hashable: tracks with equal rows get equal answers.

        A row begins with artist, title and year, which tell most tracks apart; the rest makes the key exact.
        """
        return list(zip(*(getattr(self, name) for name in INPUT_NAMES), strict=True))

    @classmethod
    def of(cls, tracks: TrackBatch) -> "NetworkInputs":
        """The columns the network may see, taken by name; whatever else a batch carries stays behind."""
        return cls(**{name: _frozen(name, getattr(tracks, name)) for name in INPUT_NAMES})

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]]) -> "NetworkInputs":
        """The inverse of `rows`."""
        return cls(*zip(*rows, strict=True)) if rows else cls()

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[Any]]) -> "NetworkInputs":
        """Build from columns by name; `artist` and `title` are needed, other columns may be left out.

        Raises
        ------
        PermanentError
            `invalid-option`: a column tells how successful a track is, or is no input of the network.
        """
        if guarded := sorted(name for name in columns if is_guarded(name)):
            reason = "They tell how successful a track is, and the network never learns from that."
            raise PermanentError("invalid-option", f"Columns {', '.join(guarded)} are refused. {reason}")
        if unknown := sorted(set(columns) - set(INPUT_NAMES)):
            known = ", ".join(INPUT_NAMES)
            raise PermanentError("invalid-option", f"Columns {', '.join(unknown)} are no inputs. Inputs are: {known}.")
        if missing := sorted({"artist", "title"} - set(columns)):
            raise PermanentError("invalid-option", f"Columns {', '.join(missing)} are missing.")
        n = len(columns["artist"])
        absent: dict[str, list[Any]] = {name: [[] if name in _LISTS else None] * n for name in INPUT_NAMES}
        return cls(**{name: _frozen(name, column) for name, column in (absent | dict(columns)).items()})


#: The names of the columns that may reach the network, in the order of `NetworkInputs.rows`.
INPUT_NAMES: tuple[str, ...] = tuple(column.name for column in fields(NetworkInputs))


def is_guarded(name: str) -> bool:
    """Whether a column of this name tells how successful a track is."""
    return name not in INPUT_NAMES and bool(_GUARDED.search(name))


def _frozen(name: str, column: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(items) for items in column) if name in _LISTS else tuple(column)
