"""The sets of tracks that predictors are compared on, and what they may have learned from.

- `random`, `artist`: the table's two holdouts; the predictors are those that serve, trained on the fold `train`.
- `temporal`: predictors trained anew on what was released before 2018, judged on 2018-2020 and on 2021 and later.
- `genre`: equally many tracks of every main genre, drawn from both holdouts; the predictors are those that serve.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import PermanentError
from models.evaluation.genres import OTHER, UNKNOWN, main_genres
from models.evaluation.holdouts import BENCHMARK_POPULARITY
from models.training_data import HOLDOUT_FOLDS, TRAIN_FOLD, ReferenceTable

VALIDATION_FOLD, TEST_FOLD = "validation", "test"
#: First years of the validation and the test part of the temporal split.
VALIDATION_YEAR, TEST_YEAR = 2018, 2021
#: A main genre with fewer tracks is left out of the genre-stratified sets: it would make them too small.
FEWEST_OF_GENRE = 50
GENRE_SEED = 42
# One track has an error, yet no standard error.
_FEWEST_TRACKS = 2


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Tracks to be judged on."""

    split: str  #: Key of `SPLITS`
    title: str
    min_popularity: int | None  #: Only tracks of at least this popularity; None: all
    table: ReferenceTable


@dataclass(frozen=True, slots=True)
class Split:
    """What is learned from, and the sets to be judged on."""

    name: str
    training: ReferenceTable  #: Rows of the fold `train`, all of which the predictors and baselines learned from
    retrained: bool  #: Whether predictors have to be trained on `training`; else the serving ones are
    sets: list[EvaluationSet]  #: None without tracks


def make_split(name: str, table: ReferenceTable) -> Split:
    """The split of that name, a key of `SPLITS`."""
    return SPLITS[name](table)


def chosen_splits(names: Sequence[str]) -> list[str]:
    """Checked names of splits in the order of `SPLITS`; all where none is given.

    Raises
    ------
    PermanentError
        `invalid-option`: there is no split of that name.
    """
    return choose("split", names, list(SPLITS))


def choose(kind: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of `known` that are named, all where `names` is empty; raises `invalid-option` for any other name."""
    for name in names:
        if name not in known:
            reason = f"There is no {kind} {name!r}. Known ones: {', '.join(known)}."
            raise PermanentError("invalid-option", reason)
    return [name for name in known if name in names or not names]


def temporal_table(table: ReferenceTable) -> ReferenceTable:
    """The rows of the temporal split, their folds named `train`, `validation` and `test`.

    `train` holds what the fold `train` has from before 2018: of a known year, or of a decade up to the 2000s where the
    decade alone is known. "2010s" may mean 2018 or 2019, so such rows are left out, as are those without any date and
    the holdouts' older rows. `validation` and `test` take the rows of all folds from 2018-2020 and from 2021 on.
    """
    year = np.array(table.tracks.release_year, dtype=np.float64)
    decade = np.array(table.tracks.decade, dtype=np.float64)
    old = (year < VALIDATION_YEAR) | (np.isnan(year) & (decade + 9 < VALIDATION_YEAR))
    fold = np.full(len(table), "", dtype="U16")
    fold[old & (table.fold == TRAIN_FOLD)] = TRAIN_FOLD
    fold[(year >= VALIDATION_YEAR) & (year < TEST_YEAR)] = VALIDATION_FOLD
    fold[year >= TEST_YEAR] = TEST_FOLD
    return replace(table, fold=fold).select(fold != "")


def stratify(table: ReferenceTable) -> ReferenceTable:
    """Equally many tracks of every main genre: as many as the smallest has that reaches `FEWEST_OF_GENRE`."""
    genres = main_genres(table.tracks.genres)
    counts = {
        genre: count
        for genre, count in Counter(genres.tolist()).items()
        if count >= FEWEST_OF_GENRE and genre not in (OTHER, UNKNOWN)
    }
    rng = np.random.default_rng(GENRE_SEED)
    chosen = np.zeros(len(table), dtype=np.bool_)
    for genre in sorted(counts):
        chosen[rng.choice(np.flatnonzero(genres == genre), size=min(counts.values()), replace=False)] = True
    return table.select(chosen)


def _holdout(name: str, fold: str) -> Callable[[ReferenceTable], Split]:
    def make(table: ReferenceTable) -> Split:
        return Split(name, table.in_fold(TRAIN_FOLD), retrained=False, sets=_sets(name, fold, table.in_fold(fold)))

    return make


def _temporal(table: ReferenceTable) -> Split:
    rows = temporal_table(table)
    training = rows.in_fold(TRAIN_FOLD)
    sets = _sets("temporal", f"temporal {TEST_YEAR}+", rows.in_fold(TEST_FOLD))
    sets += _sets("temporal", f"temporal {VALIDATION_YEAR}-{TEST_YEAR - 1}", rows.in_fold(VALIDATION_FOLD))
    return Split("temporal", training, retrained=True, sets=sets if len(training) else [])


def _genre(table: ReferenceTable) -> Split:
    holdouts = table.select(np.isin(table.fold, HOLDOUT_FOLDS))
    return Split("genre", table.in_fold(TRAIN_FOLD), False, _sets("genre", "genre-stratified", holdouts, stratify))


def _sets(
    split: str, title: str, table: ReferenceTable, draw: Callable[[ReferenceTable], ReferenceTable] | None = None
) -> list[EvaluationSet]:
    """The popular tracks and all of them, as far as there are any; with `draw`, what it takes of each."""
    tables = {BENCHMARK_POPULARITY: table.popular(BENCHMARK_POPULARITY), None: table}
    sets = [EvaluationSet(split, title, least, draw(own) if draw else own) for least, own in tables.items()]
    return [test for test in sets if len(test.table) >= _FEWEST_TRACKS]


SPLITS: dict[str, Callable[[ReferenceTable], Split]] = {
    "random": _holdout("random", "random-holdout"),
    "artist": _holdout("artist", "artist-holdout"),
    "temporal": _temporal,
    "genre": _genre,
}
