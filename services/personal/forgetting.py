"""Forget a user: rows, models and their files, and every word of theirs in the ledger; with a receipt.

The steps may be interrupted and repeated. `stop_work` ends the user's jobs and takes their models out of service; then
their files go. `remove_everything` locks the user, so that whoever is writing about them has finished and nobody
begins, removes what came in between, and then the rows. A training that ends later finds neither its work item nor its
user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from core.errors import PermanentError, RetryableError
from core.settings import Settings
from core.user_models import ModelKind
from core.work import JobKind, WorkKind
from db.repositories import user_data
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.jobs import cancel_job
from integrations.model_storage import ModelStorage, StoredFolder
from services.enrich_jobs import start_enrich_all

# These jobs fill features of tracks, which other users may be waiting for.
_ENRICHING = (JobKind.IMPORT, JobKind.INIT_MODELS)

_TRACKS_STAY = "Tracks, with their features and audio, are the library's, also those that only this user imported."
_LEDGER_STAYS = "Jobs and work items stay as counts, times and error codes, without user, names and messages."
_RECEIPT_STAYS = "The job of the removal keeps the number of the user, for this receipt."

_COMMUNITY_STAYS = (
    "Trained on {trained_at:%Y-%m-%d} with the tracks of all users, perhaps theirs, without numbers of users. It is "
    "removed after the nightly training, which leaves them out; POST /api/m3/train without a user trains at once."
)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of the wish to forget a user."""

    job_id: int
    receipt: dict[str, Any] | None  #: As `remove_everything` returned it; None until the job is done.


def start_forgetting(session: Session, user_id: int) -> tuple[int, bool]:
    """Enqueue the removal of a user. Returns `(job_id, created)`; one that is live is returned instead.

    Raises
    ------
    PermanentError
        `not-found`: nothing is stored of such a user. `wrong-state`: a replayed removal of them is live.
    """
    if not user_data.is_known(session, user_id):
        raise PermanentError("not-found", f"There is no user {user_id}; nothing is stored of them.")
    # Without `user_id`, which would vanish with the user: the parameters keep whom the receipt is about.
    job_id, created = create_job(session, JobKind.FORGET_USER, params={"user_id": user_id}, unique_key=str(user_id))
    if not created:
        return job_id, False
    extra = {"job_id": job_id}
    if not enqueue_targets(session, job_id, WorkKind.FORGET_USER, [user_id], version="user", chunk_size=1, extra=extra):
        raise PermanentError("wrong-state", f"A replayed removal of user {user_id} is live; wait for it.")
    seal_job(session, job_id, {})
    return job_id, True


def read_deletion(session: Session, user_id: int) -> Deletion:
    """The newest removal of a user, with its receipt.

    Raises
    ------
    PermanentError
        `not-found`: nobody asked for one.
    """
    row = user_data.newest_deletion(session, user_id)
    if row is None:
        raise PermanentError("not-found", f"Nobody asked to remove user {user_id}.")
    return Deletion(row.job_id, row.result)


def stop_work(session: Session, user_id: int, job_id: int, settings: Settings) -> None:
    """Cancel the user's jobs, let none of their models serve, and lock the user; the caller commits.

    Raises
    ------
    NotNowError
        `user-busy`: somebody has been writing about the user for long.
    """
    user_data.lock_user(session, user_id)
    live = user_data.live_jobs(session, user_id)
    for job in live:
        cancel_job(session, job.id)
    if any(job.kind in _ENRICHING for job in live):
        start_enrich_all(session, predictor=settings.enrich.predictor, chunk_size=settings.enrich.chunk_size)
    user_data.note_cancelled(session, job_id, len(live))
    user_data.retire_models(session, user_id)


def user_folders(storage: ModelStorage, user_id: int) -> list[StoredFolder]:
    """Every folder of the user below the root of models, whether a row names it or not.

    Raises
    ------
    RetryableError
        `model-storage-unavailable`; so do the functions below that are given a storage.
    """
    # Listeners of the DJ may have the number 0, which the storage takes for no user.
    return [folder for kind in ModelKind for folder in storage.list(f"{kind}/{user_id}")] if user_id else []


def note_files(session: Session, job_id: int, folders: Sequence[StoredFolder]) -> None:
    """Note for the receipt what is about to be removed; the caller commits, then removes it."""
    user_data.note_files(session, job_id, sum(f.files for f in folders), sum(f.size_bytes for f in folders))


def remove_folders(storage: ModelStorage, folders: Sequence[StoredFolder]) -> None:
    """Remove folders of models."""
    storage.delete(*(folder.path for folder in folders))


def remove_everything(
    session: Session, user_id: int, job_id: int, storage: ModelStorage, settings: Settings
) -> dict[str, Any]:
    """Remove all that is left of a user and return the receipt, a JSON object. The caller commits, with the job's end.

    Raises
    ------
    RetryableError
        `user-data-left`: something is there after all. `user-busy` as `stop_work`.
    """
    stop_work(session, user_id, job_id, settings)
    remove_folders(storage, user_folders(storage, user_id))
    # First: with the user's row, jobs lose their number.
    scrubbed = user_data.scrub_jobs(session, user_id)
    rows = user_data.remove_rows(session, user_id)
    _check_nothing_left(session, user_id, storage)
    receipt = {
        "user_id": user_id,
        "removed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
        **user_data.read_notes(session, job_id),
        "scrubbed": scrubbed,
        "remains": _remains(session),
    }
    user_data.write_receipt(session, job_id, receipt)
    return receipt


def _check_nothing_left(session: Session, user_id: int, storage: ModelStorage) -> None:
    left = [f"{n:,} rows of {table}" for table, n in user_data.rows_left(session, user_id).items()]
    left += [f"the folder {folder.path}" for folder in user_folders(storage, user_id)]
    if left:
        raise RetryableError("user-data-left", f"Of user {user_id} there are still {', '.join(left)}.")


def _remains(session: Session) -> list[dict[str, str]]:
    """What is kept, and why."""
    kept = [("tracks", _TRACKS_STAY), ("ledger", _LEDGER_STAYS), ("receipt", _RECEIPT_STAYS)]
    kept += [
        (f"community model {version.version}", _COMMUNITY_STAYS.format(trained_at=version.trained_at))
        for version in user_data.community_versions(session)
    ]
    return [{"what": what, "why": why} for what, why in kept]
