"""Run the evaluation: read, route by every strategy, compare, write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation.errors import normalized_errors
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.registry import PREDICTORS, load_predictor, train_extra
from models.routing.genre_groups import genre_groups
from models.routing.protocol import Routed
from models.routing.simulation_fit import Ground
from models.routing.strategies import STRATEGIES, oracle
from models.training_data import ReferenceTable, read_reference_table
from services.report_files import OnStep, Outcome, require_folder, write_report
from services.routing_evaluation.calibration import Calibration, calibrate
from services.routing_evaluation.figures import LEARNED, ORACLE, SetFigures, figures
from services.routing_evaluation.pages import report_page
from services.routing_evaluation.pairs import DEFAULT_PAIRS, Sources, Study, popular_rows, split_pair
from services.routing_evaluation.plots import draw_plots
from services.routing_evaluation.report import PairResult, Report

if TYPE_CHECKING:
    pass

#: With fewer tracks no router is learned: it would learn them by heart, and its figures would mean little.
FEWEST_TO_LEARN = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, on what, and where to write it."""

    data: Path  #: A reference table, see `models.training_data.read_reference_table`
    out: Path  #: Folder of the report; created if missing
    artifacts_dir: Path  #: Of the predictors that serve
    pairs: tuple[str, ...] = ()  #: As `pairs.split_pair` takes them; empty: `DEFAULT_PAIRS`

    @property
    def command(self) -> str:
        """The command that does the same, without the folders of this machine."""
        data, out = (path.name if path.is_absolute() else str(path) for path in (self.data, self.out))
        parts = [f"musicspace evaluate routing --data {data} --out {out}"]
        parts += [f"--pair {','.join(Path(part).name for part in pair.split(','))}" for pair in self.pairs]
        return " ".join(parts)


def evaluate_routing(request: Request, on_step: OnStep) -> Outcome[Report]:
    """Route pairs of estimates by every strategy, and write `report.md`, `report.json` and plots.

    Raises
    ------
    PermanentError
        `invalid-option`: a name is no pair, a file is no table, or `out` is a file. `file-not-found`.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: a predictor cannot be loaded.
    """
    names = request.pairs or DEFAULT_PAIRS
    for name in names:
        split_pair(name)
    require_folder(request.out)
    on_step("Reading the table", 0, None)
    table = read_reference_table(request.data)
    sources = Sources(table, request.artifacts_dir)
    studies = []
    for name in names:
        on_step(f"Estimates of {name}", 0, None)
        studies.append(sources.study(name))
    results = [_evaluate(study, on_step) for study in studies]
    used = {name for study in studies for name in (study.base, study.other) if name in PREDICTORS}
    used |= {"m1", "m2"} if any(study.simulated for study in studies) else set()
    report = Report(
        created=datetime.now(UTC).date().isoformat(),
        command=request.command,
        file=request.data.name,
        sha256=str(table.describe()["sha256"]),
        table_rows=len(table),
        versions={name: load_predictor(name, request.artifacts_dir).version for name in sorted(used)},
        pairs=results,
        calibration=_calibration(sources) if any(study.simulated for study in studies) else None,
    )
    on_step("Writing the report", 0, None)
    return _write(report, request.out)


def _evaluate(study: Study, on_step: OnStep) -> PairResult:
    targets = study.table.targets
    routed: dict[str, Routed] = {name: strategy(study.pair) for name, strategy in STRATEGIES.items()}
    gains, reason = None, ""
    if len(study.table) >= FEWEST_TO_LEARN:
        step = f"Learning routers for {study.title}"
        on_step(step, 0, None)
        with train_extra("routers"):
            from models.routing.learned_training import cross_fit
        fit = cross_fit(study.pair, targets, study.table.tracks.artist, lambda done, total: on_step(step, done, total))
        routed[LEARNED], gains = fit.routed, fit.expected_gain
    else:
        reason = f"No router was learned: {len(study.table):,} tracks are fewer than {FEWEST_TO_LEARN:,}."
    routed[ORACLE] = oracle(study.pair, targets)
    sets: list[SetFigures] = []
    for least in (BENCHMARK_POPULARITY, None):
        rows = popular_rows(study, least)
        if len(rows):
            chosen = {name: own.take(rows) for name, own in routed.items()}
            expected = None if gains is None else gains[rows]
            sets.append(figures(study.pair.take(rows), targets[rows], chosen, expected, least))
    return PairResult(study.base, study.other, study.title, study.simulated, reason, sets)


def _calibration(sources: Sources) -> Calibration | None:
    """On the popular tracks of the holdouts; None where there are none."""
    table: ReferenceTable = sources.holdouts
    popularity = np.array(table.tracks.popularity, dtype=np.float64)
    popular = np.flatnonzero(popularity >= BENCHMARK_POPULARITY)
    if not len(popular):
        return None
    own = table.tracks.take(popular.tolist())
    truth = table.targets[popular].astype(np.float64)
    m1, m2 = (normalized_errors(sources.prediction(name).values[popular], truth) for name in ("m1", "m2"))
    return calibrate(Ground(truth, m1, m2, own.popularity), genre_groups(own.genres))


def _write(report: Report, out: Path) -> Outcome[Report]:
    plots = draw_plots(report, out)
    pages = {
        "report.md": report_page(report, [path.name for path in plots or []]),
        "report.json": report.to_json(),
    }
    return write_report(report, out, pages, plots)
