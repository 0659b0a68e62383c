"""Settings of personal models: training, recommending, storage and clean-up."""

from pydantic import BaseModel, Field, SecretStr


class PersonalSettings(BaseModel):
    """Models of single users."""

    storage_url: str | None = Field(
        None,
        description="Where models of users are kept: a folder, or a URL that fsspec knows, e.g. s3://bucket/models "
        "(install the extra `s3`). Unset: `personal` in the folder of trained versions.",
    )
    storage_options: dict[str, SecretStr] = Field(
        {}, description='Options of that storage as JSON, e.g. {"endpoint_url": "http://minio:9000"}.'
    )
    concurrency: int = Field(1, ge=1, description="Processes of the worker that trains models of users.")
    debounce_seconds: float = Field(
        600.0, ge=0, description="How long a user must be quiet after a change before their models are trained anew."
    )
    max_outdated_seconds: float = Field(
        3600.0, ge=0, description="Models are trained anew this long after the first change, quiet or not."
    )
    enrichment_patience_seconds: float = Field(
        900.0, ge=0, description="How long a training waits for tracks of the user that other jobs enrich."
    )
    gate_tolerance: float = Field(
        0.02, ge=0, description="How much lower the AUC of a new version may be than that of the one that serves."
    )
    unused_days: int = Field(
        90, ge=1, le=36_500, description="Models nobody used for this many days are removed at night."
    )
    community_min_users: int = Field(
        20, ge=2, description="Fewest users with enough history for a model of what users have in common."
    )
    community_max_users: int = Field(
        4000, ge=2, description="Most users whose histories that model learns from; the most active ones count."
    )
    catalog_refresh_seconds: float = Field(
        30.0, gt=0, description="How often a process looks whether the library has changed."
    )
    loaded_models: int = Field(300, ge=1, description="Most models of users that a process keeps in memory.")
    loaded_megabytes: int = Field(300, ge=1, description="How much memory those models may take in all, about.")


class RecommendSettings(BaseModel):
    """Recommendations."""

    candidates: int = Field(300, ge=10, le=5000, description="Items that each model proposes for one answer.")
    diversity: float = Field(
        0.2, ge=0, le=1, description="0 takes the best scores; 1 takes the most different items (MMR)."
    )
    max_limit: int = Field(200, ge=1, description="Most items in one answer.")
    max_events: int = Field(10_000, ge=1, description="Most interactions in one request.")
