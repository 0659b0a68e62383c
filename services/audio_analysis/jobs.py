"""Start jobs that listen to the audio of tracks, and tell how far that is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.audio import DESCRIPTORS_VERSION
from core.audio_settings import AudioSettings
from core.errors import ConfigurationError
from core.work import JobKind, WorkKind
from db.repositories import audio_reports
from db.repositories.enqueue import create_job, enqueue_targets, seal_job
from db.repositories.throughput import live_work
from services.audio_analysis.work_plan import Mode

# Of files that were analyzed, most are found unchanged, which takes a look at the file system: more go in one item.
_KNOWN_FILES = 4


def require_audio(audio: AudioSettings) -> None:
    """Raise `ConfigurationError` (`audio-disabled`) where no audio may be read; the message names the setting."""
    if not is_enabled(audio):
        raise ConfigurationError(
            "audio-disabled",
            "No folder is set that audio may be read from. Set MUSICSPACE_AUDIO__ROOTS to a JSON list of folders, "
            'for instance ["/music"], for every process: commands, the API and the worker.',
        )


def is_enabled(audio: AudioSettings) -> bool:
    """Whether any audio may be read."""
    return bool(audio.roots) or audio.urls_enabled


def start_analysis(
    session: Session,
    audio: AudioSettings,
    *,
    mode: Mode = Mode.CHANGED,
    track_ids: Sequence[int] | None = None,
    asked_by: int | None = None,
) -> tuple[int, bool]:
    """Enqueue the given tracks, or all, as far as they have audio. The worker finds out which files it knows.

    Returns `(job_id, created)`; a live run of the same mode over all tracks is returned instead of a second one.
    """
    params = {"mode": str(mode), "import": asked_by}
    job_id, created = create_job(
        session,
        JobKind.ANALYZE,
        params={key: value for key, value in params.items() if value is not None},
        unique_key=str(mode) if track_ids is None else None,
    )
    if not created:
        return job_id, False
    found = audio_reports.ids_with_audio(session, track_ids)
    unknown = set(audio_reports.ids_not_analyzed(session, DESCRIPTORS_VERSION, found)) if mode is not Mode.ALL else None
    to_hear = [track_id for track_id in found if unknown is None or track_id in unknown]
    known = [track_id for track_id in found if unknown is not None and track_id not in unknown]
    enqueued = _enqueue(session, job_id, mode, to_hear, audio.files_per_item)
    enqueued += _enqueue(session, job_id, mode, known, _KNOWN_FILES * audio.files_per_item)
    seal_job(session, job_id, {"with_audio": len(found), "enqueued": enqueued})
    return job_id, True


def analyze_imported(session: Session, audio: AudioSettings, track_ids: Sequence[int], import_job: int) -> int | None:
    """Start a job for those of an import's tracks whose audio has not been analyzed, if there are any and it may be."""
    if not is_enabled(audio):
        return None
    lacking = audio_reports.ids_not_analyzed(session, DESCRIPTORS_VERSION, track_ids)
    if not lacking:
        return None
    return start_analysis(session, audio, track_ids=lacking, asked_by=import_job)[0]


def audio_status(session: Session) -> dict[str, Any]:
    """Counts over all tracks with audio and over the live work.

    Keys: `tracks`, `analyzed`, `failed`, `lacking` (these three add up to the first), `failed_by_code`,
    `embedded_by_space`, `waiting` (tracks queued or running), `rate_per_s` (tracks lately ended each second, or None).
    """
    work = live_work(session, WorkKind.ANALYZE)
    return {
        **audio_reports.audio_totals(session, DESCRIPTORS_VERSION),
        "waiting": work.waiting,
        "rate_per_s": work.recent / work.window_s if work.recent else None,
    }


def _enqueue(session: Session, job_id: int, mode: Mode, track_ids: Sequence[int], chunk_size: int) -> int:
    return enqueue_targets(
        session,
        job_id,
        WorkKind.ANALYZE,
        track_ids,
        # Work of another mode is other work: a run over changed files must not swallow one over all.
        version=f"{DESCRIPTORS_VERSION} {mode}",
        chunk_size=chunk_size,
        extra={"mode": str(mode)},
    )
