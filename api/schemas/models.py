"""Predictors, their versions, and what is asked of them."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.model_states import ModelState

if TYPE_CHECKING:
    from db.repositories.model_versions import VersionRow
    from services.model_versions import ModelOverview

VERSION_EXAMPLE: dict[str, Any] = {
    "version": "1.2-5d0c1f7a",
    "state": "promoted",
    "reason": "Error 0.1101, that of 1.2-08aa48b5 is 0.1123.",
    "baseline": "1.2-08aa48b5",
    "metrics": {"error": 0.1101, "baseline_error": 0.1123, "scores": []},
    "job_id": 42,
    "trained_at": "2026-05-04T09:30:00Z",
    "promoted_at": "2026-05-04T09:30:00Z",
}
MODEL_EXAMPLE: dict[str, Any] = {
    "name": "m1",
    "serving": "1.2-5d0c1f7a",
    "shipped": "1.2-08aa48b5",
    "versions": [VERSION_EXAMPLE],
    "promotions": [
        {
            "version": "1.2-5d0c1f7a",
            "reason": "Error 0.1101, that of 1.2-08aa48b5 is 0.1123.",
            "promoted_at": "2026-05-04T09:30:00Z",
            "rolled_back_at": None,
            "rollback_reason": None,
        }
    ],
}


def _storable(text: str) -> str:
    """Postgres takes neither of the two."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("NUL and lone surrogates are not allowed")
    return text


ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_storable),
]


class TrainRequest(BaseModel):
    """What to learn from."""

    data: ShortText = Field(
        "tracks.parquet", description="A reference table, as a path within the folder MUSICSPACE_SHARED_DATA_DIR."
    )

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"data": "tracks.parquet"}]})


class PromoteRequest(BaseModel):
    """Which version should serve."""

    version: ShortText
    reason: ShortText | None = Field(None, description="Why; it is kept with the version.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"version": "1.2-5d0c1f7a", "reason": "Better on our own data"}]},
    )


class RollbackRequest(BaseModel):
    """Why the version that serves should not."""

    reason: ShortText | None = None

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Tempo is off for jazz"}]})


class ModelVersion(BaseModel):
    """A version that was trained here."""

    version: str
    state: ModelState
    reason: str = Field(description="Why it is in this state.")
    baseline: str | None = Field(description="The version it was compared with; null where nothing served.")
    metrics: dict[str, Any] = Field(description="`error` decides: MNE of eight features over the holdouts.")
    job_id: int | None = Field(description="The job that trained it; null for one trained by a command.")
    trained_at: datetime
    promoted_at: datetime | None = Field(description="When it was last promoted.")

    model_config = ConfigDict(json_schema_extra={"examples": [VERSION_EXAMPLE]})

    @classmethod
    def of(cls, row: "VersionRow") -> Self:
        """The version as it is recorded."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class ModelPromotion(BaseModel):
    """One time that a version began to serve."""

    version: str
    reason: str
    promoted_at: datetime
    rolled_back_at: datetime | None
    rollback_reason: str | None


class Model(BaseModel):
    """A predictor with its versions."""

    name: str
    serving: str | None = Field(description="The version that enrichment uses.")
    shipped: str | None = Field(description="The version that ships with MusicSpace; serves where none is promoted.")
    versions: list[ModelVersion] = Field(description="Trained here, the newest first.")
    promotions: list[ModelPromotion] = Field(description="Which versions served, the oldest first.")

    model_config = ConfigDict(json_schema_extra={"examples": [MODEL_EXAMPLE]})

    @classmethod
    def of(cls, overview: "ModelOverview") -> Self:
        """The predictor as the service tells it."""
        return cls(
            name=overview.name,
            serving=overview.serving,
            shipped=overview.shipped,
            versions=[ModelVersion.of(row) for row in overview.versions],
            promotions=[ModelPromotion(**asdict(promotion)) for promotion in overview.promotions],
        )


class ModelList(BaseModel):
    """Every predictor."""

    models: list[Model]

    model_config = ConfigDict(json_schema_extra={"examples": [{"models": [MODEL_EXAMPLE]}]})
