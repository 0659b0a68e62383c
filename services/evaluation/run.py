"""Run the evaluation: load, measure, train anew where a split asks for it, compare, write."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.errors import PermanentError
from models.evaluation.baselines import fit_baselines
from models.evaluation.compare import SetResult, compare
from models.evaluation.cost import Cost, measure_cost
from models.evaluation.errors import mne_eight
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.evaluation.scores import Answers
from models.evaluation.splits import EvaluationSet, Split, choose, chosen_splits, make_split
from models.evaluation.thresholds import VarianceReport, variance_report
from models.predictors.protocol import FeaturePredictor
from models.registry import PREDICTORS, load_predictor
from models.training_data import ReferenceTable, read_reference_table
from services.evaluation.details import details_page
from services.evaluation.plots import draw_plots
from services.evaluation.report import Report
from services.evaluation.retraining import retrained_predictor
from services.evaluation.summary import summary_page
from services.report_files import OnStep, Outcome, require_folder, write_report

#: The others are measured against it where it is evaluated, else against the best.
PREFERRED_REFERENCE = "blend"
_LIBRARIES = ("numpy", "scipy", "onnxruntime", "lightgbm", "torch")


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, on what, and where to write it."""

    data: Path  #: A reference table, see `models.training_data.read_reference_table`
    out: Path  #: Folder of the report; created if missing
    work_dir: Path  #: Where predictors trained anew are kept
    artifacts_dir: Path  #: Of the predictors that serve
    splits: tuple[str, ...] = ()  #: Keys of `models.evaluation.splits.SPLITS`; empty: all
    predictors: tuple[str, ...] = ()  #: Keys of `models.registry.PREDICTORS`; empty: all

    @property
    def command(self) -> str:
        """The command that does the same, without the folders of this machine."""
        data, out = (path.name if path.is_absolute() else str(path) for path in (self.data, self.out))
        parts = [f"musicspace evaluate predictors --data {data} --out {out}"]
        parts += [f"--splits {','.join(self.splits)}"] if self.splits else []
        parts += [f"--predictors {','.join(self.predictors)}"] if self.predictors else []
        return " ".join(parts)


def evaluate_predictors(request: Request, on_step: OnStep) -> Outcome[Report]:
    """Compare predictors on the splits of a reference table, and write `report.md`, `details.md`, `report.json`, plots.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no such split or predictor, the file is no reference table or has no tracks for any
        split, or `out` is a file. `file-not-found`: there is no such table.
    ConfigurationError
        `artifact-missing` or `artifact-corrupt`: a predictor cannot be loaded.
    """
    splits = chosen_splits(request.splits)
    names = choose("predictor", request.predictors, list(PREDICTORS))
    require_folder(request.out)
    if "temporal" in splits:
        require_folder(request.work_dir)
    on_step("Reading the table", 0, None)
    table = read_reference_table(request.data)
    report = _evaluate(request, table, splits, names, on_step)
    on_step("Writing the report", 0, None)
    return _write(report, request.out)


def _evaluate(request: Request, table: ReferenceTable, splits: list[str], names: list[str], on_step: OnStep) -> Report:
    sha256 = str(table.describe()["sha256"])
    serving = {name: load_predictor(name, request.artifacts_dir) for name in names}
    # Speed first, while nothing of the table is in the predictors' caches.
    costs = {name: _cost(serving[name], table, request.artifacts_dir, on_step) for name in names}
    results: list[SetResult] = []
    skipped: list[str] = []
    for split in (make_split(name, table) for name in splits):
        if not split.sets:
            skipped.append(f"The table has no tracks for the split {split.name}.")
            continue
        predictors = _retrained(split, names, sha256, request.work_dir, on_step) if split.retrained else serving
        results += _compare_split(split, predictors, results[0].reference if results else None, on_step)
    if not results:
        raise PermanentError("invalid-option", f"{request.data}: {' '.join(skipped)}")
    return Report(
        created=datetime.now(UTC).date().isoformat(),
        command=request.command,
        file=request.data.name,
        sha256=sha256,
        table_rows=len(table),
        versions={name: predictor.version for name, predictor in serving.items()},
        reference=results[0].reference,
        sets=results,
        skipped=skipped,
        costs=costs,
        variance=_variance(table),
        libraries={"python": platform.python_version()} | _library_versions(),
    )


def _compare_split(
    split: Split, predictors: dict[str, FeaturePredictor], reference: str | None, on_step: OnStep
) -> list[SetResult]:
    baselines = fit_baselines(split.training)
    results = []
    for chosen in split.sets:
        on_step(f"Predicting {chosen.title}", 0, None)
        answers = {name: Answers(baseline(chosen.table.tracks)) for name, baseline in baselines.items()}
        answers |= {name: Answers.of(predictor.predict(chosen.table.tracks)) for name, predictor in predictors.items()}
        reference = reference or _reference(chosen, answers, list(predictors))
        results.append(compare(chosen, answers, list(predictors), reference, len(split.training)))
    return results


def _reference(chosen: EvaluationSet, answers: dict[str, Answers], predictors: list[str]) -> str:
    """The preferred predictor, or the best on the first set of the report."""
    if PREFERRED_REFERENCE in predictors:
        return PREFERRED_REFERENCE
    errors = {name: mne_eight(answers[name].values, chosen.table.targets) for name in predictors}
    return min(errors, key=errors.__getitem__)


def _retrained(
    split: Split, names: list[str], sha256: str, work_dir: Path, on_step: OnStep
) -> dict[str, FeaturePredictor]:
    def train(name: str) -> FeaturePredictor:
        step = f"Training {name} for the {split.name} split"
        on_step(step, 0, None)
        return retrained_predictor(name, split, sha256, work_dir, lambda done, total: on_step(step, done, total))

    return {name: train(name) for name in names}


def _cost(predictor: FeaturePredictor, table: ReferenceTable, artifacts_dir: Path, on_step: OnStep) -> Cost:
    on_step(f"Measuring the speed of {predictor.name}", 0, None)
    return measure_cost(predictor, table.tracks, artifacts_dir)


def _variance(table: ReferenceTable) -> dict[str, VarianceReport]:
    tables = {"all": table, "popular": table.popular(BENCHMARK_POPULARITY)}
    return {name: variance_report(rows) for name, rows in tables.items() if len(rows)}


def _library_versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _write(report: Report, out: Path) -> Outcome[Report]:
    plots = draw_plots(report, out)
    pages = {
        "details.md": details_page(report),
        "report.md": summary_page(report, [path.name for path in plots or []]),
        "report.json": report.to_json(),
    }
    return write_report(report, out, pages, plots)
