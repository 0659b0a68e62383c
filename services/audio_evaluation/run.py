"""Run the evaluation: render, listen, judge, write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from audio.synthesis import scoring_styles, tuning_styles
from services.audio_evaluation.hearing import HeardFile, HeardPiece, Listeners, hear_file, hear_piece, listeners
from services.audio_evaluation.librosa_baseline import require_librosa, warm_up
from services.audio_evaluation.pages import report_page
from services.audio_evaluation.plots import draw_plots
from services.audio_evaluation.report import Family, Report, family
from services.audio_evaluation.songs import Song, find_songs, judged, read_labels
from services.report_files import OnStep, Outcome, require_folder, write_report

#: Far from the seeds that somebody who adjusts a method takes: other pieces of the styles it was adjusted to.
_TUNING_SEED_OFFSET = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate and where to write it."""

    out: Path  #: Folder of the report; created if missing
    data: Path | None = None  #: Folder of real recordings, with `ground_truth.csv`
    n_per_style: int = 12
    seed: int = 0
    jobs: int = 0  #: Processes; 0: one for each core
    yardstick: bool = True  #: Whether librosa listens, too

    @property
    def command(self) -> str:
        """The command that does the same, without the folders of this machine."""
        parts = ["musicspace evaluate audio"]
        folders = {"--data": self.data, "--out": self.out}
        parts += [f"{name} {p.name if p.is_absolute() else p}" for name, p in folders.items() if p is not None]
        parts += [f"--n {self.n_per_style}", f"--seed {self.seed}"]
        return " ".join(parts + ([] if self.yardstick else ["--no-librosa"]))


def evaluate_audio(request: Request, on_step: OnStep) -> Outcome[Report]:
    """Judge tempo, key and beats on rendered and real music, and write `report.md`, `report.json` and plots.

    Raises
    ------
    PermanentError
        `file-not-found`: no such folder of recordings. `invalid-option`: `out` is a file, or the labels are no table.
    ConfigurationError
        `extra-missing`: librosa is wanted and not installed.
    """
    if request.yardstick:
        require_librosa()
    songs = find_songs(request.data) if request.data else []
    labels = read_labels(request.data) if request.data else {}
    require_folder(request.out)
    with listeners(request.jobs) as pool:
        if request.yardstick:
            on_step("Warming librosa up", 0, None)
            pool.first(warm_up)
        families = [_scoring(request, pool, on_step), _tuning(request, pool, on_step)]
        heard = _files(request, pool, songs, on_step)
    report = Report(
        created=datetime.now(UTC).date().isoformat(),
        command=request.command,
        seed=request.seed,
        n_per_style=request.n_per_style,
        yardstick=f"librosa {version('librosa')}" if request.yardstick else "left out with --no-librosa",
        families=families,
        songs=[judged(own, request.data, labels) for own in heard] if request.data else [],
    )
    on_step("Writing the report", 0, None)
    return _write(report, request.out)


def _scoring(request: Request, pool: Listeners, on_step: OnStep) -> Family:
    specs = list(scoring_styles.scoring_suite(request.seed, request.n_per_style))
    step = "Hearing scoring styles"
    tasks = [(spec, request.yardstick) for spec in specs]
    on_step(step, 0, len(tasks))
    pieces: list[HeardPiece] = pool.each(hear_piece, tasks, lambda done: on_step(step, done, len(tasks)))
    return family("scoring", scoring_styles.STYLES, pieces)


def _tuning(request: Request, pool: Listeners, on_step: OnStep) -> Family:
    """By our methods alone: it only tells how much better they are on what they were adjusted to."""
    specs = list(tuning_styles.tuning_suite(request.seed + _TUNING_SEED_OFFSET, request.n_per_style))
    step = "Hearing tuning styles"
    on_step(step, 0, len(specs))
    pieces = pool.each(hear_piece, [(spec, False) for spec in specs], lambda done: on_step(step, done, len(specs)))
    return family("tuning", tuning_styles.STYLES, pieces)


def _files(request: Request, pool: Listeners, songs: list[Path], on_step: OnStep) -> list[HeardFile]:
    step = "Hearing real recordings"
    on_step(step, 0, len(songs))
    tasks = [(path, request.yardstick) for path in songs]
    return pool.each(hear_file, tasks, lambda done: on_step(step, done, len(songs)))


def _write(report: Report, out: Path) -> Outcome[Report]:
    plots = draw_plots(report, out)
    pages = {
        "report.md": report_page(report, [path.name for path in plots or []]),
        "report.json": report.to_json(),
    }
    return write_report(report, out, pages, plots)


def real_songs(folder: Path) -> list[Song]:
    """All recordings of a folder heard by our methods alone, in this process."""
    labels = read_labels(folder)
    return [judged(hear_file((path, False)), folder, labels) for path in find_songs(folder)]
