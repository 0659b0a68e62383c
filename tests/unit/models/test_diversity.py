"""Maximal marginal relevance, and what makes items alike."""

import numpy as np
import pytest
from sound_library import CALM, CLUB, catalog_of, sounds

from models.recommenders.diversity import diversify, item_similarity

TEN = np.arange(10)


def nothing_alike(positions):
    return lambda index: np.zeros(len(positions), dtype=np.float32)


def by_first_principles(relevance, similarity, limit, diversity):
    """The definition, candidate by candidate."""
    scaled = (relevance - relevance.min()) / (relevance.max() - relevance.min())
    chosen, left = [int(np.argmax(relevance))], set(range(len(relevance)))
    left.remove(chosen[0])
    while left and len(chosen) < limit:
        gains = {i: (1 - diversity) * scaled[i] - diversity * similarity[i, chosen].max() for i in sorted(left)}
        best = max(gains, key=lambda i: gains[i])
        chosen.append(best)
        left.remove(best)
    return chosen


@pytest.mark.parametrize("diversity", [0.1, 0.5, 0.9])
def test_it_is_the_definition(diversity):
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(40, 4))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    similarity = ((1 + vectors @ vectors.T) / 2).astype(np.float32)
    relevance = rng.normal(size=40).astype(np.float32)
    chosen = diversify(np.arange(40), relevance, lambda positions: similarity.__getitem__, 15, diversity)
    assert chosen.tolist() == by_first_principles(relevance, similarity, 15, diversity)


def test_no_diversity_is_the_order_of_relevance_with_ties_as_they_came():
    relevance = np.array([1, 5, 3, 5, 2, 2, 2, 0, 9, 1], dtype=np.float32)
    assert diversify(TEN, relevance, nothing_alike, 6, 0.0).tolist() == [8, 1, 3, 2, 4, 5]
    assert diversify(TEN, relevance, nothing_alike, 6, 0.4).tolist() == [8, 1, 3, 2, 4, 5]


def test_full_diversity_still_opens_with_the_most_relevant():
    catalog = catalog_of(sounds(CALM, 10, 1), artists=["same"] * 8 + ["other", "third"])
    chosen = diversify(TEN, np.arange(10, 0, -1).astype(np.float32), item_similarity(catalog), 3, 1.0)
    assert chosen[0] == 0
    assert set(chosen[1:].tolist()) == {8, 9}


def test_an_artist_does_not_come_in_a_row_while_others_are_near():
    catalog = catalog_of(sounds(CALM, 10, 1), artists=["아이유"] * 5 + [f"other {row}" for row in range(5)])
    relevance = np.linspace(1, 0.7, 10, dtype=np.float32)
    relevance = np.append(relevance, 0).astype(np.float32)
    wider = catalog_of(np.concatenate([catalog.features, sounds(CLUB, 1, 2)]), artists=[*catalog.artists, "far"])
    chosen = diversify(np.arange(11), relevance, item_similarity(wider), 6, 0.4).tolist()
    assert chosen[0] == 0
    assert set(chosen[1:]) == set(range(5, 10))


def test_a_guest_is_the_same_artist():
    catalog = catalog_of(np.repeat(sounds(CALM, 1, 1), 3, axis=0), artists=["A;B", "b", "C"])
    alike = item_similarity(catalog)(np.arange(3))(0)
    assert alike[1] - alike[2] == pytest.approx(0.6, abs=1e-5)


def test_likeness_is_one_with_itself_and_counts_genres_and_sound():
    features = np.concatenate([np.repeat(sounds(CALM, 1, 1), 3, axis=0), sounds(CLUB, 1, 2)])
    catalog = catalog_of(features, genres=[["jazz"], ["jazz"], ["folk"], ["jazz"]])
    alike = item_similarity(catalog)(np.arange(4))(0)
    assert alike[0] == pytest.approx(1.0, abs=1e-5)
    assert alike[1] == pytest.approx(0.4, abs=1e-5)
    assert alike[2] == pytest.approx(0.2, abs=1e-5)
    assert 0.2 <= alike[3] < 0.25


def test_unknown_features_and_genres_are_no_error():
    catalog = catalog_of(np.full((4, 9), np.nan, dtype=np.float32), artists=["A", "", "A", ""])
    chosen = diversify(np.arange(4), np.ones(4, dtype=np.float32), item_similarity(catalog), 4, 0.5)
    assert chosen.tolist() == [0, 1, 3, 2]


def test_each_is_chosen_once_and_no_more_than_there_are():
    catalog = catalog_of(sounds(CALM, 10, 1), artists=["A"] * 10)
    similar = item_similarity(catalog)
    relevance = np.zeros(10, dtype=np.float32)
    assert sorted(diversify(TEN, relevance, similar, 99, 0.7).tolist()) == TEN.tolist()
    assert diversify(TEN, relevance, similar, 0, 0.7).tolist() == []
    assert diversify(TEN[:0], relevance[:0], similar, 5, 0.7).tolist() == []
    assert diversify(TEN[:1], relevance[:1], similar, 5, 0.7).tolist() == [0]
