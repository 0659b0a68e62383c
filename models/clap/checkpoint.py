"""CLAP weights on this machine: where they are, and what tells them from others."""

from hashlib import blake2b
from pathlib import Path

from core.errors import ConfigurationError

INSTALL = "pip install 'musicspace[gpu]'"
_SETTING = "MUSICSPACE_EMBED__CLAP_CHECKPOINT"
# Weights as tensors alone. The other format, pickles, would run whatever code its author put there.
_WEIGHTS = "*.safetensors"
_FILES = ["*.json", "*.txt", _WEIGHTS]
_BLOCK_BYTES = 1 << 22


def unavailable(checkpoint: str, reason: str) -> ConfigurationError:
    """The error of a checkpoint that cannot be used."""
    return ConfigurationError("embedder-unavailable", f"CLAP checkpoint {checkpoint} ({_SETTING}): {reason}")


def find_checkpoint(checkpoint: str, allow_download: bool = False) -> Path:
    """The folder with a checkpoint: a local one, or that of a hub's name in its cache.

    Raises
    ------
    ConfigurationError
        `embedder-unavailable`: it is not on this machine, cannot be downloaded, or has no weights as safetensors.
    """
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        folder = _from_hub(checkpoint, allow_download)
    if not (folder / "config.json").is_file():
        raise unavailable(checkpoint, f"{folder} has no config.json.")
    if not weight_files(folder):
        raise unavailable(
            checkpoint,
            f"{folder} has no weights as *.safetensors. Pickled weights (*.bin) are not loaded, since they can run any "
            "code; convert them with transformers' save_pretrained.",
        )
    return folder


def is_on_this_machine(checkpoint: str) -> bool:
    """Whether `find_checkpoint` would find it without a download."""
    try:
        find_checkpoint(checkpoint)
    except ConfigurationError:
        return False
    return True


def weight_files(folder: Path) -> list[Path]:
    """Files of weights, in the order of their names."""
    return sorted(folder.glob(_WEIGHTS))


def space_name(checkpoint: str, folder: Path) -> str:
    """Name of the space: that of the checkpoint with eight digits of its weights' BLAKE2b."""
    digest = blake2b(digest_size=4)
    for path in weight_files(folder):
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    name = Path(checkpoint).expanduser().resolve().name if Path(checkpoint).expanduser().is_dir() else checkpoint
    return f"clap:{name}@{digest.hexdigest()}"


def _from_hub(checkpoint: str, allow_download: bool) -> Path:
    try:
        from httpx import HTTPError
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise unavailable(checkpoint, f"a library is missing ({error}). Run {INSTALL}.") from error
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=_FILES, local_files_only=not allow_download))
    except HFValidationError as error:
        raise unavailable(checkpoint, "it is neither a folder nor a name of the model hub.") from error
    except LocalEntryNotFoundError as error:
        raise unavailable(
            checkpoint,
            "it is not on this machine. Name a local folder, allow the download with "
            "MUSICSPACE_EMBED__ALLOW_DOWNLOAD=true, or set MUSICSPACE_EMBED__EMBEDDER=dsp.",
        ) from error
    except (HTTPError, OSError) as error:
        raise unavailable(checkpoint, f"it cannot be downloaded: {error}") from error
