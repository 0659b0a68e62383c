"""Task: listen to the audio of a few tracks."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.settings import Settings, get_settings
from core.telemetry import get_logger
from db.engine import open_session
from tasks.app import app
from tasks.execution import run_work_item
from tasks.progress import note_progress
from tasks.queues import TaskName
from tasks.stopping import is_time_up

if TYPE_CHECKING:
    from services.audio_analysis.pipeline import AudioAnalyzer

log = get_logger(__name__)

# Of the time that a stopped worker has, the share in which it still hopes to finish its item. Then it hands it back.
_SHARE_TO_FINISH = 0.5

_open: "list[AudioAnalyzer]" = []


@app.task(name=str(TaskName.ANALYZE))
def analyze(item_id: int) -> None:
    """Claim the item and analyze its tracks; each file that cannot be analyzed fails by itself."""
    settings = get_settings()

    def work(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
        return _analyze(session, payload, settings)

    run_work_item(item_id, work, settings)


def _analyze(session: Session, payload: dict[str, Any], settings: Settings) -> dict[str, Any]:
    from services.audio_analysis.hearing import hear
    from services.audio_analysis.storing import store_heard
    from services.audio_analysis.work_plan import Mode, make_plan
    from services.routing import Preference

    analyzer = open_analyzer(settings)
    space = analyzer.embedder.space
    # A session of its own: no transaction stays open while files are listened to.
    with open_session(settings.required_database_url) as own:
        plan = make_plan(own, payload["targets"], mode=Mode(payload["mode"]), space=space, audio=settings.audio)
    stop_after_s = _SHARE_TO_FINISH * settings.worker.soft_shutdown_seconds

    def must_stop() -> bool:
        note_progress()
        return is_time_up(stop_after_s)

    heard = hear(plan, analyzer, settings.audio, must_stop)
    return store_heard(
        session,
        plan,
        heard,
        space=space,
        preference=Preference(settings.enrich.predictor),
        min_tempo_confidence=settings.audio.min_tempo_confidence,
    )


def open_analyzer(settings: Settings) -> "AudioAnalyzer":
    """The embedder and the decoding processes of this process, opened once and kept for all items.

    Raises
    ------
    ConfigurationError
        `embedder-unavailable`: the embedder that is set cannot be loaded.
    """
    if not _open:
        from services.audio_analysis.embedders import open_embedder
        from services.audio_analysis.pipeline import AudioAnalyzer

        analyzer = AudioAnalyzer(open_embedder(settings.embed), settings.audio, decoders=settings.embed.decoders)
        _open.append(analyzer.__enter__())
    return _open[0]


def close_analyzer() -> None:
    """End the decoding processes, if there are any."""
    while _open:
        _open.pop().close()
