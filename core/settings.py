"""All settings, typed, read from `MUSICSPACE_*` variables in this module alone (nested names use `__`)."""

import logging
import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.audio_settings import AudioSettings, DjSettings, EmbedSettings
from core.errors import ConfigurationError
from core.model_settings import NeuralSettings, TrainSettings
from core.personal_settings import PersonalSettings, RecommendSettings
from core.provider_settings import (
    GeminiSettings,
    LookUpSettings,
    ReccoBeatsSettings,
    ReferenceSettings,
    RoutingSettings,
)

PREFIX = "MUSICSPACE_"

log = logging.getLogger(__name__)


class LedgerSettings(BaseModel):
    """Timing of claims, leases, retries and dispatch."""

    lease_seconds: float = Field(30.0, gt=0, description="How long a claim holds without being extended.")
    max_attempts: int = Field(8, ge=1, description="Retryable failures before an item fails for good.")
    max_losses: int = Field(3, ge=1, description="Worker deaths before an item is quarantined.")
    backoff_base_seconds: float = Field(1.0, gt=0, description="First upper bound of the full-jitter back-off.")
    backoff_cap_seconds: float = Field(300.0, gt=0, description="Largest upper bound of the back-off.")
    dispatch_interval_seconds: float = Field(2.0, gt=0, description="Pause between two runs of the dispatcher.")
    redispatch_seconds: float = Field(
        10.0, gt=0, description="Age at which an unclaimed message missing from its queue is sent again."
    )
    window: int = Field(2000, ge=1, description="Most unclaimed messages a queue holds; the rest waits in Postgres.")
    outage_patience_seconds: float = Field(
        20.0, ge=0, description="How long a worker tries to record an outcome while Postgres is away."
    )


class WorkerSettings(BaseModel):
    """Worker processes and their health."""

    concurrency: int = Field(2, ge=1, description="Processes of the CPU worker that `up` starts.")
    heartbeat_seconds: float = Field(5.0, gt=0, description="Pause between two heartbeats of a worker.")
    dead_after_seconds: float = Field(20.0, gt=0, description="Age at which a heartbeat counts as missing.")
    stall_seconds: float = Field(
        60.0, gt=0, description="A worker that consumes nothing for this long although its queue is not empty exits."
    )
    hard_time_limit_seconds: int = Field(900, ge=1, description="A task that runs longer is killed.")
    soft_shutdown_seconds: float = Field(
        10.0, ge=0, description="Time running tasks get to finish when a worker is stopped (SIGTERM)."
    )


class EnrichSettings(BaseModel):
    """Enrichment of tracks by a predictor."""

    predictor: str = Field("blend", description="Name of the predictor that fills missing features.")
    chunk_size: int = Field(500, ge=1, le=10_000, description="Tracks in one work item.")


class ImportSettings(BaseModel):
    """Limits of playlist files."""

    max_bytes: int = Field(200_000_000, ge=1, description="Largest playlist file or request body, in bytes.")
    max_rows: int = Field(1_000_000, ge=1, description="Most rows in one playlist.")
    max_text_length: int = Field(
        1_000, ge=16, description="Longest artist, title or album; a longer cell rejects its row."
    )


class ApiSettings(BaseModel):
    """The HTTP API."""

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    key: SecretStr | None = Field(
        None,
        description="Key that guards writes (X-API-Key). Needed but in the embedded default on loopback.",
    )


class FlowerSettings(BaseModel):
    """The Flower dashboard that `up` starts."""

    enabled: bool = Field(True, description="Whether `up` starts Flower.")
    port: int = Field(5555, ge=0, le=65535, description="Port Flower listens on.")


