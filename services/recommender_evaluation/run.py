"""Run the evaluation: read, split, make each recommender ready, rank for every user, compare, write."""

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from core.durable_files import replacing
from core.errors import PermanentError
from models.evaluation.splits import choose
from models.recommenders.merging import ALONE_FILE, WEIGHTS_FILE, MergeWeights
from services.recommender_evaluation.figures import Comparison, Row, compare, measure
from services.recommender_evaluation.ground import Ground
from services.recommender_evaluation.lastfm import Listening, read_lastfm
from services.recommender_evaluation.pages import report_page
from services.recommender_evaluation.plots import draw_plots
from services.recommender_evaluation.report import Data, Report
from services.recommender_evaluation.rows import OURS, ROWS
from services.recommender_evaluation.splits import Split, leave_out
from services.report_files import OnStep, Outcome, require_folder, write_report

_WEIGHTS_FILES = {"merged": WEIGHTS_FILE, "merged-alone": ALONE_FILE}
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "catboost", "implicit")


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, on what, and where to write it."""

    data: Path  #: Folder of Last.fm, see `lastfm.read_lastfm`
    tracks: Path  #: Table of tracks with audio features
    out: Path | None = None  #: Folder of the report; None: nothing is written
    rows: tuple[str, ...] = ()  #: Keys of `rows.ROWS`; empty: all
    users: int | None = None  #: Only so many users
    write_weights: Path | None = None  #: Folder for the weights of the mergers

    @property
    def command(self) -> str:
        """The command that does the same, without the folders of this machine."""
        parts = [f"musicspace evaluate recommenders --data {_shown(self.data)}"]
        parts += [f"--out {_shown(self.out)}"] if self.out else []
        parts += [f"--rows {','.join(self.rows)}"] if self.rows else []
        parts += [f"--users {self.users}"] if self.users else []
        return " ".join(parts)


def evaluate_recommenders(request: Request, on_step: OnStep) -> Outcome[Report]:
    """Compare recommenders on Last.fm; write `report.md`, `report.json` and a plot where there is a folder for them.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no such row, a file is not what it should be, weights are to be written and nothing
        is merged. `file-not-found`.
    """
    names = choose("row", request.rows, list(ROWS))
    if request.write_weights is not None:
        if not _WEIGHTS_FILES.keys() & set(names):
            mergers = " and ".join(_WEIGHTS_FILES)
            raise PermanentError("invalid-option", f"Weights are learned for the rows {mergers}; add one to --rows.")
        require_folder(request.write_weights)
    if request.out is not None:
        require_folder(request.out)
    on_step("Reading Last.fm", 0, None)
    listening = read_lastfm(request.data, request.tracks)
    split = leave_out(listening, request.users)
    if not len(split):
        raise PermanentError("invalid-option", f"{request.data} has no user with enough artists to hold some out.")
    rows, weights = _evaluate(split, names, on_step)
    report = Report(
        created=datetime.now(UTC).date().isoformat(),
        command=request.command,
        data=_describe(request.data, listening, split),
        rows=rows,
        comparisons=_comparisons(rows),
        weights=weights,
        libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )
    if request.write_weights is not None:
        for name, own in weights.items():
            _write_weights(own, report, request.write_weights / _WEIGHTS_FILES[name])
    return _write(report, request.out)


def _evaluate(split: Split, names: Sequence[str], on_step: OnStep) -> tuple[list[Row], dict[str, MergeWeights]]:
    ground, rows, weights = Ground(split, on_step, range(len(split))), [], {}
    for name in names:
        row, learned = _measured(ground, name, on_step)
        rows.append(row)
        if learned is not None:
            weights[name] = learned
    return rows, weights


def _measured(ground: Ground, name: str, on_step: OnStep) -> tuple[Row, MergeWeights | None]:
    kind = ROWS[name]
    on_step(f"Preparing {kind.title}", 0, None)
    ready = kind.make(ground)
    n_users = len(ground.split) if ready.users is None else len(ready.users)

    def on_user(done: int) -> None:
        on_step(f"Ranking by {kind.title}", done, n_users)

    row = measure(name, ground.split, ready.rank, ready.fit_seconds, on_user, ready.users)
    return row, ready.weights


def _comparisons(rows: Sequence[Row]) -> list[Comparison]:
    """Each model of this project against everything that is above it in the table."""
    return [compare(row, other) for place, row in enumerate(rows) if row.name in OURS for other in rows[:place]]


def _describe(folder: Path, listening: Listening, split: Split) -> Data:
    return Data(
        folder=folder.name,
        sha256=hashlib.sha256((folder / "plays.parquet").read_bytes()).hexdigest(),
        users=len(split),
        items=len(split.catalog),
        known=sum(len(history) for history in split.histories),
        held_out=sum(len(items) for items in split.held_out),
        described=listening.matched,
    )


def _write_weights(weights: MergeWeights, report: Report, path: Path) -> None:
    provenance = {
        "command": f"{report.command} --write-weights",
        "created": report.created,
        "data": f"Last.fm HetRec 2011 (plays: SHA-256 {report.data.sha256})",
    }
    content = MergeWeights(weights.shares, provenance | dict(weights.provenance)).to_json()
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def _write(report: Report, out: Path | None) -> Outcome[Report]:
    if out is None:
        return Outcome(report, [], plots_missing=False)
    plots = draw_plots(report, out)
    pages = {
        "report.md": report_page(report, [path.name for path in plots or []]),
        "report.json": report.to_json(),
    }
    return write_report(report, out, pages, plots)


def _shown(path: Path) -> str:
    return path.name if path.is_absolute() else str(path)
