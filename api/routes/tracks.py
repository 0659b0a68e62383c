"""One track with its features."""

from fastapi import APIRouter

from api.dependencies import DatabaseSession, TrackId
from api.openapi import problems
from api.schemas.tracks import Track
from core.errors import PermanentError
from db.repositories.tracks import get_track

router = APIRouter(prefix="/api/tracks", tags=["tracks"])


@router.get("/{track_id}", summary="A track with its nine features", responses=problems("not-found"))
def show_track(track_id: TrackId, session: DatabaseSession) -> Track:
    """Each feature with its source, uncertainty, interval, confidence and model version."""
    track = get_track(session, track_id)
    if track is None:
        raise PermanentError("not-found", f"There is no track {track_id}.")
    return Track.of(track)
