"""Decoders: each opens a file and delivers its beginning, then its end, without decoding what lies between."""

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class DecodingError(Exception):
    """The decoder's own words. `opened` tells whether it had recognized the file before."""

    def __init__(self, reason: str, *, opened: bool) -> None:
        super().__init__(reason)
        self.opened = opened


class Source(Protocol):
    """An open file. `head` is exhausted first; `tail` is asked for only if there may be more."""

    @property
    def rate_hz(self) -> int:
        """Samples per second and channel."""

    @property
    def channels(self) -> int:
        """Channels, in the order of WAVE_FORMAT_EXTENSIBLE."""

    @property
    def declared_frames(self) -> int | None:
        """Length of the recording as its file states it; None where it states none that can be relied on."""

    def head(self, frames: int) -> "Iterator[Floats]":
        """The first `frames` frames, or all there are, in blocks float32 [n, channels].

        Raises
        ------
        DecodingError
        """

    def tail(self, frames: int) -> "tuple[int, Floats]":
        """The last frames of what follows the head, `frames` at most: position of the first, float32 [n, channels].

        Raises
        ------
        DecodingError
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
