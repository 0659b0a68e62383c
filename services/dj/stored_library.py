"""The library of a folder of audio, made of what is stored."""

import json
from collections.abc import Callable

import numpy as np

from core.audio import AudioDescription
from core.audio_records import from_record
from core.errors import PermanentError
from db.local_index import Analysis, LocalIndex
from models.dj.columns import N_COLUMNS, numbers_of
from models.dj.library import DjLibrary, TrackTable


def library_of(
    store: LocalIndex, version: str, space: str, dimensions: int, on_track: Callable[[int, int], None]
) -> tuple[DjLibrary, dict[int, str]]:
    """All analyzed tracks of a version, and their paths by id."""
    n = store.count(version)
    numbers, paths = [], {}
    intro, outro = np.zeros((n, dimensions), np.float32), np.zeros((n, dimensions), np.float32)
    for row, (track_id, path, analysis) in enumerate(store.analyses(version)):
        on_track(row, n)
        numbers.append(numbers_of(description_of(analysis)))
        intro[row], outro[row] = np.frombuffer(analysis.intro, "<f4"), np.frombuffer(analysis.outro, "<f4")
        paths[track_id] = path
    columns = np.array(numbers, np.float32).reshape(n, N_COLUMNS).T
    return DjLibrary(TrackTable(space, list(paths), columns, intro, outro)), paths


def description_of(analysis: Analysis) -> AudioDescription:
    """The description of a stored analysis; raises `PermanentError` (`dj-index-corrupt`) where it is damaged."""
    try:
        return from_record(json.loads(analysis.description), analysis.profiles)
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError("dj-index-corrupt", f"A stored description cannot be read ({error}).") from error
