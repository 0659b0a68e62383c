"""Settings of everything that asks beyond this installation, and of what is made of the answers."""

from pydantic import BaseModel, Field, SecretStr


class ReccoBeatsSettings(BaseModel):
    """The provider ReccoBeats: audio features by Spotify id, without a key."""

    enabled: bool = Field(
        False, description="Whether ReccoBeats is asked. It learns the Spotify ids of tracks, hence off by default."
    )
    base_url: str = Field("https://api.reccobeats.com", description="Where the API answers.")
    batch_size: int = Field(40, ge=1, le=40, description="Spotify ids in one request.")
    timeout_seconds: float = Field(20.0, gt=0, description="Longest time one request may take, from start to end.")
    calls_per_minute: int = Field(60, ge=1, description="Most requests in any minute, of all workers together.")
    calls_per_day: int | None = Field(None, ge=1, description="Most requests in a day. Unset: no limit.")


class GeminiSettings(BaseModel):
    """The provider Gemini with Google Search: needs a key, costs money."""

    api_key: SecretStr | None = Field(
        None, description="Key of the Gemini API; GOOGLE_API_KEY is read where this is unset. Unset both: not asked."
    )
    base_url: str | None = Field(None, description="Where the API answers. Unset: Google's.")
    model: str = Field("gemini-2.5-flash", description="Name of the model.")
    tracks_per_prompt: int = Field(5, ge=1, le=20, description="Tracks that one call asks about.")
    timeout_seconds: float = Field(90.0, gt=0, description="Longest time one call may take.")
    calls_per_minute: int = Field(10, ge=1, description="Most calls in any minute, of all workers together.")
    calls_per_day: int | None = Field(1_000, ge=1, description="Most calls in a day (Pacific time). Unset: no limit.")
    tokens_per_minute: int | None = Field(
        250_000, ge=1, description="Most tokens, in and out, in any minute. Unset: no limit."
    )
    budget_usd_per_day: float = Field(1.0, ge=0, description="Most money that a day's calls may cost, in US dollars.")
    usd_per_million_input_tokens: float = Field(0.30, ge=0, description="Price of a million input tokens.")
    usd_per_million_output_tokens: float = Field(2.50, ge=0, description="Price of a million output tokens.")
    usd_per_thousand_grounded_calls: float = Field(35.0, ge=0, description="Price of a thousand calls with search.")


class LookUpSettings(BaseModel):
    """Asking providers about tracks."""

    concurrency: int = Field(8, ge=1, description="Calls that one API worker makes at once.")
    cache_days: float = Field(180.0, gt=0, description="How long an answer is used before the provider is asked again.")
    unknown_cache_days: float = Field(14.0, gt=0, description="The same where the provider did not know the track.")
    patience_hours: float = Field(
        24.0, gt=0, description="How long a look-up waits for its provider before it leaves its tracks as they are."
    )
    wait_seconds: float = Field(5.0, ge=0, description="How long a worker waits for a free slot; beyond, it lets go.")
    breaker_failures: int = Field(5, ge=1, description="Failures in a row after which a provider is left in peace.")
    breaker_seconds: float = Field(
        15.0, gt=0, description="First pause of a failing provider; it doubles with every probe that fails."
    )
    breaker_cap_seconds: float = Field(300.0, gt=0, description="Longest such pause.")
    min_gain: float = Field(
        0.002, ge=0, description="Expected decrease of a track's error (MNE) below which no paid call is made for it."
    )


class RoutingSettings(BaseModel):
    """Which of two estimates to trust."""

    strategy: str = Field(
        "divergence", description="How a language model's answer and the predictor's are combined, see docs/ROUTING.md."
    )


class ReferenceSettings(BaseModel):
    """Matching of tracks with the reference table."""

    enabled: bool = Field(True, description="Whether tracks are matched with the loaded reference table.")
    near_matches: bool = Field(True, description="Whether artist and title may differ in spelling.")
