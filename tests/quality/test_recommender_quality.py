"""Recommenders on Last.fm: the known order holds, and M3 is ahead of every single method."""

from pathlib import Path

import pytest

from services.recommender_evaluation import Request, evaluate_recommenders
from services.recommender_evaluation.report import Report
from services.recommender_evaluation.rows import ROWS


def evaluate(shared_data: Path, **options) -> Report:
    if not (shared_data / "lastfm").is_dir():
        pytest.skip(f"there is no lastfm in {shared_data}")
    request = Request(shared_data / "lastfm", shared_data / "tracks.parquet", **options)
    return evaluate_recommenders(request, lambda step, done, total: None).report


def means(report: Report, measure: str) -> dict[str, float]:
    return {row.name: row.interval(measure).mean for row in report.rows}


@pytest.fixture(scope="module")
def some_users(shared_data: Path) -> Report:
    """A sixth of the users, who also have only each other to learn from; M3 is left to the whole."""
    rows = ("random", "popularity", "item-knn", "ease", "als", "als-tags", "m1", "m2")
    return evaluate(shared_data, rows=rows, users=300)


def test_methods_rank_as_they_are_known_to(some_users: Report) -> None:
    ndcg = means(some_users, "NDCG@100")
    assert ndcg["random"] < 0.01
    assert 0.12 < ndcg["popularity"] < 0.17
    assert ndcg["popularity"] < ndcg["item-knn"] < ndcg["ease"] + 0.02
    assert min(ndcg["ease"], ndcg["als"]) > 0.25
    assert ndcg["als-tags"] > ndcg["als"] + 0.02


def test_content_alone_is_far_better_than_popularity(some_users: Report) -> None:
    assert means(some_users, "NDCG@100")["m2"] > 0.28
    difference = some_users.find("m2", "popularity")
    assert difference is not None
    assert difference.differences["NDCG@100"].low > 0.1


def test_sound_alone_is_far_better_than_chance_and_reaches_beyond_the_popular(some_users: Report) -> None:
    assert means(some_users, "NDCG@100")["m1"] > 0.08
    rows = {row.name: row for row in some_users.rows}
    assert rows["m1"].coverage > 5 * rows["popularity"].coverage
    assert rows["m1"].novelty > rows["popularity"].novelty + 1


@pytest.fixture(scope="module")
def all_users(shared_data: Path) -> Report:
    return evaluate(shared_data)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_baselines_reach_their_known_figures(all_users: Report) -> None:
    ndcg = means(all_users, "NDCG@100")
    known = {"popularity": 0.152, "item-knn": 0.343, "ease": 0.356, "als": 0.359}
    assert ndcg == ndcg | {name: pytest.approx(value, abs=0.012) for name, value in known.items()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_m3_reaches_its_targets_and_is_ahead_of_every_single_method(all_users: Report) -> None:
    assert means(all_users, "NDCG@100")["m3"] >= 0.41
    assert means(all_users, "Recall@20")["m3"] >= 0.315
    best = all_users.singles[0]
    assert not ROWS["m3"].single
    comparison = all_users.find("m3", best.name)
    assert comparison is not None
    assert comparison.differences["NDCG@100"].low > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_merging_costs_no_accuracy(all_users: Report) -> None:
    comparison = all_users.find("merged", "m3")
    assert comparison is not None
    assert comparison.differences["NDCG@100"].high > -0.005


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_weights_that_ship_are_those_that_are_learned(all_users: Report) -> None:
    from models.recommenders.merging import default_weights

    for name, alone in (("merged", False), ("merged-alone", True)):
        for kinds, shares in default_weights(alone=alone).shares.items():
            assert all_users.weights[name].shares[kinds] == pytest.approx(shares, abs=0.151)
