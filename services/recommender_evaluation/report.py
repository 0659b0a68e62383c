"""What an evaluation of recommenders found, and the JSON document that holds it.

`report.json`, format version 1; figures have six significant digits, `null` is a figure that is not defined:

- `format_version`, `created` (ISO date), `command`
- `data`: `folder`, `sha256` (of the table of plays), `users`, `items`, `known` and `held_out` (pairs of user and item),
  `described` (items of known audio features)
- `measures`: names of what every user has a figure of
- `rows`: list of `name`, `title`, `users` (who were asked), `single`; by measure `mean`, `low`, `high` (95 %);
  `coverage`, `novelty`, `fit_seconds`, `ms_per_user`
- `comparisons`: list of `figures.Comparison`: how much `name` exceeds `other`, paired over users
- `weights`: by row that merges, shares by set of models
- `libraries`: versions that it ran with
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from models.recommenders.merging import MergeWeights
from services.recommender_evaluation.figures import MEASURES, Comparison, Row
from services.recommender_evaluation.rows import ROWS
from services.report_files import plain

FORMAT_VERSION = 1
#: By this rows are ordered and judged.
MAIN_MEASURE = "NDCG@100"


@dataclass(frozen=True, slots=True)
class Data:
    """What was evaluated on."""

    folder: str  #: Its name.
    sha256: str
    users: int
    items: int
    known: int
    held_out: int
    described: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the files of a report are made from."""

    created: str  #: ISO date
    command: str
    data: Data
    rows: Sequence[Row]
    comparisons: Sequence[Comparison]
    weights: Mapping[str, MergeWeights]  #: Of the rows that merge.
    libraries: dict[str, str]

    @property
    def singles(self) -> list[Row]:
        """Rows of one method each, the best first."""
        singles = [row for row in self.rows if ROWS[row.name].single]
        return sorted(singles, key=lambda row: -row.interval(MAIN_MEASURE).mean)

    def title(self, row: Row) -> str:
        """Its name for people, with the number of users where not all of them were asked."""
        title = ROWS[row.name].title
        return title if row.n_users == self.data.users else f"{title} ({row.n_users:,} users)"

    def find(self, name: str, other: str) -> Comparison | None:
        """How much a row exceeds another one, where both were evaluated."""
        return next((each for each in self.comparisons if (each.name, each.other) == (name, other)), None)

    def to_json(self) -> str:
        """The content of `report.json`."""
        document = {
            "format_version": FORMAT_VERSION,
            "created": self.created,
            "command": self.command,
            "data": asdict(self.data),
            "measures": MEASURES,
            "rows": [_row(row) for row in self.rows],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "weights": {name: json.loads(own.to_json()) for name, own in self.weights.items()},
            "libraries": self.libraries,
        }
        return json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "title": ROWS[row.name].title,
        "users": row.n_users,
        "single": ROWS[row.name].single,
        **{measure: asdict(row.interval(measure)) for measure in MEASURES},
        "coverage": row.coverage,
        "novelty": row.novelty,
        "fit_seconds": row.fit_seconds,
        "ms_per_user": row.ms_per_user,
    }
