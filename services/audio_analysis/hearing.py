"""Listen to the files of a plan; each gets a description and vectors, or its error."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from core.audio import Segment
from core.audio_records import to_record
from core.audio_settings import AudioSettings
from core.errors import MusicSpaceError, NotNowError, PermanentError, RetryableError
from core.telemetry import get_logger
from db.repositories.audio import AudioRow
from services.audio_analysis.file_states import content_hash
from services.audio_analysis.pipeline import Analyzed, Failed
from services.audio_analysis.work_plan import Plan, Source, failed, note_unreachable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from services.audio_analysis.pipeline import AudioAnalyzer

log = get_logger(__name__)

# A URL that still fails then fails its track; the next job asks again.
_FETCHES = 3


@dataclass(slots=True)
class Heard:
    """Rows and vectors to store."""

    rows: list[AudioRow] = field(default_factory=list)
    vectors: dict[int, dict[Segment, bytes]] = field(default_factory=dict)


def hear(plan: Plan, analyzer: "AudioAnalyzer", audio: AudioSettings, must_stop: Callable[[], bool]) -> Heard:
    """Listen to everything that the plan says; `must_stop` is called after each file.

    Raises
    ------
    NotNowError
        `worker-stopping`: `must_stop` said so before the last file was done.
    """
    heard = Heard()
    with TemporaryDirectory(prefix="musicspace-audio-") as folder:
        sources = _Sources(plan, Path(folder), audio, must_stop)
        results = cast("Generator[Analyzed[int] | Failed[int]]", analyzer.analyze(sources.files()))
        # Closed at once where this ends early, so that no decoder goes on.
        with closing(results):
            for result in results:
                source = sources.taken.pop(result.key)
                _keep(heard, source, result)
                sources.drop(source)
                sources.stop_if_asked()
    return heard


def _keep(heard: Heard, source: Source, result: Analyzed[int] | Failed[int]) -> None:
    if isinstance(result, Failed):
        heard.rows.append(_failed(source, result.error))
        return
    record, profiles = to_record(result.description)
    try:
        # Postgres knows no NaN in JSON; one would fail the whole item.
        json.dumps(record, allow_nan=False)
    except ValueError:
        broken = PermanentError("unexpected", "A descriptor is not a number.")
        heard.rows.append(_failed(source, broken))
        return
    heard.rows.append(replace(source.row, description=record, profiles=profiles))
    heard.vectors[source.track_id] = {segment: _bytes(vector) for segment, vector in result.vectors.items()}


def _failed(source: Source, error: MusicSpaceError) -> AudioRow:
    log.warning("audio_not_analyzed", track_id=source.track_id, code=error.code, reason=error.message)
    return failed(source, error)


def _bytes(vector: "NDArray[np.float32]") -> bytes:
    return vector.astype("<f4").tobytes()


class _Sources:
    """Hands out files, fetching URLs on the way, one at a time: decoders work meanwhile."""

    def __init__(self, plan: Plan, folder: Path, audio: AudioSettings, must_stop: Callable[[], bool]) -> None:
        self._plan = plan
        self._must_stop = must_stop
        self._waiting = plan.to_hear[::-1]
        self._folder = folder
        self._audio = audio
        self.taken: dict[int, Source] = {}

    def stop_if_asked(self) -> None:
        if self._must_stop() and (self._waiting or self.taken):
            raise NotNowError("The worker is being stopped.", 0.0, "worker-stopping")

    def files(self) -> Iterator[tuple[int, Path]]:
        while self._waiting:
            source = self._waiting.pop()
            if source.path is None:
                try:
                    source = self._fetched(source)
                except MusicSpaceError as error:
                    note_unreachable(self._plan, self._plan.stored[source.track_id], source.uri, error)
                    self.stop_if_asked()
                    continue
            assert source.path is not None
            self.taken[source.track_id] = source
            yield source.track_id, source.path

    def drop(self, source: Source) -> None:
        """Delete what was fetched as soon as it was heard."""
        if source.state is None and source.path is not None:
            source.path.unlink(missing_ok=True)

    def _fetched(self, source: Source) -> Source:
        from integrations.audio_download import download

        attempts = Retrying(
            retry=retry_if_exception_type(RetryableError),
            stop=stop_after_attempt(_FETCHES),
            wait=wait_random_exponential(multiplier=0.5, max=5),
            reraise=True,
        )
        path = attempts(download, source.uri, self._folder, self._audio)
        return replace(source, path=path, content_hash=content_hash(path))
