"""Import a playlist."""

from dataclasses import asdict
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from api.dependencies import AppSettings
from api.openapi import problem_content, problems, ref
from api.problems import MAX_REJECTS
from api.schemas.imports import TRACK_LIST_EXAMPLE, FileForm, ImportAccepted, RejectedRow, TrackList
from api.schemas.links import JobLinks
from api.security import require_key
from api.uploads import FORM, JSON, FileUpload, JsonUpload, receive
from core.settings import Settings
from db.engine import open_session
from tasks.publishing import ring

router = APIRouter(prefix="/api", tags=["playlists"])

_FORM_EXAMPLE = {
    "file": "Track Name,Artist Name(s)\nFeeling Good,Nina Simone\n밤편지,아이유\n",
    "user_id": 1,
    "name": "Morning",
}
# The endpoint reads the body itself, because FastAPI knows no body of either of two types.
_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        FORM: {"schema": ref(FileForm), "examples": {"file": {"value": _FORM_EXAMPLE}}},
        JSON: {"schema": ref(TrackList), "examples": {"tracks": {"value": TRACK_LIST_EXAMPLE}}},
    },
}


@router.post(
    "/playlists/import",
    status_code=202,
    summary="Import a playlist from a file or as JSON",
    dependencies=[Depends(require_key)],
    openapi_extra={"requestBody": _REQUEST_BODY},
    responses={
        **problems("unauthorized", "file-empty", "file-not-a-playlist", "file-too-large", "no-usable-rows"),
        415: problem_content(["invalid-request"], status=415),
    },
)
async def import_playlist(
    request: Request, response: Response, background: BackgroundTasks, settings: AppSettings
) -> ImportAccepted:
    """Stores the tracks at once and enqueues the enrichment of those without features.

    Bad rows are left out and reported. An unusable file changes nothing, and importing the same playlist again adds
    nothing.
    """
    upload = await receive(request)
    # Imports wait for one another in the database; in threads of their own they do not keep reads waiting, too.
    accepted = await to_thread.run_sync(_import, upload, settings, limiter=request.app.state.import_limiter)
    background.add_task(ring, settings)
    response.headers["Location"] = accepted.links.job
    return accepted


def _import(upload: FileUpload | JsonUpload, settings: Settings) -> ImportAccepted:
    from services import importing

    submission = upload.parse(settings.imports)
    with open_session(settings.required_database_url) as session:
        summary = importing.import_playlist(
            session,
            submission.playlist,
            user_id=submission.user_id,
            name=submission.name,
            predictor=settings.enrich.predictor,
            chunk_size=settings.enrich.chunk_size,
            look_up=True,
            audio=settings.audio,
        )
        session.commit()
    return ImportAccepted(
        **asdict(summary),
        rejected_rows=[RejectedRow.of(reject) for reject in submission.playlist.rejects[:MAX_REJECTS]],
        links=JobLinks.of(summary.job_id),
    )
