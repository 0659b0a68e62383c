"""Remove models of users that nobody used for long, and put right what crashes left between files and rows.

`clean_up` goes in steps, and its caller commits after each. Files go only after the row is marked and that is
committed, the row goes last: wherever a run is killed, the next one finds what it left and finishes it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import TypeVar

from sqlalchemy.orm import Session

from core.errors import ConfigurationError, PermanentError
from core.user_models import UserModelState
from db.repositories import user_models as rows
from db.repositories.personalized_users import mark_outdated
from db.repositories.user_models import UserModelRow
from integrations.model_storage import ModelStorage, StoredFolder, VersionPath

#: Files are older than this before they count as left behind: a training may be about to record them.
LEFT_BEHIND_AFTER = timedelta(hours=1)
#: A century; the database counts no further than some thousand years.
MAX_UNUSED_DAYS = 36_500

T = TypeVar("T")

OnStep = Callable[[str, int, int | None], None]


class Found(StrEnum):
    """What a clean-up finds, in the order in which it looks."""

    DANGLING = "rows without files"
    ORPHAN = "files without row"
    UNFINISHED = "unfinished writes"
    MARKED = "marked before"  #: Replaced by newer versions, or left by a run that was killed.
    UNUSED = "unused"
    STRANGER = "strangers"  #: Not of ours; reported, never touched.


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was removed, or would be in a dry run."""

    what: Found
    path: str
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What to do with which storage."""

    storage: ModelStorage
    unused_days: int
    dry_run: bool = False
    allow_unrelated: bool = False  #: Go on where database and storage share no model.
    on_step: OnStep = lambda step, done, total: None

    def __post_init__(self) -> None:
        if not 1 <= self.unused_days <= MAX_UNUSED_DAYS:
            raise PermanentError(
                "invalid-option",
                f"Models must be unused for at least 1 day and at most {MAX_UNUSED_DAYS:,}, not {self.unused_days:,}.",
            )


def clean_up(session: Session, plan: CleanUp) -> Iterator[Finding | None]:
    """Go through all models; yields whenever the caller must commit before it goes on, with what is done by then.

    Two runs at once do no harm; what somebody else is changing is left to the next run. Interrupt it at any point.

    Raises
    ------
    RetryableError
        `model-storage-unavailable`: the storage does not answer. `database-unavailable`.
    ConfigurationError
        `invalid-settings`: database and storage share no model, so one of them is probably not the right one; nothing
        was removed.
    """
    folders = {folder.path: folder for folder in plan.storage.list()}
    # After the listing: of a version that is being stored, the files come first.
    known = rows.all_paths(session)
    _check_related(known, folders, plan)
    yield None
    whole = {path for path, folder in folders.items() if folder.whole}
    yield from _remove_dangling(session, plan, sorted(known.keys() - whole))
    yield from _remove_orphans(session, plan, [folder for path, folder in folders.items() if path not in known])
    yield from _discard_unfinished(plan)
    yield from _finish_deletions(session, plan)
    yield from _remove_unused(session, plan)
    for path in plan.storage.strangers():
        yield Finding(Found.STRANGER, path)


def _check_related(known: dict[str, UserModelState], folders: dict[str, StoredFolder], plan: CleanUp) -> None:
    """A wrong URL, or a drive that is not mounted, looks as if all files or all rows were gone."""
    if plan.allow_unrelated or known.keys() & folders.keys():
        return
    live = [path for path, state in known.items() if state is not UserModelState.DELETING]
    if live or any(map(_is_left_behind, folders.values())):
        raise ConfigurationError(
            "invalid-settings",
            f"{plan.storage.name} holds {len(folders):,} versions and the database knows {len(live):,}, but they have "
            "none in common. Check MUSICSPACE_PERSONAL__STORAGE_URL and MUSICSPACE_DATABASE_URL; nothing was removed. "
            "If both are right: `musicspace models cleanup --allow-unrelated`.",
        )


def _remove_dangling(session: Session, plan: CleanUp, suspects: list[str]) -> Iterator[Finding | None]:
    for done, path in enumerate(suspects, start=1):
        place = VersionPath.parse(path)
        if rows.try_lock(session, place.user_id, place.kind):
            row = rows.find_by_path(session, path)
            if row is not None and row.state is not UserModelState.DELETING and not plan.storage.holds(path):
                if not plan.dry_run:
                    _remove_lost(session, plan, row)
                yield Finding(Found.DANGLING, path, row.size_bytes)
        yield None
        plan.on_step("Looking for rows without files", done, len(suspects))


def _remove_lost(session: Session, plan: CleanUp, row: UserModelRow) -> None:
    """Remove a version whose files are gone; where it served, the one before does if its files are there."""
    plan.storage.delete(row.path)
    rows.remove(session, [row.id])
    previous = rows.find(session, row.user_id, row.kind, UserModelState.PREVIOUS)
    if row.state is UserModelState.SERVING and previous is not None and plan.storage.holds(previous.path):
        rows.set_state(session, previous.id, UserModelState.SERVING)
    if row.user_id is not None:
        mark_outdated(session, [row.user_id])


def _remove_orphans(session: Session, plan: CleanUp, suspects: list[StoredFolder]) -> Iterator[Finding | None]:
    old = [folder for folder in suspects if _is_left_behind(folder)]
    for done, folder in enumerate(old, start=1):
        # Whoever stores a version has the lock from before its files are written until its row is committed.
        if rows.try_lock(session, folder.user_id, folder.kind) and _is_orphan(session, plan, folder.path):
            if not plan.dry_run:
                plan.storage.delete(folder.path)
            yield Finding(Found.ORPHAN, folder.path, folder.size_bytes)
        yield None
        plan.on_step("Removing files without rows", done, len(old))


def _is_orphan(session: Session, plan: CleanUp, path: str) -> bool:
    """Whether there still are files, and still no row."""
    of_user = plan.storage.list(path.rpartition("/")[0])
    return rows.find_by_path(session, path) is None and any(folder.path == path for folder in of_user)


def _discard_unfinished(plan: CleanUp) -> Iterator[Finding]:
    for name in plan.storage.unfinished(datetime.now(UTC) - LEFT_BEHIND_AFTER):
        if not plan.dry_run:
            plan.storage.discard(name)
        yield Finding(Found.UNFINISHED, name)


def _finish_deletions(session: Session, plan: CleanUp) -> Iterator[Finding | None]:
    marked = rows.all_marked(session)
    done = 0
    for some in _batches(marked, plan.storage.at_once):
        yield from _remove_marked(session, plan, some, Found.MARKED)
        done += len(some)
        plan.on_step("Finishing deletions", done, len(marked))


def _remove_unused(session: Session, plan: CleanUp) -> Iterator[Finding | None]:
    unused = rows.unused(session, plan.unused_days)
    groups = [list(group) for _, group in groupby(unused, key=lambda row: (row.user_id, row.kind))]
    done = 0
    for some in _batches(groups, plan.storage.at_once):
        candidates = [row for group in some for row in group]
        marked = candidates if plan.dry_run else [row for group in some for row in _mark(session, plan, group[0])]
        # Ends the locks, and commits the marks before any file goes.
        yield None
        yield from _remove_marked(session, plan, marked, Found.UNUSED)
        done += len(candidates)
        plan.on_step("Removing unused models", done, len(unused))


def _mark(session: Session, plan: CleanUp, row: UserModelRow) -> list[UserModelRow]:
    """The versions of its user and kind, marked for deletion unless one was used meanwhile or somebody changes them."""
    if row.user_id is None or not rows.try_lock(session, row.user_id, row.kind):
        return []
    return rows.mark_unused(session, row.user_id, row.kind, plan.unused_days)


def _remove_marked(
    session: Session, plan: CleanUp, marked: Sequence[UserModelRow], what: Found
) -> Iterator[Finding | None]:
    gone = {row.id for row in marked}
    if not plan.dry_run:
        plan.storage.delete(*(row.path for row in marked))
        # Others may be at it, too; each tells what it removed.
        gone = rows.remove(session, [row.id for row in marked])
    for row in marked:
        if row.id in gone:
            yield Finding(what, row.path, row.size_bytes)
    # The moment to stop for a while: nothing is marked or half told.
    yield None


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _is_left_behind(folder: StoredFolder) -> bool:
    return folder.modified_at < datetime.now(UTC) - LEFT_BEHIND_AFTER
