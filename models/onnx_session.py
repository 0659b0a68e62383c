"""ONNX Runtime sessions as this project runs them: from checked bytes, on few threads."""

from typing import TYPE_CHECKING, Any

from core.errors import ConfigurationError

if TYPE_CHECKING:
    import onnxruntime


def open_session(content: bytes, threads: int = 1, name: str = "model") -> "onnxruntime.InferenceSession":
    """Open a session on the CPU.

    Parameters
    ----------
    content
        A serialized ONNX model, already checked against its checksum.
    threads
        Threads of one run. With one, the session starts no thread of its own, so a process may fork after opening it,
        and many workers do not fight for the cores.
    name
        What the model is called in messages.

    Raises
    ------
    ConfigurationError
        `artifact-corrupt`: this ONNX Runtime cannot load the content.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Errors come as exceptions; what the runtime would print besides is noise for an operator.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _load_errors() as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        way_out = "Train it again, or reinstall MusicSpace."
        raise ConfigurationError("artifact-corrupt", f"ONNX Runtime cannot load {name} ({reason}). {way_out}") from None


def _load_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for content it cannot load; it has no common base class but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        *("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded", "NoModel", "NoSuchFile"),
        *("NotImplemented", "RuntimeException", "EPFail"),
    )
    found: list[Any] = [getattr(state, name) for name in names if hasattr(state, name)]
    return (*found, ValueError, RuntimeError)
