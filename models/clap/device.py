"""Where CLAP runs, and in which precision."""

from typing import TYPE_CHECKING

from core.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

_DTYPES = ("float32", "bfloat16", "float16")


def choose_device(setting: str) -> "torch.device":
    """The device that `auto`, `cpu`, `cuda` or `cuda:N` means here.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: there is no such device on this machine.
    """
    import torch

    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(setting)
    except RuntimeError:
        device = None
    if device is not None and (device.type == "cpu" or _is_there(device)):
        return device
    count = torch.cuda.device_count()
    raise ConfigurationError(
        "invalid-settings",
        f"MUSICSPACE_EMBED__DEVICE={setting}: there is no such device here; CUDA has {count}. Use auto or cpu.",
    )


def choose_dtype(setting: str, device: "torch.device") -> "torch.dtype":
    """The precision; `auto` is bfloat16 on CUDA, else float32, since few processors calculate in bfloat16.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: there is no such precision.
    """
    import torch

    if setting == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if setting not in _DTYPES:
        raise ConfigurationError(
            "invalid-settings",
            f"MUSICSPACE_EMBED__DTYPE={setting}: use auto, {', '.join(_DTYPES[:-1])} or {_DTYPES[-1]}.",
        )
    dtype: torch.dtype = getattr(torch, setting)
    return dtype


def _is_there(device: "torch.device") -> bool:
    import torch

    return device.type == "cuda" and torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
