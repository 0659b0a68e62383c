"""Make the reference that the `dsp` embedder compares with: `python -m benchmarks.dsp_reference FOLDER`.

The folder is searched for audio of all kinds, the more the better. Vectors of another reference do not compare: raise
the number in `audio.dsp_embedder.SPACE` with it.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from audio.decoding import decode
from audio.dsp_embedder import REFERENCE_FILE, REFERENCE_FORMAT, Reference
from audio.dsp_features import BLOCKS, measure
from audio.spectra import ANALYSIS_RATE_HZ
from core.errors import PermanentError
from services.audio_analysis.windows import choose_windows

# Few recordings: a feature's own deviation is half a guess, so half of it is that of its block.
_OWN_SHARE = 0.5


def main() -> None:
    """Measure all recordings of a folder, each with the same weight, and write the reference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    recordings = []
    # A name in several formats is one recording.
    by_name = {path.stem: path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".txt"}
    for path in by_name.values():
        try:
            windows = choose_windows(decode(path), ANALYSIS_RATE_HZ, 30.0, 30.0, 30.0)
        except PermanentError as error:
            print(f"left out: {error}")
            continue
        recordings.append(np.stack([measure(samples) for samples in windows.samples]))
    if not recordings:
        raise SystemExit(f"{folder} holds no audio that can be decoded.")
    reference = fit(recordings)
    stored = {
        "format": REFERENCE_FORMAT,
        "blocks": BLOCKS,
        "recordings": len(recordings),
        "mean": [round(float(value), 5) for value in reference.mean],
        "deviation": [round(float(value), 5) for value in reference.deviation],
    }
    REFERENCE_FILE.write_text(json.dumps(stored) + "\n")
    print(f"{REFERENCE_FILE}: {len(recordings)} recordings, {sum(map(len, recordings))} windows")


def fit(recordings: list[np.ndarray]) -> Reference:
    """Means and deviations over recordings, features float32 [windows, n] each."""
    features = np.concatenate(recordings)
    weights = np.concatenate([np.full(len(windows), 1 / len(windows)) for windows in recordings]) / len(recordings)
    mean = weights @ features
    variance = weights @ (features - mean) ** 2
    shared = np.concatenate(
        [np.full(len(part), part.mean()) for part in np.split(variance, np.cumsum(list(BLOCKS.values()))[:-1])]
    )
    deviation = np.sqrt(_OWN_SHARE * variance + (1 - _OWN_SHARE) * shared)
    return Reference(mean.astype(np.float32), deviation.astype(np.float32))


if __name__ == "__main__":
    main()
