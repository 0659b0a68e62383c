"""The CLAP embedder: batches as large as the device's memory bears."""

import gc
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError, RetryableError
from core.telemetry import get_logger
from models.clap.mel import LogMel

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

log = get_logger(__name__)

# More gains nothing: a processor is busy with eight windows, a large GPU with some hundred.
_CPU_BATCH = 8
_LARGEST_BATCH = 256
_PROBE_WINDOWS = 8
# Other programs, and fragmentation, want their part of a GPU's memory.
_MEMORY_SHARE = 0.6


class ClapEmbedder:
    """An `AudioEmbedder` for audio and text.

    Parameters
    ----------
    model
        A `transformers.ClapModel`, or what has its `get_audio_features` and `get_text_features`.
    prepare
        Makes the model's input of a window.
    space
        Name of the space of its vectors.
    device, dtype
        Where and how precisely to calculate.
    batch_size
        Windows at once; 0: by the memory of the device. It halves whenever memory does not suffice, and stays so.
    tokenizer
        Loads the tokenizer, on the first text.
    """

    def __init__(
        self,
        model: Any,
        prepare: LogMel,
        *,
        space: str,
        device: "torch.device",
        dtype: "torch.dtype",
        batch_size: int = 0,
        tokenizer: Callable[[], Any],
    ) -> None:
        self.space = space
        self.prepare = prepare
        self.dimensions: int = model.config.projection_dim
        self.sample_rate_hz = prepare.sample_rate_hz
        self.window_s = prepare.samples / prepare.sample_rate_hz
        self._model = _converted(model.eval(), dtype).to(device)
        self._device = device
        self._dtype = dtype
        self._fused = prepare.copies > 1
        self._load_tokenizer = tokenizer
        self.batch_size = batch_size or self._batch_size_by_memory()
        log.info("clap_loaded", space=space, device=str(device), dtype=str(dtype), batch_size=self.batch_size)

    def embed(self, prepared: Sequence[Floats]) -> Floats:
        """Unit vectors float32 [n, `dimensions`] of prepared windows.

        Raises
        ------
        RetryableError
            `device-out-of-memory`: not even one window fits.
        """
        return self._in_batches(list(prepared), self._audio_features)

    def embed_text(self, texts: Sequence[str]) -> Floats:
        """Unit vectors float32 [n, `dimensions`] of texts; a text is cut where the model reads no further."""
        return self._in_batches(list(texts), self._text_features)

    @cached_property
    def _tokenizer(self) -> Any:
        return self._load_tokenizer()

    def _in_batches(self, items: list[Any], features: "Callable[[list[Any]], torch.Tensor]") -> Floats:
        """Work is queued on the device batch after batch, and waited for once: it never waits for the next batch."""
        import torch

        if not items:
            return np.zeros((0, self.dimensions), np.float32)
        done: list[torch.Tensor] = []
        position = 0
        while position < len(items):
            batch = items[position : position + self.batch_size]
            try:
                with torch.inference_mode():
                    done.append(features(batch).float())
            except torch.OutOfMemoryError as error:
                reason = str(error)
            else:
                position += len(batch)
                continue
            # Outside of the handler, whose traceback would keep the tensors of the failed batch alive.
            self._shrink(len(batch), reason)
        return self._unit_vectors(torch.cat(done).cpu().numpy())

    def _shrink(self, failed: int, reason: str) -> None:
        import torch

        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if failed == 1:
            raise RetryableError(
                "device-out-of-memory",
                f"{self._device} has no memory for a single window ({reason}). Free some, or set "
                "MUSICSPACE_EMBED__DEVICE=cpu.",
            )
        self.batch_size = failed // 2
        log.warning("clap_batch_halved", device=str(self._device), batch_size=self.batch_size)

    def _audio_features(self, batch: list[Floats]) -> "torch.Tensor":
        return self._audio_output(self._audio_input(batch))

    def _audio_input(self, batch: list[Floats]) -> "torch.Tensor":
        import torch

        return torch.from_numpy(np.stack(batch)).to(self._device)

    def _audio_output(self, mels: "torch.Tensor") -> "torch.Tensor":
        import torch

        extra = {"is_longer": torch.zeros(len(mels), 1, dtype=torch.bool)} if self._fused else {}
        pooled: torch.Tensor = self._model.get_audio_features(input_features=mels, **extra).pooler_output
        return pooled

    def _text_features(self, batch: list[str]) -> "torch.Tensor":
        longest = self._model.config.text_config.max_position_embeddings - 2
        tokens = self._tokenizer(batch, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        tokens = {name: tokens[name].to(self._device) for name in ("input_ids", "attention_mask")}
        pooled: torch.Tensor = self._model.get_text_features(**tokens).pooler_output
        return pooled

    def _unit_vectors(self, vectors: Floats) -> Floats:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ConfigurationError(
                "embedder-unavailable",
                f"{self.space} gave vectors without numbers in {self._dtype}. Set MUSICSPACE_EMBED__DTYPE=float32; if "
                "that does not help, its weights are broken.",
            )
        unit: Floats = vectors / norms
        return unit

    def _batch_size_by_memory(self) -> int:
        """Measured on the device: what a few windows need, and how many of them its free memory holds."""
        if self._device.type != "cuda":
            return _CPU_BATCH
        import torch

        self.batch_size = _PROBE_WINDOWS
        silence = self.prepare(np.zeros(1, np.float32))
        self.embed([silence] * _PROBE_WINDOWS)
        before = torch.cuda.memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        self.embed([silence] * _PROBE_WINDOWS)
        per_window = max(1, torch.cuda.max_memory_allocated(self._device) - before) / self.batch_size
        free, _ = torch.cuda.mem_get_info(self._device)
        return max(1, min(_LARGEST_BATCH, int(_MEMORY_SHARE * free / per_window)))


def _converted(model: Any, dtype: "torch.dtype") -> Any:
    """The model in another precision, but for the normalization that comes first.

    Its input are levels down to -100 dB, of which bfloat16 keeps steps of half a decibel.
    """
    import torch

    if dtype == torch.float32:
        return model.float()
    model = model.to(dtype)
    first = model.audio_model.audio_encoder.batch_norm.float()
    first.register_forward_hook(lambda _module, _inputs, output: output.to(dtype))
    return model
