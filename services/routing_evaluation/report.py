"""What an evaluation of routing found, and the JSON document that holds it.

`report.json`, format version 1; figures have six significant digits, `null` is a figure that is not defined:

- `format_version`, `created` (ISO date), `command`
- `table`: `file`, `sha256`, `rows`
- `features`: names of the nine, in the order of every list of nine; `benchmark`: the eight of the MNE
- `pairs`: list of `PairResult`, field by field; `simulated` tells whether the look-ups ever took place
- `calibration`: `calibration.Calibration`, or null where nothing is simulated
- `versions`: of the predictors, by name
"""

import json
from dataclasses import asdict, dataclass

from core.features import BENCHMARK_NAMES, FEATURE_NAMES
from services.report_files import plain
from services.routing_evaluation.calibration import Calibration
from services.routing_evaluation.figures import SetFigures

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class PairResult:
    """One pair of estimates."""

    base: str
    other: str
    title: str
    simulated: bool
    without_learned: str  #: Why there is no learned router; empty where there is one
    sets: list[SetFigures]  #: The popular tracks where there are any, then all

    @property
    def headline(self) -> SetFigures:
        """The popular tracks, or all where popularity is unknown."""
        return self.sets[0]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the files of a report are made from."""

    created: str  #: ISO date
    command: str
    file: str  #: Name of the table's file
    sha256: str
    table_rows: int
    versions: dict[str, str]
    pairs: list[PairResult]
    calibration: Calibration | None

    def to_json(self) -> str:
        """The content of `report.json`."""
        document = {
            "format_version": FORMAT_VERSION,
            "created": self.created,
            "command": self.command,
            "table": {"file": self.file, "sha256": self.sha256, "rows": self.table_rows},
            "features": FEATURE_NAMES,
            "benchmark": BENCHMARK_NAMES,
            "pairs": [asdict(pair) for pair in self.pairs],
            "calibration": asdict(self.calibration) if self.calibration else None,
            "versions": self.versions,
        }
        return json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
