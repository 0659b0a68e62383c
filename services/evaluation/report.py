"""What an evaluation found, and the JSON document that holds it.

`report.json`, format version 1; figures have six significant digits, `null` is a figure that is not defined:

- `format_version`, `created` (ISO date), `command`
- `table`: `file`, `sha256`, `rows`
- `features`: names of the nine, in the order of every list of nine; `benchmark`: the eight of the MNE
- `predictors`: by name, `version` of the serving artifact; `baselines`: names
- `reference`: the predictor that the others are measured against
- `sets`: list of `models.evaluation.compare.SetResult`, field by field
- `skipped`: sentences on sets that the table has no tracks for
- `costs`: by predictor, `models.evaluation.cost.Cost`
- `variance`: by `all` and `popular`, `models.evaluation.thresholds.VarianceReport`
- `libraries`: versions that it ran with
"""

import json
from dataclasses import asdict, dataclass

from core.features import BENCHMARK_NAMES, FEATURE_NAMES
from models.evaluation.baselines import BASELINES
from models.evaluation.compare import SetResult
from models.evaluation.cost import Cost
from models.evaluation.thresholds import VarianceReport
from services.report_files import plain

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the files of a report are made from."""

    created: str  #: ISO date
    command: str
    file: str  #: Name of the table's file
    sha256: str
    table_rows: int
    versions: dict[str, str]  #: Of the serving predictors, by name
    reference: str
    sets: list[SetResult]
    skipped: list[str]
    costs: dict[str, Cost]
    variance: dict[str, VarianceReport]  #: `all` tracks, and the `popular` ones where there are any
    libraries: dict[str, str]

    @property
    def headline_sets(self) -> list[SetResult]:
        """One set of each title: the popular tracks, or all where popularity is unknown."""
        first: dict[str, SetResult] = {}
        for result in self.sets:
            first.setdefault(result.title, result)
        return list(first.values())

    def to_json(self) -> str:
        """The content of `report.json`."""
        document = {
            "format_version": FORMAT_VERSION,
            "created": self.created,
            "command": self.command,
            "table": {"file": self.file, "sha256": self.sha256, "rows": self.table_rows},
            "features": FEATURE_NAMES,
            "benchmark": BENCHMARK_NAMES,
            "predictors": {name: {"version": version} for name, version in self.versions.items()},
            "baselines": BASELINES,
            "reference": self.reference,
            "sets": [asdict(result) for result in self.sets],
            "skipped": self.skipped,
            "costs": {name: asdict(cost) for name, cost in self.costs.items()},
            "variance": {name: asdict(report) for name, report in self.variance.items()},
            "libraries": self.libraries,
        }
        return json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
