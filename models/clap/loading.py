"""Load a CLAP checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio_settings import EmbedSettings
from models.clap.checkpoint import INSTALL, find_checkpoint, space_name, unavailable
from models.clap.mel import LogMel

if TYPE_CHECKING:
    from models.clap.embedder import ClapEmbedder


def load_clap(settings: EmbedSettings) -> "ClapEmbedder":
    """The embedder of the checkpoint, on the device, and in the precision that the settings name.

    Raises
    ------
    ConfigurationError
        `embedder-unavailable`: torch or transformers is missing, or the checkpoint is missing, broken or of another
        kind; `invalid-settings`: there is no such device or precision.
    """
    checkpoint = settings.clap_checkpoint
    try:
        import torch  # noqa: F401
        from transformers import ClapModel  # noqa: F401
    except ImportError as error:
        raise unavailable(checkpoint, f"a library is missing ({error}). Run {INSTALL}.") from error
    from models.clap.device import choose_device, choose_dtype
    from models.clap.embedder import ClapEmbedder

    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device)
    folder = find_checkpoint(checkpoint, settings.allow_download)
    model = _load_model(checkpoint, folder)
    prepare = _load_mel(checkpoint, folder, fused=model.config.audio_config.enable_fusion)
    return ClapEmbedder(
        model,
        prepare,
        space=space_name(checkpoint, folder),
        device=device,
        dtype=dtype,
        batch_size=settings.batch_size,
        tokenizer=lambda: _load_tokenizer(checkpoint, folder),
    )


def _load_model(checkpoint: str, folder: Path) -> Any:
    import transformers
    from safetensors import SafetensorError

    # Untyped there: what loading returns depends on an argument.
    hide_progress: Any = transformers.utils.logging.disable_progress_bar
    load: Any = transformers.ClapModel.from_pretrained
    hide_progress()
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        if config.model_type != "clap":
            raise unavailable(checkpoint, f"it holds a model of the kind {config.model_type}, not clap.")
        model, report = load(
            folder, config=config, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    # What transformers raises for broken files is not documented; these were seen for broken JSON, cut or mangled
    # weights, and shapes that do not fit.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise unavailable(checkpoint, f"{folder} cannot be loaded: {type(error).__name__}: {error}") from error
    # Weights that the files lack would be left at random without an error.
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise unavailable(checkpoint, f"{folder} lacks {len(report['missing_keys'])} weights, such as {missing}.")
    return model


def _load_mel(checkpoint: str, folder: Path, fused: bool) -> LogMel:
    from transformers import ClapFeatureExtractor

    try:
        extractor = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        filters = extractor.mel_filters if fused else extractor.mel_filters_slaney
        return LogMel(
            extractor.sampling_rate,
            extractor.fft_window_size,
            extractor.hop_length,
            extractor.nb_max_samples,
            np.asarray(filters, dtype=np.float32),
            copies=4 if fused else 1,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unavailable(checkpoint, f"the feature extractor in {folder} cannot be loaded: {error}") from error


def _load_tokenizer(checkpoint: str, folder: Path) -> Any:
    from transformers import AutoTokenizer

    # Without its words it would be made all the same, and understand none.
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise unavailable(checkpoint, f"{folder} has neither tokenizer.json nor vocab.json.")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unavailable(checkpoint, f"the tokenizer in {folder} cannot be loaded: {error}") from error
