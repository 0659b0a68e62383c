"""The embedder that the settings choose."""

from importlib.util import find_spec

from core.audio_settings import EmbedSettings
from core.embedding import AudioEmbedder
from core.errors import ConfigurationError
from core.telemetry import get_logger

log = get_logger(__name__)


def open_embedder(settings: EmbedSettings) -> AudioEmbedder:
    """The embedder of `MUSICSPACE_EMBED__EMBEDDER`, ready to work; `auto` never downloads anything.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: there is no such embedder; `embedder-unavailable`: it cannot be loaded.
    """
    name = chosen_embedder(settings)
    if name == "clap":
        from models.clap.loading import load_clap

        return load_clap(settings)
    from audio.dsp_embedder import DspEmbedder

    return DspEmbedder()


def chosen_embedder(settings: EmbedSettings) -> str:
    """`clap` or `dsp`, without loading either."""
    if settings.embedder in ("clap", "dsp"):
        return settings.embedder
    if settings.embedder != "auto":
        raise ConfigurationError(
            "invalid-settings", f"MUSICSPACE_EMBED__EMBEDDER={settings.embedder}: use auto, clap or dsp."
        )
    if find_spec("torch") is None or find_spec("transformers") is None:
        log.info("embedder_chosen", embedder="dsp", reason="the libraries of musicspace[gpu] are not installed")
        return "dsp"
    from models.clap.checkpoint import is_on_this_machine

    if is_on_this_machine(settings.clap_checkpoint):
        log.info("embedder_chosen", embedder="clap", checkpoint=settings.clap_checkpoint)
        return "clap"
    log.info("embedder_chosen", embedder="dsp", reason=f"no weights of {settings.clap_checkpoint} on this machine")
    return "dsp"
