"""Content, the part of M2 that needs no user: what resembles a track, and what metadata tells of its sound.

Both only read: like all reads they need no key.
"""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import AppSettings, DatabaseSession, TrackId
from api.openapi import problems
from api.schemas.content import PredictAudioAnswer, PredictAudioRequest, SimilarAnswer

MAX_SIMILAR = 100

router = APIRouter(prefix="/api/m2", tags=["personal"])


@router.get(
    "/similar/{track_id}",
    summary="Tracks that resemble a track",
    responses=problems("not-found", "recommendations-busy"),
)
def show_similar(
    track_id: TrackId,
    session: DatabaseSession,
    settings: AppSettings,
    limit: Annotated[int, Query(ge=1, le=MAX_SIMILAR, description="Most tracks to return.", examples=[20])] = 20,
) -> SimilarAnswer:
    """By artists, words of titles, albums and genres; exact over the whole library. Reads only."""
    from services.personal.similar import similar_tracks

    return SimilarAnswer.of(similar_tracks(session, settings, track_id, limit))


@router.post(
    "/predict-audio",
    summary="Predict audio features from metadata",
    responses=problems("artifact-missing", "artifact-corrupt"),
)
def predict(request: PredictAudioRequest, session: DatabaseSession, settings: AppSettings) -> PredictAudioAnswer:
    """The nine features of up to 500 tracks, which need not be in the library, with 80 % intervals. Stores nothing."""
    from services.personal.audio_prediction import PREDICTOR, predict_audio

    return PredictAudioAnswer.of(request, PREDICTOR, predict_audio(session, settings, request.batch()))
