"""Load a file of known recordings into the reference table, in one transaction of the caller's."""

import os
import signal
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
from sqlalchemy.orm import Session

from core.errors import PermanentError
from db.repositories import reference_load
from models.matching.forms import searched_forms
from services.reference.reading import BrokenLines, ReferenceFile, open_reference, read_batches
from services.reference.staging import StagedBatch, stage_batch
from services.report_files import OnStep

#: From this size on two processes compute the keys.
PARALLEL_BYTES = 8_000_000
N_PROCESSES = 2
# Batches that are computed or wait to be copied: enough to keep both busy, few enough to stay small.
_AHEAD = 6


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What a load did."""

    file: str
    dataset: str
    rows: int  #: Rows of the file.
    inserted: int
    updated: int
    unchanged: int
    left_out: dict[str, int]  #: Rows that were not used, by reason.
    first_left_out: dict[str, int]  #: The first such row of the file by reason, where it is known; the first row is 1.
    revision: int


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    first_left_out: dict[str, int] = field(default_factory=dict)


def load_reference(session: Session, path: Path, dataset: str | None, on_step: OnStep) -> LoadSummary:
    """Read, check and merge a file; loading it again changes nothing. Nothing is kept unless the caller commits.

    Parameters
    ----------
    dataset : name under which its rows are listed; by default the file's name without its ending

    Raises
    ------
    PermanentError
        `file-not-found`, `file-empty`, `invalid-option` for a file that is no such table, `no-usable-rows`.
    """
    file = open_reference(path)
    name = dataset or path.stem
    tally = _Tally()
    reference_load.stage_references(session, _staged(file, tally, on_step))
    if tally.rows == sum(tally.left_out.values()):
        raise _nothing_usable(path, tally)
    on_step("Merging", 0, None)
    counts = reference_load.merge_references(session, name)
    on_step("Indexing artists", 0, None)
    keys = reference_load.staged_artists_without_forms(session)
    reference_load.add_artist_forms(session, ((key, form) for key in keys for form in searched_forms(key)))
    left_out = dict(tally.left_out) | ({"repeated": counts.repeated} if counts.repeated else {})
    revision = reference_load.record_load(session, path.name, name, counts, left_out)
    reference_load.refresh_statistics(session)
    return LoadSummary(
        path.name,
        name,
        tally.rows,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        left_out,
        tally.first_left_out,
        revision,
    )


def reference_status(session: Session, n_loads: int = 5) -> dict[str, Any]:
    """The data sets in the reference table, and the last loads."""
    datasets = [dict(row) for row in reference_load.dataset_totals(session)]
    return {
        "rows": sum(row["rows"] for row in datasets),
        "datasets": datasets,
        "loads": reference_load.recent_loads(session, n_loads),
    }


def _staged(file: ReferenceFile, tally: _Tally, on_step: OnStep) -> Iterator[bytes]:
    """CSV to copy, batch after batch; counts what goes by."""
    broken = BrokenLines()
    total = file.n_rows
    on_step("Reading", 0, total)
    with ExitStack() as stack:
        pool = stack.enter_context(_processes()) if file.size_bytes >= PARALLEL_BYTES else None
        for staged in _computed(file, broken, pool):
            tally.rows += staged.n_rows
            tally.left_out.update(staged.left_out)
            tally.first_left_out = staged.first_left_out | tally.first_left_out
            yield staged.csv
            on_step("Reading", tally.rows, total)
    tally.rows += broken.count
    if broken.count:
        tally.left_out["wrong-number-of-cells"] += broken.count


def _computed(file: ReferenceFile, broken: BrokenLines, pool: ProcessPoolExecutor | None) -> Iterator[StagedBatch]:
    waiting: deque[Future[StagedBatch]] = deque()
    first_row = 1
    for batch in read_batches(file, broken):
        arguments = _packed(batch), first_row
        first_row += batch.num_rows
        if pool is None:
            yield stage_batch(*arguments)
            continue
        waiting.append(pool.submit(stage_batch, *arguments))
        if len(waiting) >= _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _processes() -> ProcessPoolExecutor:
    # Forked children would hold this process' connections.
    return ProcessPoolExecutor(N_PROCESSES, mp_context=get_context("spawn"), initializer=_follow_parent)


def _follow_parent() -> None:
    """In a child: leave interrupts to the parent, and end when it does, however it was ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _packed(batch: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def _nothing_usable(path: Path, tally: _Tally) -> PermanentError:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in tally.left_out.items()) or "there are none"
    return PermanentError("no-usable-rows", f"{path} has no usable row ({reasons}); nothing was loaded.")
