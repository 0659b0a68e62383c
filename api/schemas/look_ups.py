"""Look-ups at providers."""

from pydantic import BaseModel, ConfigDict, Field


class LookUpRequest(BaseModel):
    """How much to spend."""

    budget_usd: float | None = Field(
        None, ge=0, le=1_000_000, description="Most US dollars that this may cost; the day's budget holds in any case."
    )

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"budget_usd": 5.0}]})


class NothingToAsk(BaseModel):
    """No job was started."""

    enqueued: int = Field(0, description="Tracks that providers are asked about.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"enqueued": 0}]})
