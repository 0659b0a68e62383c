"""The DJ over all analyzed tracks: what to play next, whole sets, feedback.

Recommending and planning only read: like all reads they need no key.
"""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.dj import (
    DjSet,
    DjSuggestion,
    Feedback,
    FeedbackStored,
    Recommendations,
    RecommendRequest,
    SessionRequest,
    SetTrack,
)
from api.security import require_key
from services.dj.library_cache import LibraryCache

if TYPE_CHECKING:
    from core.audio_settings import DjSettings
    from core.settings import Settings

router = APIRouter(prefix="/api/dj", tags=["dj"])


async def _cache(request: Request) -> LibraryCache:
    cache: LibraryCache = request.app.state.dj_library
    return cache


Cache = Annotated[LibraryCache, Depends(_cache)]


@router.post("/recommend", summary="What to play next", responses=problems("not-found", "audio-not-analyzed"))
def recommend(
    request: RecommendRequest, session: DatabaseSession, settings: AppSettings, cache: Cache
) -> Recommendations:
    """The best tracks to follow the one that plays, with every term of the score. Reads only."""
    from models.dj.goals import Goal
    from services.dj import database_sets

    found = cache.get(settings.required_database_url)
    chosen = _dj_settings(
        settings, candidates=request.candidate_k, bpm_tolerance=request.bpm_tolerance, simulate=request.simulate
    )
    suggestions = database_sets.recommend(
        session,
        found,
        request.current_track_id,
        Goal(request.goal),
        chosen,
        request.top_k,
        request.history,
        request.playlist_id,
    )
    return Recommendations(
        space=found.state.space,
        tracks=len(found.library),
        suggestions=[DjSuggestion.named(each) for each in suggestions],
    )


@router.post("/session", summary="Plan a whole set", responses=problems("not-found", "audio-not-analyzed"))
def plan_session(request: SessionRequest, session: DatabaseSession, settings: AppSettings, cache: Cache) -> DjSet:
    """Tracks in their order, when each comes in, and how the energy moves. Reads only."""
    from models.dj.arcs import Arc
    from services.dj import database_sets

    steps = database_sets.plan_set(
        session,
        cache.get(settings.required_database_url),
        request.minutes,
        Arc(request.arc),
        _dj_settings(settings, bpm_tolerance=request.bpm_tolerance),
        request.start_track_id,
        request.playlist_id,
        request.seed,
    )
    seconds = max((each.step.starts_s + each.step.plays_s for each in steps), default=0.0)
    return DjSet(arc=request.arc, seconds=seconds, tracks=[SetTrack.named(each) for each in steps])


@router.post(
    "/feedback",
    summary="Tell what listeners made of transitions",
    dependencies=[Depends(require_key)],
    responses=problems("unauthorized"),
)
def give_feedback(feedback: Feedback, session: DatabaseSession) -> FeedbackStored:
    """Stores each event once. `musicspace dj feedback train` learns weights from them."""
    from services.dj.feedback import record

    recorded = record(session, [event.model_dump(mode="json") for event in feedback.events])
    session.commit()
    return FeedbackStored(stored=recorded.stored, known=recorded.known, unknown_tracks=recorded.unknown_tracks)


def _dj_settings(settings: "Settings", **asked: float | None) -> "DjSettings":
    """The settings, with what a request asks for in their place."""
    return settings.dj.model_copy(update={name: value for name, value in asked.items() if value is not None})
