"""Settings of trainings and of single predictors."""

from typing import Literal

from pydantic import BaseModel, Field


class TrainSettings(BaseModel):
    """Training of the predictors that serve everybody."""

    time_limit_seconds: int = Field(3600, ge=1, description="A training task that runs longer is killed.")
    promotion_tolerance: float = Field(
        0.0,
        ge=0,
        description="How much larger the error (MNE) of a new version may be than that of the one that serves.",
    )


class NeuralSettings(BaseModel):
    """The predictor `neural`."""

    variant: Literal["full", "int8"] | None = Field(
        None, description="Which of the two networks of its artifact to run. Unset: the one its card recommends."
    )
    sentence_encoder: str | None = Field(
        None,
        description="A sentence-transformers model that reads artist and title in trainings, frozen. Unset: a table of "
        "names, words and n-grams that is trained along.",
    )
