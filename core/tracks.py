"""Track metadata as columns: what predictors read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

_LISTS = frozenset({"genres", "moods"})


@dataclass(slots=True)
class TrackBatch:
    """Metadata of n tracks, one list of length n per column. `None`, or an empty list, means unknown.

    `track_id` identifies a row to the caller and is never an input of a model. Columns that are left out are unknown
    for every track.
    """

    track_id: list[str] = field(default_factory=list)
    artist: list[str] = field(default_factory=list)  #: All credited artists, joined with ";".
    title: list[str] = field(default_factory=list)
    album: list[str | None] = field(default_factory=list)
    genres: list[list[str]] = field(default_factory=list)
    duration_ms: list[int | None] = field(default_factory=list)
    release_year: list[int | None] = field(default_factory=list)
    explicit: list[bool | None] = field(default_factory=list)
    popularity: list[int | None] = field(default_factory=list)  #: 0..100
    decade: list[int | None] = field(default_factory=list)  #: First year, e.g. 1990; known where only that is known.
    moods: list[list[str]] = field(default_factory=list)  #: Mood words or tags.
    track_number: list[int | None] = field(default_factory=list)  #: Position on the album, from 1.
    album_total_tracks: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, column in self._columns():
            if not column and self.track_id:
                setattr(self, name, [[] if name in _LISTS else None for _ in self.track_id])

    def __len__(self) -> int:
        return len(self.track_id)

    def take(self, rows: Sequence[int]) -> "TrackBatch":
        """The given rows, in the given order."""
        return TrackBatch(**{name: [column[row] for row in rows] for name, column in self._columns()})

    def chunks(self, size: int) -> Iterator["TrackBatch"]:
        """Consecutive slices of at most `size` tracks."""
        for start in range(0, len(self), size):
            yield TrackBatch(**{name: column[start : start + size] for name, column in self._columns()})

    def _columns(self) -> Iterator[tuple[str, list]]:  # type: ignore[type-arg]
        for column in fields(self):
            yield column.name, getattr(self, column.name)
