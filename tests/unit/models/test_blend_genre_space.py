"""The blend's look-up of genres and the space that they lie in."""

import numpy as np
import pytest

from models.predictors.blend.genre_space import DIMENSIONS, GenreSpace, fit_genre_space

# Rock and metal go together, so do house and techno; "rare" is too rare for a vector.
TRACKS = [["rock", "metal"], ["rock", "metal"], ["rock"], ["house", "techno"], ["house", "techno"], ["house"], ["rare"]]


@pytest.fixture
def space() -> GenreSpace:
    artists = {"ann": ["rock", "metal", "rock"], "bob": ["house", "techno"], "cat": [], "dan": ["only dan"]}
    return fit_genre_space(artists, TRACKS)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other)


def test_artists_are_found_with_their_genres(space: GenreSpace) -> None:
    assert space.look_up(["bob", "nobody", "ann", "cat", "", "dan"]) == (
        *(("house", "techno"), (), ("rock", "metal"), (), (), ("only dan",)),
    )
    assert space.look_up([]) == ()


def test_genres_that_go_together_lie_close(space: GenreSpace) -> None:
    rock, metal, house, techno = space.embed([["rock"], ["metal"], ["house"], ["techno"]])
    assert cosine(rock, metal) > 0.5 > abs(cosine(rock, house)) + abs(cosine(metal, techno))
    assert cosine(house, techno) > 0.5


def test_the_geometry_is_that_of_the_scaled_co_occurrences(space: GenreSpace) -> None:
    """With fewer genres than dimensions nothing is left out: inner products are the matrix itself."""
    # Lists with rock: 2 + 1 tracks and Ann, 4; with metal 3, with both 3. Scaled by 1 / (sqrt(own) + 1) on each side.
    rock, metal = (space.vectors[space.position[genre]] for genre in ("rock", "metal"))
    assert rock @ metal == pytest.approx(3 / (3 * (np.sqrt(3) + 1)), abs=2e-3)
    assert rock @ rock == pytest.approx(4 / 9, abs=2e-3)
    assert rock @ space.vectors[space.position["house"]] == pytest.approx(0, abs=2e-3)


def test_directions_have_unit_length_and_several_tags_add_up(space: GenreSpace) -> None:
    rock, both, twice = space.embed([["rock"], ["rock", "house"], ["rock", "rock", "house"]])
    assert np.linalg.norm([rock, both], axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert 0.4 < cosine(rock, both) < 0.95
    np.testing.assert_array_equal(both, twice)


def test_unknown_and_rare_genres_are_nowhere(space: GenreSpace) -> None:
    assert space.embed([["unheard"], [], ["rare"], ["only dan"], [""]]).tolist() == [[0.0] * DIMENSIONS] * 5
    assert space.embed([]).shape == (0, DIMENSIONS)
    np.testing.assert_array_equal(*space.embed([["rock"], ["rock", "unheard"]]))


def test_a_track_is_embedded_alike_in_any_batch(space: GenreSpace) -> None:
    tags = [["rock", "techno"], [], ["house"], ["unheard", "metal", "rock"]]
    np.testing.assert_array_equal(space.embed(tags), np.vstack([space.embed([own]) for own in tags]))


def test_a_restored_space_is_the_same(space: GenreSpace) -> None:
    again = GenreSpace.restore(list(space.genres), space.arrays())
    np.testing.assert_array_equal(again.vectors, space.vectors)
    assert again.look_up(["ann", "bob", "dan"]) == space.look_up(["ann", "bob", "dan"])
    np.testing.assert_array_equal(again.embed(TRACKS), space.embed(TRACKS))


@pytest.mark.parametrize("tracks", [[], [[]], [["once"]]])
def test_a_space_of_nothing(tracks: list[list[str]]) -> None:
    space = fit_genre_space({}, tracks)
    assert space.look_up(["ann"]) == ((),)
    assert space.embed([["once"]]).tolist() == [[0.0] * DIMENSIONS]
    assert GenreSpace.restore(space.genres, space.arrays()).look_up(["ann"]) == ((),)
