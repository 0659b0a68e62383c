"""How often real tracks, respelled, are matched to the reference table, and how often wrongly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import get_engine, open_session
from models.training_data import read_reference_table
from services.reference.evaluation import MatchingEvaluation, evaluate_matches
from services.reference.impostors import NEGATIVE
from services.reference.perturbations import POSITIVE

PER_KIND = 150


@pytest.fixture(scope="module")
def evaluation(shared_data: Path, template_url: str) -> MatchingEvaluation:
    table = read_reference_table(shared_data / "tracks.parquet")
    with open_session(template_url) as session:
        return evaluate_matches(session, table, per_kind=PER_KIND, seed=11, on_step=lambda *_: None, tune=False)


@pytest.fixture(scope="module")
def template_url(servers, template_database: str) -> Iterator[str]:
    """Nothing is committed, so the template that other tests clone stays empty."""
    from urllib.parse import urlsplit, urlunsplit

    url = urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{template_database}"))
    yield url
    get_engine(url).dispose()


def test_recall_and_wrong_matches(evaluation: MatchingEvaluation) -> None:
    assert evaluation.recall >= 0.95
    # One in a thousand: two releases under one name, in one length, with other features cannot be told apart.
    assert evaluation.wrong <= evaluation.n / 1000


@pytest.mark.parametrize("kind", POSITIVE)
def test_every_spelling_is_found(evaluation: MatchingEvaluation, kind: str) -> None:
    (result,) = (result for result in evaluation.positives if result.kind == kind)
    typos = "typo" in kind or "several" in kind
    assert result.right / result.n >= (0.75 if typos else 0.95)


@pytest.mark.parametrize("kind", NEGATIVE)
def test_impostors_are_left_alone(evaluation: MatchingEvaluation, kind: str) -> None:
    (result,) = (result for result in evaluation.negatives if result.kind == kind)
    assert result.n > PER_KIND / 2
    assert result.wrong <= 1
