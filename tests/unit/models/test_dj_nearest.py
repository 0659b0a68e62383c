"""The exact search among allowed rows."""

import numpy as np
import pytest
from dj_tracks import directions

from models.dj.nearest import FaissNearest, NumpyNearest, pieces


def naive(matrix, query, allowed, k):
    rows = [row for row in range(len(matrix)) if allowed[row]]
    rows.sort(key=lambda row: (-float(matrix[row] @ query), row))
    return rows[:k]


@pytest.mark.parametrize("search", [NumpyNearest, FaissNearest])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("k", [1, 10, 5000])
def test_finds_what_a_loop_finds(search, share, k):
    if search is FaissNearest:
        pytest.importorskip("faiss")
    matrix, query = directions(3000, 24), directions(1, 24, seed=9)[0]
    allowed = np.random.default_rng(int(1000 * share)).random(3000) < share
    rows, cosines = search(matrix)(query, allowed, k)
    assert rows.tolist() == naive(matrix, query, allowed, k)
    assert np.allclose(cosines, matrix[rows] @ query, atol=1e-6)


def test_threads_find_the_same():
    matrix, query = directions(70_000, 64), directions(1, 64, seed=9)[0]
    allowed = np.ones(70_000, bool)
    rows, cosines = NumpyNearest(matrix)(query, allowed, 50)
    assert rows.tolist() == np.argsort(-(matrix @ query), kind="stable")[:50].tolist()
    assert (np.diff(cosines) <= 0).all()


def test_of_equal_cosines_the_lower_row_comes_first():
    matrix = np.repeat(directions(1, 8), 500, axis=0)
    rows, _ = NumpyNearest(matrix)(matrix[0], np.ones(500, bool), 7)
    assert rows.tolist() == list(range(7))


def test_an_empty_library_has_no_neighbors():
    rows, cosines = NumpyNearest(np.empty((0, 8), np.float32))(np.ones(8, np.float32), np.empty(0, bool), 5)
    assert len(rows) == len(cosines) == 0


def test_pieces_cover_all_that_is_allowed_and_do_not_overlap():
    rng = np.random.default_rng(3)
    for share in (0.0001, 0.01, 0.3, 1.0):
        allowed = rng.random(20_001) < share
        covered = np.zeros(20_001, int)
        for start, stop in pieces(allowed):
            covered[start:stop] += 1
        assert covered.max(initial=0) <= 1
        assert (covered[allowed] == 1).all()


def test_pieces_pass_over_what_is_far_from_allowed():
    allowed = np.zeros(100_000, bool)
    allowed[40_000:41_000] = True
    assert sum(stop - start for start, stop in pieces(allowed)) < 1_200
