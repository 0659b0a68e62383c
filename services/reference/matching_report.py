"""The page that says how well tracks are found in the reference table."""

from collections.abc import Sequence

from models.matching.scoring import THRESHOLDS
from services.evaluation.markdown import table
from services.reference.evaluation import KindResult, MatchingEvaluation, Sweep

_POSITIVE_HEADER = ("spelled", "tracks", "found", "missed", "wrong", "by key", "near")
_NEGATIVE_HEADER = ("impostor", "tracks", "left alone", "found elsewhere", "wrong")

_INTRODUCTION = """\
# How well tracks are found in the reference table

Copies of real rows, spelled as other people spell them, are looked up in a table of {references:,} recordings. Their
Spotify ids and ISRCs are withheld, so that only artist, title and duration can find them. One track in ten was taken
out of the table beforehand. All figures are of the half of the artists on which no threshold was chosen; the rules that
no threshold governs were written in sight of such copies of both halves, so unseen data may do a little worse.

**{recall:.1%} of {n_positive:,} tracks in the table are found; {wrong:,} of {n:,} look-ups match wrongly
({wrong_rate:.3%}).**

A match is right if it is that track, or another release of it whose nine features differ by less than 0.02 on average
(each divided by its scale). Every other match is wrong, and every match of an impostor is.
"""

_HANGUL = """\
Real Hangul rows are few in the table: one row in forty got a made-up Hangul name and title instead. Hangul is romanized
by the Revised Romanization; names that artists romanize otherwise (아이유 as "IU") are found where both spellings stand
side by side in the file or in the table, and missed elsewhere.
"""

_THRESHOLDS = """\
## Thresholds

Tried on the other half of the artists, each changed by itself. In use: artist {t.artist}, title {t.title}, score
{t.score}, margin {t.margin}. Thresholds matter little beside the rules: versions and numbers in titles must agree,
every word needs a counterpart, durations must agree.
"""


def render(evaluation: MatchingEvaluation, command: str) -> str:
    """The whole page as Markdown."""
    parts = [
        _INTRODUCTION.format(
            references=evaluation.n_references,
            recall=evaluation.recall,
            n_positive=sum(result.n for result in evaluation.positives),
            wrong=evaluation.wrong,
            n=evaluation.n,
            wrong_rate=evaluation.wrong / evaluation.n,
        ),
        "## Tracks that are in the table\n",
        table(_POSITIVE_HEADER, map(_positive_row, evaluation.positives)),
        "",
        _HANGUL,
        "## Impostors: tracks that are not in the table, yet look like one that is\n",
        table(_NEGATIVE_HEADER, map(_negative_row, evaluation.negatives)),
        "",
        "*Found elsewhere*: another release of the very recording is in the table, with the same features.\n",
        _wrong_examples([*evaluation.positives, *evaluation.negatives]),
    ]
    if evaluation.sweeps:
        parts += [_THRESHOLDS.format(t=THRESHOLDS), _sweep_table(evaluation.sweeps), ""]
    parts += [f"Made by\n\n```\n{command}\n```"]
    return "\n".join(parts) + "\n"


def _positive_row(result: KindResult) -> list[str]:
    by_method = (result.methods.get(method, 0) for method in ("key", "near"))
    return [
        result.kind,
        f"{result.n:,}",
        _share(result.right, result.n),
        _share(result.missed, result.n),
        f"{result.wrong:,}",
        *(f"{count:,}" for count in by_method),
    ]


def _negative_row(result: KindResult) -> list[str]:
    counts = (result.right, result.wrong)
    return [result.kind, f"{result.n:,}", _share(result.missed, result.n), *(f"{count:,}" for count in counts)]


def _wrong_examples(results: Sequence[KindResult]) -> str:
    examples = [f"- {result.kind}: {example}" for result in results for example in result.examples]
    return "\n".join(["Wrong matches:\n", *examples, ""]) if examples else "There was no wrong match.\n"


def _sweep_table(sweeps: Sequence[Sweep]) -> str:
    rows = [
        (f"{t.artist} / {t.title} / {t.score} / {t.margin}", f"{sweep.recall:.2%}", f"{sweep.wrong:,} of {sweep.n:,}")
        for sweep in sweeps
        for t in (sweep.thresholds,)
    ]
    return table(("artist / title / score / margin", "found", "wrong"), rows)


def _share(count: int, n: int) -> str:
    return f"{count / n:.1%}" if n else "–"
