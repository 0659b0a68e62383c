"""Audio features of tracks that need not be in the library, by the predictor of content."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.orm import Session

from core.settings import Settings
from core.tracks import TrackBatch
from models.predictors.protocol import FeaturePredictor, Prediction
from services.serving import ModelFolders, Serving, load_serving, serving_version

#: The predictor from texts and genres; its versions are trained and promoted like those of the others.
PREDICTOR = "m2"


@dataclass(frozen=True, slots=True)
class AudioPrediction:
    """What the version that serves expects of tracks."""

    version: str
    prediction: Prediction


def predict_audio(session: Session, settings: Settings, tracks: TrackBatch) -> AudioPrediction:
    """Predict the nine features of every track.

    Raises
    ------
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: the version that serves cannot be used.
    """
    serving = serving_version(session, PREDICTOR, ModelFolders.of(settings))
    # Predicting needs no connection.
    session.rollback()
    predictor = _predictor(serving)
    return AudioPrediction(predictor.version, predictor.predict(tracks))


@lru_cache(maxsize=2)
def _predictor(serving: Serving) -> FeaturePredictor:
    """The predictor of a version, loaded once per process. Two are kept: requests may overlap a promotion."""
    return load_serving(serving)
