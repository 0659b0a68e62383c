"""Recordings heard side by side, in processes of their own: rendered pieces and files."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TypeVar

from audio.synthesis.piece import PieceSpec
from core.audio import KeyName
from core.errors import PermanentError
from services.audio_evaluation.listening import Heard

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class HeardPiece:
    """A rendered piece, what is true of it, and what was heard."""

    style: str
    bpm: float
    key: KeyName
    seed: int
    ours: Heard
    yardstick: Heard | None
    beats_f: float
    yardstick_beats_f: float | None


@dataclass(frozen=True, slots=True)
class HeardFile:
    """A file and what was heard in it; `trouble` says why nothing was."""

    path: Path
    ours: Heard | None
    yardstick: Heard | None
    trouble: str = ""


def hear_piece(task: tuple[PieceSpec, bool]) -> HeardPiece:
    """Render a piece and listen, with the yardstick too where the second value says so."""
    from services.audio_evaluation.listening import listen
    from services.audio_evaluation.measures import beat_f_measure

    spec, with_yardstick = task
    piece = spec.render()
    ours = listen(piece.y)
    yardstick = None
    if with_yardstick:
        from services.audio_evaluation.librosa_baseline import listen as listen_with_librosa

        yardstick = listen_with_librosa(piece.y)
    return HeardPiece(
        spec.style.name,
        spec.bpm,
        spec.key,
        spec.seed,
        ours,
        yardstick,
        beat_f_measure(ours.beats_s, piece.beats_s),
        beat_f_measure(yardstick.beats_s, piece.beats_s) if yardstick else None,
    )


def hear_file(task: tuple[Path, bool]) -> HeardFile:
    """Decode the first two minutes of a file and listen; a file that cannot be decoded says why."""
    from audio.decoding import decode
    from audio.spectra import ANALYSIS_RATE_HZ
    from services.audio_evaluation.listening import listen

    path, with_yardstick = task
    try:
        y = decode(path).head_at(ANALYSIS_RATE_HZ)
    except PermanentError as error:
        # Reports travel; the folders of this machine stay.
        told = error.message.replace(str(path), path.name)
        return HeardFile(path, None, None, f"{error.code}: {told}")
    ours = listen(y)
    if not with_yardstick:
        return HeardFile(path, ours, None)
    from services.audio_evaluation.librosa_baseline import listen as listen_with_librosa

    return HeardFile(path, ours, listen_with_librosa(y))


class Listeners:
    """Processes that listen."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def first(self, work: Callable[[], None]) -> None:
        """Run this alone, before anything else."""
        self._pool.submit(work).result()

    def each(self, work: Callable[[T], R], items: Sequence[T], on_done: Callable[[int], None]) -> list[R]:
        """What `work` makes of each item, in their order."""
        results = []
        try:
            for result in self._pool.map(work, items):
                results.append(result)
                on_done(len(results))
        except BrokenProcessPool:
            raise PermanentError(
                "audio-decoder-crashed",
                f"A process that listened died after {len(results)} of {len(items)} recordings. If librosa did it, "
                "delete the *.nbi and *.nbc files in its __pycache__ folder, or leave it out with --no-librosa.",
            ) from None
        return results


@contextmanager
def listeners(jobs: int) -> Iterator[Listeners]:
    """So many processes (0: one for each core). Ctrl-C ends them when their present recordings are done."""
    count = jobs or os.cpu_count() or 1
    # Spawned, for a forked child would inherit threads' locks in whatever state they are.
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_settle)
    try:
        yield Listeners(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _settle() -> None:
    """In a child: one thread for linear algebra, for there are as many processes as cores; follow the parent."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
