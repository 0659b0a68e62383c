"""What an index is built with: the command's options, else what it was built with before, else the settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.audio import DESCRIPTORS_VERSION
from core.audio_settings import AudioSettings
from core.embedding import AudioEmbedder
from core.errors import PermanentError
from core.settings import Settings
from services.audio_analysis.embedders import chosen_embedder, open_embedder


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build. What is None stays as the index has it; in a new one it is the setting's."""

    audio_dir: Path
    index_dir: Path
    intro_seconds: float | None = None
    outro_seconds: float | None = None
    bpm_tolerance: float | None = None
    embedder: str | None = None
    jobs: int = 0  #: Processes that listen; 0: the setting's, or one for each core.
    retry_failed: bool = False  #: Whether files that failed before are tried again although they did not change.


@dataclass(frozen=True, slots=True)
class Header:
    """What an index was built with."""

    audio_dir: str
    space: str  #: Of the vectors.
    embedder: str  #: The setting that leads to this space.
    version: str  #: Of the analyses; those of another one are made anew.
    intro_seconds: float
    outro_seconds: float
    bpm_tolerance: float

    def as_texts(self) -> dict[str, str]:
        """As it is stored."""
        return {name: str(value) for name, value in asdict(self).items()}


def stored_header(stored: Mapping[str, str]) -> Header | None:
    """The inverse of `Header.as_texts`; None for a new store.

    Raises
    ------
    PermanentError
        `dj-index-corrupt`.
    """
    if not stored:
        return None
    try:
        return Header(
            audio_dir=stored["audio_dir"],
            space=stored["space"],
            embedder=stored["embedder"],
            version=stored["version"],
            intro_seconds=float(stored["intro_seconds"]),
            outro_seconds=float(stored["outro_seconds"]),
            bpm_tolerance=float(stored["bpm_tolerance"]),
        )
    except (KeyError, ValueError) as error:
        raise PermanentError("dj-index-corrupt", f"The index does not say what it was built with ({error}).") from error


def resolve(
    request: BuildRequest, before: Header | None, settings: Settings
) -> tuple[Header, AudioSettings, AudioEmbedder]:
    """The header to build with, which audio is read how, and what embeds it."""
    known = before or settings.audio
    intro = known.intro_seconds if request.intro_seconds is None else request.intro_seconds
    outro = known.outro_seconds if request.outro_seconds is None else request.outro_seconds
    tolerance = (before or settings.dj).bpm_tolerance if request.bpm_tolerance is None else request.bpm_tolerance
    wanted = request.embedder or (before.embedder if before else settings.embed.embedder)
    name = chosen_embedder(settings.embed.model_copy(update={"embedder": wanted}))
    embedder = embedder_called(name, settings)
    header = Header(
        audio_dir=str(request.audio_dir.resolve()),
        space=embedder.space,
        embedder=name,
        version=f"{DESCRIPTORS_VERSION} {embedder.space} {intro:g} {outro:g}",
        intro_seconds=intro,
        outro_seconds=outro,
        bpm_tolerance=tolerance,
    )
    return header, audio_of(header, settings), embedder


def embedder_called(name: str, settings: Settings) -> AudioEmbedder:
    """An embedder by the name that the setting has."""
    return open_embedder(settings.embed.model_copy(update={"embedder": name}))


def audio_of(header: Header, settings: Settings) -> AudioSettings:
    """How files of this index are cut."""
    cut = {"intro_seconds": header.intro_seconds, "outro_seconds": header.outro_seconds}
    return settings.audio.model_copy(update=cut)
