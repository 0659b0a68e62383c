"""What the report says of its figures follows from them, whoever wins."""

import numpy as np
import pytest

from core.user_models import ModelKind
from models.recommenders.merging import MergeWeights
from services.recommender_evaluation.figures import MEASURES, Row, compare
from services.recommender_evaluation.findings import findings
from services.recommender_evaluation.pages import report_page
from services.recommender_evaluation.report import Data, Report
from services.recommender_evaluation.rows import OURS, ROWS

N_USERS = 200


def row(name: str, level: float, noise: float = 0.02, coverage: float = 0.1) -> Row:
    """Users differ widely, rows on the same user little."""
    users = np.random.default_rng(0).uniform(0, 0.4, N_USERS)
    own = np.random.default_rng(list(ROWS).index(name) + 1).normal(0, noise, N_USERS)
    values = users + own - own.mean() + level
    return Row(name, N_USERS, dict.fromkeys(MEASURES, values), coverage, 5.0, 1.0, 2.0)


def report(*rows: Row, weights: MergeWeights | None = None) -> Report:
    learned = {} if weights is None else {"merged": weights}
    comparisons = [compare(each, other) for at, each in enumerate(rows) if each.name in OURS for other in rows[:at]]
    data = Data("lastfm", "0" * 64, N_USERS, 1000, 5000, 1200, 300)
    return Report("2026-01-01", "musicspace evaluate recommenders", data, rows, comparisons, learned, {"python": "3"})


def lines(*rows: Row) -> list[str]:
    return findings(report(*rows)).splitlines()


def test_the_leader_is_named_with_its_bounds() -> None:
    assert lines(row("ease", 0.3), row("m2", 0.2))[0].startswith("- The highest NDCG@100 is that of EASE: 0.5159 (0.49")


def test_m3_is_set_against_the_best_single_model_not_the_first() -> None:
    found = lines(row("ease", 0.1), row("als", 0.2), row("m3", 0.25))
    assert any("M3 is better than the best single model, ALS" in line for line in found)
    assert not any("EASE: NDCG@100" in line for line in found)


@pytest.mark.parametrize(
    ("level", "verdict"), [(0.3, "is better than"), (0.2, "is level with"), (0.1, "is worse than")]
)
def test_the_verdict_is_that_of_the_interval(level: float, verdict: str) -> None:
    found = lines(row("als", 0.2), row("m3", level))
    assert any(f"M3 {verdict} the best single model, ALS" in line for line in found)


def test_the_merger_is_set_against_m3_too() -> None:
    found = lines(row("als", 0.1), row("m3", 0.3), row("merged", 0.25))
    assert any(line.startswith("- All three merged is worse than M3:") for line in found)


def test_simple_methods_that_win_are_named_and_the_others_are_not() -> None:
    found = lines(row("random", 0.0), row("popularity", 0.2), row("m1", 0.1))
    (line,) = [line for line in found if line.startswith("- Simpler methods win against M1, audio profile")]
    assert "popularity (Recall@10, Recall@20" in line
    assert "random" not in line


def test_where_no_simple_method_wins_that_is_said() -> None:
    found = lines(row("popularity", 0.1), row("m1", 0.2))
    assert "- No single method beats M1, audio profile beyond chance by any measure." in found


def test_a_row_of_fewer_users_never_leads_and_says_how_many_they_are() -> None:
    few = row("m3-personal", 0.5)
    values = np.where(np.arange(N_USERS) < 50, few.per_user["NDCG@100"], np.nan)
    few = Row(few.name, 50, dict.fromkeys(MEASURES, values), float("nan"), 5.0, 1.0, 2.0)
    own = report(row("m3", 0.2), few)
    found = findings(own).splitlines()
    assert found[0].startswith("- The highest NDCG@100 is that of M3:")
    assert any(line.startswith("- M3, fine-tuned is better than M3: NDCG@100 +0.29") for line in found)
    assert "M3, fine-tuned (50 users)" in report_page(own, [])


def test_reach_leaves_random_lists_aside() -> None:
    found = lines(row("random", 0.0, coverage=0.9), row("ease", 0.2, coverage=0.08), row("m2", 0.2, coverage=0.2))
    assert "M2, content reaches the most items, 20%" in found[-1]
    assert "EASE the fewest, 8.0%" in found[-1]


def test_rows_without_any_model_of_ours_need_no_comparison() -> None:
    text = report_page(report(row("ease", 0.2)), [])
    assert "Differences on the same users" not in text
    assert "Weights of the merger" not in text


def test_the_page_shows_weights_of_every_set_of_models() -> None:
    m1, m3 = ModelKind.M1, ModelKind.M3
    weights = MergeWeights({frozenset({m1, m3}): {m1: 0.25, m3: 0.75}}, {"users": 500})
    text = report_page(report(row("m3", 0.2), row("merged", 0.2), weights=weights), ["recommenders.png"])
    assert "| M1 + M3 | 25% | 75% |" in text
    assert "learned on 500 users" in text
    assert "(recommenders.png)" in text


def test_intervals_that_exclude_zero_are_bold() -> None:
    text = report_page(report(row("als", 0.2), row("m3", 0.3)), [])
    assert "**+0.100 (" in text
    assert (
        "**"
        not in report_page(report(row("als", 0.2), row("m3", 0.2)), [])
        .split("## How it was measured")[0]
        .split("excludes 0.")[1]
    )
