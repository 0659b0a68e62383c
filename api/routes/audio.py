"""Listen to the audio of tracks, and read what was heard."""

from fastapi import APIRouter, Depends

from api.dependencies import AppSettings, DatabaseSession, TrackId
from api.openapi import problems
from api.schemas.audio import AnalyzeRequest, AudioStatus, TrackAudio
from api.schemas.jobs import Job
from api.security import require_key
from api.started_jobs import AnswerWithJob
from core.errors import PermanentError
from db.repositories.audio_reports import get_audio

router = APIRouter(prefix="/api", tags=["audio"])


@router.post(
    "/audio/analyze",
    status_code=202,
    summary="Listen to the audio of tracks",
    dependencies=[Depends(require_key)],
    responses={
        200: {"model": Job, "description": "A run over all tracks is live already; this is it."},
        **problems("unauthorized", "audio-disabled"),
    },
)
def analyze_audio(
    request: AnalyzeRequest,
    session: DatabaseSession,
    settings: AppSettings,
    answer: AnswerWithJob,
) -> Job:
    """Starts a job and returns it. Files that did not change are not listened to again."""
    from services.audio_analysis.jobs import require_audio, start_analysis
    from services.audio_analysis.work_plan import Mode

    require_audio(settings.audio)
    job_id, created = start_analysis(session, settings.audio, mode=Mode(request.mode), track_ids=request.track_ids)
    return answer(job_id, created)


@router.get("/audio/status", summary="How much audio is analyzed, and why the rest is not", responses=problems())
def audio_status(session: DatabaseSession) -> AudioStatus:
    """Counts over all tracks that have audio, and over the live work."""
    from services.audio_analysis.jobs import audio_status

    return AudioStatus(**audio_status(session))


@router.get(
    "/tracks/{track_id}/audio",
    summary="What was heard in the audio of a track",
    responses=problems("not-found", "audio-not-analyzed"),
)
def track_audio(track_id: TrackId, session: DatabaseSession) -> TrackAudio:
    """Its descriptors, or the error that stands for them."""
    audio = get_audio(session, track_id)
    if audio is None:
        raise PermanentError("not-found", f"There is no track {track_id}.")
    if audio["analysis"] is None:
        raise PermanentError("audio-not-analyzed", f"The audio of track {track_id} has not been analyzed.")
    return TrackAudio.of(audio)
