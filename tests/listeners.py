"""What decoding processes do in tests: real work, and what broken decoders do to a process."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from core.audio import Segment
from services.audio_analysis.listening import Heard, Listening, listen


def fragile(listening: Listening, path: Path) -> Heard:
    """Listen, but for names that say what happens instead."""
    if "crash-once" in path.name:
        scar = path.with_suffix(".scar")
        if not scar.exists():
            scar.touch()
            os.kill(os.getpid(), signal.SIGSEGV)
    elif "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    elif "hang" in path.name:
        time.sleep(600)
    elif "bug" in path.name:
        raise KeyError("nobody expected this")
    elif "exit" in path.name:
        os._exit(3)
    return listen(listening, path)


def quick(listening: Listening, path: Path) -> Heard:
    """Three windows of noise, without reading or describing anything."""
    if "hang" in path.name:
        time.sleep(600)
    rng = np.random.default_rng(sum(path.name.encode()))
    windows = [listening.prepare(rng.normal(0, 0.1, 4096).astype(np.float32)) for _ in range(3)]
    members = {Segment.INTRO: (0,), Segment.OUTRO: (2,), Segment.FULL: (0, 1, 2)}
    return Heard(None, windows, members)  # type: ignore[arg-type]
