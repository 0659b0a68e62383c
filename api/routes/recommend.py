"""What a user may like: of all models together, or of one.

Asking only reads, but for the note that a model was used: like all reads it needs no key.
"""

from typing import TYPE_CHECKING

from fastapi import APIRouter

from api.dependencies import AppSettings, DatabaseSession
from api.openapi import problems
from api.schemas.recommend import PersonalRecommendations, PersonalRequest
from core.metrics import observe_recommendation
from core.user_models import ModelKind

if TYPE_CHECKING:
    from core.settings import Settings
    from db.session import Session

router = APIRouter(prefix="/api", tags=["personal"])

_PROBLEMS = problems("not-found", "recommendations-busy")


@router.post("/recommend", summary="What a user may like", responses=_PROBLEMS)
def recommend(request: PersonalRequest, session: DatabaseSession, settings: AppSettings) -> PersonalRecommendations:
    """One ranking out of all models, by weights learned on what users kept for themselves.

    Nothing that the user has in a playlist or dislikes. A model that is not trained yet is left out or stood in for,
    and the answer says so.
    """
    return _answer(session, settings, request, tuple(ModelKind))


@router.post("/m1/recommend", summary="What a user may like, by audio taste", responses=_PROBLEMS)
def recommend_by_audio(
    request: PersonalRequest, session: DatabaseSession, settings: AppSettings
) -> PersonalRecommendations:
    """By the audio features of the user's tracks alone; without a model, by the mean profile of the library."""
    return _answer(session, settings, request, (ModelKind.M1,))


@router.post("/m2/recommend", summary="What a user may like, by content", responses=_PROBLEMS)
def recommend_by_content(
    request: PersonalRequest, session: DatabaseSession, settings: AppSettings
) -> PersonalRecommendations:
    """By artists, titles, albums and genres alone; without a model there are no items."""
    return _answer(session, settings, request, (ModelKind.M2,))


@router.post("/m3/recommend", summary="What a user may like, by behavior", responses=_PROBLEMS)
def recommend_by_behavior(
    request: PersonalRequest, session: DatabaseSession, settings: AppSettings
) -> PersonalRecommendations:
    """By plays, likes and skips; without a model, by what users have in common or by what is popular."""
    return _answer(session, settings, request, (ModelKind.M3,))


def _answer(
    session: "Session", settings: "Settings", request: PersonalRequest, kinds: tuple[ModelKind, ...]
) -> PersonalRecommendations:
    from services.personal.recommending import recommend

    with observe_recommendation(kinds[0] if len(kinds) == 1 else "merged"):
        answer = recommend(session, settings, request.user_id, request.wish(), kinds)
        session.commit()
        return PersonalRecommendations.of(answer)
