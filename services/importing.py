"""Import a playlist: tracks, playlist, measured values and the enrichment of what is missing, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from sqlalchemy.orm import Session

from core.audio_settings import AudioSettings
from core.errors import PermanentError
from core.sources import Source
from core.work import JobKind, WorkKind
from db.repositories.audio_reports import staged_with_audio
from db.repositories.enqueue import create_job, enqueue_step, enqueue_targets, jobs_working_on, seal_job
from db.repositories.personalized_users import mark_outdated
from db.repositories.playlist_import import ImportedRow, add_to_playlist, match_and_insert, stage_rows
from db.repositories.tracks import ids_lacking_features
from services.audio_analysis.jobs import analyze_imported
from services.enrichment import measured_estimates, store_estimates
from services.playlists.reader import MAX_NAME_LENGTH, PlaylistFile
from services.playlists.rows import ImportRow
from services.routing import Preference


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What one import did; the job keeps it as its summary."""

    job_id: int
    playlist_id: int
    playlist: str
    rows: int  #: rows seen in the file
    rejected: int  #: rows left out, duplicates included
    rejects: dict[str, int] = field(default_factory=dict)  #: by reason
    new_tracks: int = 0
    known_tracks: int = 0
    added_to_playlist: int = 0
    measured: int = 0  #: tracks that came with measured values
    enqueued: int = 0  #: tracks handed to enrichment
    in_progress: int = 0  #: tracks other jobs enrich at this moment
    shared_jobs: list[int] = field(default_factory=list)  #: those jobs
    analyze_job: int | None = None  #: the job that listens to the audio of the tracks, if there is any to listen to


def import_playlist(
    session: Session,
    playlist: PlaylistFile,
    *,
    user_id: int,
    name: str,
    predictor: str,
    chunk_size: int,
    look_up: bool = False,
    audio: AudioSettings | None = None,
) -> ImportSummary:
    """Import parsed rows for a user and enqueue the enrichment of tracks without features. The caller commits.

    With `look_up`, a last step of the job has a worker, which knows the providers, choose tracks to ask about; that is
    a job of its own. With `audio`, another job listens to the audio of the tracks that name a file.

    Importing the same rows again matches the same tracks and adds nothing.

    Raises
    ------
    PermanentError
        `invalid-option`: the name of the playlist is empty or too long.
    """
    if not 0 < len(name.strip()) <= MAX_NAME_LENGTH:
        raise PermanentError("invalid-option", f"The name of a playlist has 1 to {MAX_NAME_LENGTH} characters.")
    stage_rows(session, (_staged(number, row) for number, row in enumerate(playlist.rows, start=1)))
    imported = match_and_insert(session)
    playlist_id, added = add_to_playlist(session, user_id, name)
    measured = _store_measured(session, playlist.rows, imported, predictor)
    job_id, _ = create_job(session, JobKind.IMPORT, user_id=user_id, params={"playlist": name, "predictor": predictor})
    lacking = ids_lacking_features(session, [row.track_id for row in imported])
    enqueued = enqueue_targets(session, job_id, WorkKind.ENRICH, lacking, version=predictor, chunk_size=chunk_size)
    if look_up and enqueued:
        enqueue_step(session, job_id, WorkKind.PLAN_LOOK_UPS, version="import", stage=1)
    created = sum(row.created for row in imported)
    summary = ImportSummary(
        job_id=job_id,
        playlist_id=playlist_id,
        playlist=name,
        rows=playlist.n_rows,
        rejected=len(playlist.rejects),
        rejects=dict(Counter(reject.reason for reject in playlist.rejects)),
        new_tracks=created,
        known_tracks=len(imported) - created,
        added_to_playlist=added,
        measured=measured,
        enqueued=enqueued,
        in_progress=len(lacking) - enqueued,
        shared_jobs=jobs_working_on(session, WorkKind.ENRICH, lacking, except_job=job_id),
        analyze_job=None if audio is None else analyze_imported(session, audio, staged_with_audio(session), job_id),
    )
    if added:
        mark_outdated(session, [user_id])
    seal_job(session, job_id, asdict(summary))
    return summary


def _store_measured(
    session: Session, rows: Sequence[ImportRow], imported: Sequence[ImportedRow], predictor: str
) -> int:
    """Keep feature columns of the file as measured values; the last row wins where two name the same track."""
    by_track = {place.track_id: row.features for row, place in zip(rows, imported, strict=True) if row.features}
    if not by_track:
        return 0
    track_ids = np.array(sorted(by_track), dtype=np.int64)
    estimates = measured_estimates([by_track[track_id] for track_id in track_ids.tolist()])
    return store_estimates(session, Source.IMPORT, None, track_ids, estimates, preference=Preference(predictor))


def _staged(number: int, row: ImportRow) -> tuple[object, ...]:
    """The row in the column order of the staging table."""
    return (
        number,
        row.spotify_id,
        row.isrc,
        row.key,
        row.artist,
        row.title,
        row.album,
        list(row.genres),
        row.duration_ms,
        row.release_year,
        row.explicit,
        row.popularity,
        list(row.moods),
        row.track_number,
        row.album_total_tracks,
        row.audio_uri,
    )
