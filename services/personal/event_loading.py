"""Load a file of events in batches, each of them committed by itself: whatever is interrupted goes on by running again.

An event counts once, by its user and id, so batches that are stored already change nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.orm import Session

from services.personal.event_files import EventFile, EventLine, read_events
from services.personal.interactions import NamedEvent, check, record
from services.playlists.rejects import Reject, preview
from services.report_files import OnStep

#: Events of a batch.
BATCH = 10_000


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """What became of some lines."""

    lines: int
    accepted: int
    duplicates: int
    rejects: list[Reject]


@dataclass(slots=True)
class LoadReport:
    """What became of all lines so far; those that are blank do not count."""

    file: str
    dry_run: bool
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejects: dict[str, int] = field(default_factory=dict)  #: By reason.

    def add(self, batch: LoadedBatch) -> None:
        """Count what `load_events` gave."""
        self.lines += batch.lines
        self.accepted += batch.accepted
        self.duplicates += batch.duplicates
        self.rejected += len(batch.rejects)
        for reason, n in Counter(reject.reason for reject in batch.rejects).items():
            self.rejects[reason] = self.rejects.get(reason, 0) + n


def load_events(session: Session, file: EventFile, on_step: OnStep, *, dry_run: bool = False) -> Iterator[LoadedBatch]:
    """Store the events of a file; yields after each batch, which the caller commits.

    In a dry run nothing is stored; an event that is in two batches of the file then counts as accepted twice.

    Raises
    ------
    PermanentError
        `file-not-found`: the file cannot be read any further.
    """
    lines = read_events(file)
    while batch := list(islice(lines, BATCH)):
        yield _load(session, batch, dry_run=dry_run)
        on_step("Loading (kB)", batch[-1].end // 1000, file.size_bytes // 1000)


def _load(session: Session, batch: list[EventLine], *, dry_run: bool) -> LoadedBatch:
    rejects = [line.event for line in batch if isinstance(line.event, Reject)]
    named = [(line, line.event) for line in batch if isinstance(line.event, NamedEvent)]
    events = [event for _, event in named]
    recorded = check(session, events) if dry_run else record(session, events, BATCH)
    for rejected in recorded.rejected:
        line, _ = named[rejected.index]
        rejects.append(Reject(line.line, rejected.reason, rejected.detail, preview(line.text)))
    rejects.sort(key=lambda reject: reject.line)
    return LoadedBatch(len(batch), recorded.accepted, recorded.duplicates, rejects)
