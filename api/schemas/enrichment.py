"""The state of enrichment as a whole."""

from pydantic import BaseModel, ConfigDict, Field


class EnrichStatus(BaseModel):
    """Counts over all tracks and over the live work."""

    tracks: int
    complete: int = Field(description="Tracks with all nine features.")
    lacking: int = Field(description="Tracks that lack a feature.")
    estimates_by_source: dict[str, int] = Field(description="Tracks each source knows something about.")
    waiting: int = Field(description="Tracks queued or in the hands of a worker.")
    failed: int = Field(description="Tracks of failed or quarantined work items.")
    rate_per_s: float | None = Field(description="Tracks a second over the last 15 s.")
    eta_s: float | None = Field(description="Seconds until nothing waits any more, at this rate.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tracks": 5000,
                    "complete": 4000,
                    "lacking": 1000,
                    "estimates_by_source": {"import": 120, "blend": 3900},
                    "waiting": 1000,
                    "failed": 0,
                    "rate_per_s": 2500.0,
                    "eta_s": 0.4,
                }
            ]
        }
    )
