"""Settings of everything that listens: decoding, embedding, the DJ."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, model_validator


class AudioSettings(BaseModel):
    """Which audio is read, and how much of it."""

    roots: list[Path] = Field(
        [],
        description='Folders that audio may be read from, as a JSON list, e.g. ["/music"]. Paths of tracks are '
        "relative to the first that has them, or absolute inside one. Unset: none, and no track's audio is read.",
    )
    urls_enabled: bool = Field(False, description="Whether audio is also fetched from http(s) URLs of tracks.")
    url_max_bytes: int = Field(200_000_000, ge=1, description="Largest file that is fetched from a URL.")
    url_timeout_seconds: float = Field(60.0, gt=0, description="Longest time one fetch may take, from start to end.")
    max_minutes: float = Field(180.0, gt=0, description="Longest recording that is analyzed.")
    min_seconds: float = Field(2.0, gt=0, description="Shortest recording that is analyzed.")
    max_bytes: int = Field(4_000_000_000, ge=1, description="Largest audio file that is opened.")
    intro_seconds: float = Field(30.0, ge=1, le=120, description="Length of the intro.")
    outro_seconds: float = Field(30.0, ge=1, le=120, description="Length of the outro.")
    max_seconds_per_file: float = Field(
        120.0, gt=0, description="Longest time that decoding and describing one file may take."
    )
    files_per_item: int = Field(16, ge=1, le=500, description="Files in one work item.")
    min_tempo_confidence: float = Field(
        0.5, ge=0, le=1, description="Confidence below which a measured tempo does not become a track's tempo."
    )


class EmbedSettings(BaseModel):
    """Embedding of audio."""

    embedder: str = Field(
        "auto", description="auto (CLAP where its weights are on this machine, else dsp), clap or dsp."
    )
    clap_checkpoint: str = Field(
        "laion/clap-htsat-unfused", description="CLAP weights: a name of the model hub, or a local folder."
    )
    allow_download: bool = Field(False, description="Whether missing CLAP weights are downloaded from the hub.")
    device: str = Field("auto", description="auto (CUDA where there is one), cpu, cuda or cuda:N.")
    dtype: str = Field("auto", description="auto (bfloat16 on CUDA, else float32), float32, bfloat16 or float16.")
    batch_size: int = Field(0, ge=0, description="Windows in a batch of the device. 0: chosen by its memory.")
    decoders: int = Field(0, ge=0, description="Processes that decode ahead of the device. 0: one for each core.")


class DjWeights(BaseModel):
    """Weights of the terms that rank the next track; relative to each other."""

    similarity: float = Field(1.0, ge=0, description="The intro sounds like the outro that plays.")
    energy: float = Field(0.8, ge=0, description="Energy moves as the goal asks.")
    low_end: float = Field(0.5, ge=0, description="No clash of two bass lines.")
    mixability: float = Field(0.5, ge=0, description="The intro is percussive and steady.")
    key: float = Field(0.8, ge=0, description="The keys go together.")
    hype: float = Field(0.3, ge=0, description="Energy, onsets and percussion compared with the whole library.")
    tempo: float = Field(0.5, ge=0, description="Little change of tempo is needed.")
    diversity: float = Field(0.5, ge=0, description="Not the same sound again, with gentle variation.")


class TransitionWeights(BaseModel):
    """Weights of what a simulated crossfade is judged by; relative to each other."""

    bass: float = Field(0.35, ge=0, description="The two low ends do not sound at once.")
    level: float = Field(0.3, ge=0, description="The level of the sum neither pumps nor drops.")
    transients: float = Field(0.25, ge=0, description="Onsets of both tracks meet, instead of flamming.")
    phrase: float = Field(0.1, ge=0, description="The crossfade begins where phrases of both tracks begin.")


class DjSettings(BaseModel):
    """The DJ: what may follow a track, and what is preferred."""

    bpm_tolerance: float = Field(
        4.0, gt=0, le=50, description="Largest difference of tempo in BPM, half and double included."
    )
    min_tempo_confidence: float = Field(
        0.5, ge=0, le=1, description="Confidence of both tempos from which tempos too far apart are excluded."
    )
    min_key_clarity: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Tonal clarity of both tracks from which keys that do not go together are excluded.",
    )
    key_rules: Literal["strict", "camelot", "open"] = Field(
        "camelot",
        description="Keys that go together: strict, camelot (same, relative, adjacent), or open (with energy boosts).",
    )
    relax: bool = Field(
        True, description="Whether the limits of key, then of tempo, are lifted where nothing is left within them."
    )
    energy_step: float = Field(0.1, gt=0, le=1, description="How far energy moves with the goals up and down.")
    candidates: int = Field(200, ge=1, le=10_000, description="Nearest tracks that are ranked in full.")
    recent: int = Field(8, ge=0, le=100, description="Tracks played last that the next one should differ from.")
    search: Literal["numpy", "faiss"] = Field(
        "numpy", description="Library of the exact search: numpy, or faiss (an extra); the results are the same."
    )
    simulate: int = Field(0, ge=0, le=100, description="Best tracks whose transition is simulated. 0: none.")
    transition_weight: float = Field(
        0.5, ge=0, le=1, description="Share of the simulated transition in the last ranking of the best."
    )
    session_beam: int = Field(6, ge=1, le=50, description="Sets that are followed at once while one is planned.")
    feedback_min_pairs: int = Field(
        200, ge=10, description="Preferences that stored feedback must hold before weights are learned from it."
    )
    weights: DjWeights = DjWeights()
    transition_weights: TransitionWeights = TransitionWeights()

    @model_validator(mode="after")
    def _some_weight(self) -> "DjSettings":
        for name in ("weights", "transition_weights"):
            if not any(getattr(self, name).model_dump().values()):
                raise ValueError(f"at least one weight of MUSICSPACE_DJ__{name.upper()}__* must be above 0")
        return self
