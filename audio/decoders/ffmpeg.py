"""FFmpeg: MP3, Ogg, AAC, M4A, WMA and more, by way of PyAV, whose wheel brings the libraries."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from audio.decoders import DecodingError

Floats = NDArray[np.float32]

# Playlists and manifests, which would make FFmpeg open other files and addresses, are not among them.
_FORMATS = "aac,mov,mp3,matroska,webm,asf,ape,wv,ogg,flac,wav,aiff,caf,ac3,eac3,amr,tta"
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
#: Formats whose files do not state their length: what FFmpeg tells is a guess from the bit rate.
_WITHOUT_LENGTH = ("aac", "mp3")
# Decoders need some packets before a position until their output is right: overlaps, the bit reservoir of MP3.
_PREROLL_S = 0.5
# More undecodable packets than this share, and the file is corrupt.
_TOLERATED = 0.05


class FfmpegSource:
    """Reads all packets in one pass and decodes those of the head and of the tail.

    So it needs no seeking, which is vague in streams without an index (AAC in ADTS, MP3 without a Xing header), and
    the length is that of the packets that are there.
    """

    def __init__(self, file: FileIO) -> None:
        import av

        with _translated(opened=False):
            self._container: Any = av.open(file, options=_OPTIONS)
        try:
            self._begin()
        except DecodingError:
            self._container.close()
            raise

    def _begin(self) -> None:
        import av

        streams = self._container.streams.audio
        if not streams:
            raise DecodingError("it has no audio stream", opened=True)
        self._stream = streams[0]
        codec = self._stream.codec_context
        if codec is None or not codec.sample_rate or not codec.layout.nb_channels:
            raise DecodingError("its codec, sample rate or channels are not known", opened=True)
        self.channels, self.rate_hz = int(codec.layout.nb_channels), int(codec.sample_rate)
        self._packets = self._container.demux(self._stream)
        # It joins frames of a thousand samples, which cost more to convert one by one than to decode.
        self._fifo = av.AudioFifo()
        # As fractions, times would take longer to add than packets to read.
        self._tick_s = float(self._stream.time_base)
        self._kind: tuple[int, str, str] | None = None
        self._position = 0
        self._first_pts: int | None = None
        self._decoded_end = 0
        self._all_packets = self._bad_packets = 0

    @property
    def declared_frames(self) -> int | None:
        if self._container.format.name in _WITHOUT_LENGTH or self._stream.duration is None:
            return None
        return int(self._stream.duration * self._stream.time_base * self.rate_hz)

    def head(self, frames: int) -> Iterator[Floats]:
        with _translated(opened=True):
            while self._position < frames:
                wanted = min(frames - self._position, self.rate_hz)
                while self._fifo.samples < wanted and (packet := next(self._packets, None)) is not None:
                    self._feed(packet)
                block = self._take(wanted)
                if not len(block):
                    break
                self._position += len(block)
                yield block
        self._refuse_damage()

    def tail(self, frames: int) -> tuple[int, Floats]:
        wanted_s = frames / self.rate_hz + _PREROLL_S
        with _translated(opened=True):
            kept, any_skipped = self._last_packets(wanted_s)
            if any_skipped:
                self._stream.codec_context.flush_buffers()
                self._take(0)
            for packet in kept:
                self._feed(packet)
            samples = self._take(0)
        self._refuse_damage()
        samples = samples[max(0, len(samples) - frames) :]
        return max(self._position, self._decoded_end - len(samples)), samples

    def _last_packets(self, seconds: float) -> tuple[list[Any], bool]:
        """The packets of the last `seconds`, and whether there were others before."""
        ticks = round(seconds / self._tick_s)
        kept: deque[tuple[int, Any]] = deque()
        kept_ticks, any_skipped = 0, False
        for packet in self._packets:
            duration = packet.duration or 0
            kept.append((duration, packet))
            kept_ticks += duration
            while kept_ticks - kept[0][0] > ticks:
                kept_ticks -= kept.popleft()[0]
                any_skipped = True
        return [packet for _, packet in kept], any_skipped

    def _feed(self, packet: Any) -> None:
        """Decode a packet; it becomes as much silence where that fails, so that later times stay right."""
        import av

        self._all_packets += 1
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            frames = None
        if frames is None or not all(map(self._fits, frames)):
            self._bad_packets += 1
            frames = self._silence(packet)
        for frame in frames:
            if frame.pts is None:
                self._decoded_end += frame.samples
            else:
                # Durations of packets do not add up in Ogg; time stamps are right, if not always from zero.
                self._first_pts = frame.pts if self._first_pts is None else self._first_pts
                start_s = (frame.pts - self._first_pts) * self._tick_s
                self._decoded_end = round(start_s * self.rate_hz) + frame.samples
                frame.pts = None
            self._fifo.write(frame)

    def _fits(self, frame: Any) -> bool:
        """Whether a frame is of the kind of the first one; the queue of samples does not check it, and would crash."""
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        if self._kind is None and frame.sample_rate == self.rate_hz and frame.layout.nb_channels == self.channels:
            self._kind = kind
        return kind == self._kind

    def _silence(self, packet: Any) -> list[Any]:
        import av

        samples = round((packet.duration or 0) * self._tick_s * self.rate_hz)
        if not samples or self._kind is None:
            return []
        _, layout, sample_format = self._kind
        frame = av.AudioFrame(format=sample_format, layout=layout, samples=samples)
        frame.sample_rate = self.rate_hz
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        return [frame]

    def _take(self, frames: int) -> Floats:
        """Decoded samples, `frames` at most (0: all), float32 [n, channels]."""
        frame: Any = self._fifo.read(frames, partial=True) if self._fifo.samples else None
        if frame is None:
            return np.zeros((0, self.channels), np.float32)
        y = frame.to_ndarray()
        y = y.T if frame.format.is_planar else y.reshape(-1, self.channels)
        if y.dtype == np.uint8:
            y = y.astype(np.int16) * 256 - 32_768
        full_scale = -float(np.iinfo(y.dtype).min) if np.issubdtype(y.dtype, np.integer) else 1.0
        floats: Floats = np.multiply(y, np.float32(1 / full_scale), dtype=np.float32, order="C")
        return floats

    def _refuse_damage(self) -> None:
        if self._bad_packets > _TOLERATED * self._all_packets:
            raise DecodingError(f"{self._bad_packets:,} of {self._all_packets:,} packets are damaged", opened=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()


@contextmanager
def _translated(*, opened: bool) -> Iterator[None]:
    import av

    reason = ""
    try:
        yield
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        reason = str(error) or type(error).__name__
    if reason:
        raise DecodingError(reason, opened=opened)