class Settings(BaseSettings):
    """The whole tree. Unset URLs mean the embedded servers in `data_dir`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    database_url: str | None = Field(None, description="Postgres 15+, e.g. postgresql://user@host/db. Unset: embedded.")
    redis_url: str | None = Field(
        None, description="Redis 7+ or Valkey, e.g. redis://host:6379/0 or unix:///path. Unset: embedded."
    )
    data_dir: Path = Field(
        default_factory=lambda: default_data_dir(), description="Home of the embedded servers' data and logs."
    )
    artifacts_dir: Path | None = Field(
        None, description="Where trained models live. Unset: the ones shipped with MusicSpace."
    )
    models_dir: Path | None = Field(
        None,
        description="Where newly trained versions are kept. Workers on several machines must share this folder. "
        "Unset: `models` in the data directory.",
    )
    shared_data_dir: Path | None = Field(
        None, description="Folder with the reference data sets that trainings, tests and evaluations use."
    )
    mlflow_tracking_uri: str | None = Field(
        None,
        validation_alias="MLFLOW_TRACKING_URI",
        description="MLflow server that trainings are logged to, e.g. http://mlflow:5000. Unset: none.",
    )
    google_api_key: SecretStr | None = Field(
        None,
        validation_alias="GOOGLE_API_KEY",
        description="Key of the Gemini API under its common name; MUSICSPACE_GEMINI__API_KEY goes before it.",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(False, description="Log JSON lines instead of readable ones.")

    ledger: LedgerSettings = LedgerSettings()
    worker: WorkerSettings = WorkerSettings()
    enrich: EnrichSettings = EnrichSettings()
    train: TrainSettings = TrainSettings()
    neural: NeuralSettings = NeuralSettings()
    imports: ImportSettings = ImportSettings()
    reference: ReferenceSettings = ReferenceSettings()
    reccobeats: ReccoBeatsSettings = ReccoBeatsSettings()
    gemini: GeminiSettings = GeminiSettings()
    look_up: LookUpSettings = LookUpSettings()
    routing: RoutingSettings = RoutingSettings()
    audio: AudioSettings = AudioSettings()
    embed: EmbedSettings = EmbedSettings()
    dj: DjSettings = DjSettings()
    personal: PersonalSettings = PersonalSettings()
    recommend: RecommendSettings = RecommendSettings()
    api: ApiSettings = ApiSettings()
    flower: FlowerSettings = FlowerSettings()

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis_only(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return url

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return level.upper()

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _empty_is_unset(cls, uri: str | None) -> str | None:
        return uri or None

    @property
    def gemini_key(self) -> SecretStr | None:
        """The key of the Gemini API, or `None`, which switches that provider off."""
        key = self.gemini.api_key or self.google_api_key
        return key if key is not None and key.get_secret_value() else None

    @property
    def versions_dir(self) -> Path:
        """The folder of trained versions, see `models.artifacts.versions`."""
        return (self.models_dir or self.data_dir / "models").expanduser()

    @property
    def personal_models_url(self) -> str:
        """Folder or URL of the models of users."""
        return self.personal.storage_url or str(self.versions_dir / "personal")

    @property
    def embedded(self) -> bool:
        """Whether either server is the embedded one."""
        return self.database_url is None or self.redis_url is None

    @property
    def required_database_url(self) -> str:
        """The database URL of a process that was handed its servers, such as a worker."""
        return _required("MUSICSPACE_DATABASE_URL", self.database_url)

    @property
    def required_redis_url(self) -> str:
        """The broker URL of a process that was handed its servers, such as a worker."""
        return _required("MUSICSPACE_REDIS_URL", self.redis_url)


def default_data_dir() -> Path:
    """`/var/lib/musicspace` for root (a server or container), the XDG data folder for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/musicspace")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "musicspace"


_in_use: list[Settings] = []


def get_settings() -> Settings:
    """The settings of this process, read from the environment once unless `use_settings` came first."""
    if not _in_use:
        _in_use.append(read_settings())
    return _in_use[0]


def use_settings(settings: Settings) -> None:
    """Make these the settings of this process, for instance with the URLs of the embedded servers filled in."""
    _in_use[:] = [settings]


def read_settings() -> Settings:
    """Read and check the environment.

    Raises
    ------
    ConfigurationError
        A variable has a value that cannot be used; the message names it, never its value.
    """
    _warn_of_unknown_variables()
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors())
        raise ConfigurationError("invalid-settings", problems) from None


def variables(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    """The variable and the definition of every setting, nested ones included."""
    for name, field in model.model_fields.items():
        # One variable belongs to another program and is spelled as that one spells it.
        variable = field.validation_alias if isinstance(field.validation_alias, str) else prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, variable + "__")
        else:
            yield variable, field


def _warn_of_unknown_variables() -> None:
    """A misspelled variable would else leave its setting at the default without a word.

    A warning and no error: one deployment file may serve several versions.
    """
    known = {name for name, _ in variables()}
    groups = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known | groups:
            closest = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
            hint = f"Did you mean {closest[0]}?" if closest else "docs/SETTINGS.md lists the known ones."
            log.warning("Ignoring %s: there is no such setting. %s", name, hint)


def _required(variable: str, url: str | None) -> str:
    if url is None:
        raise ConfigurationError(
            "invalid-settings", f"{variable} is not set. Start this process with `musicspace up`, or set the variable."
        )
    return url


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "__".join(str(part).upper() for part in location)
