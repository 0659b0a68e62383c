"""The library of the DJ: what it keeps, leaves out, and refuses."""

from dataclasses import replace

import numpy as np
import pytest
from dj_tracks import described, directions

from core.errors import PermanentError
from models.dj.library import Current, DjLibrary, TrackTable


def library_of(*descriptions, ids=None, seed=0, space="test"):
    n = len(descriptions)
    intro, outro = directions(n, seed=seed), directions(n, seed=seed + 100)
    return DjLibrary.of(ids or list(range(n)), descriptions, intro, outro, space)


def test_everything_stays_with_its_track_whatever_the_order():
    tempos = [128.0, 90.0, None, 174.0, 127.0]
    intro = directions(5)
    library = DjLibrary.of([*"abcde"], [described(bpm) for bpm in tempos], intro, directions(5, seed=1), "test")
    for at, id in enumerate("abcde"):
        row = library.rows([id])[0]
        assert np.allclose(library.intro[row], intro[at])
        assert library["bpm"][row] == tempos[at] or tempos[at] is None
        assert library.current(id)["bpm"] == tempos[at] or tempos[at] is None


def test_similar_tempos_and_keys_lie_together():
    rng = np.random.default_rng(0)
    tracks = [
        described(bpm, (root, "major"))
        for bpm, root in zip(rng.uniform(60, 200, 300), rng.integers(0, 12, 300), strict=True)
    ]
    bands = np.floor(library_of(*tracks)["bpm"] / 3)
    assert (np.diff(bands) >= 0).all()


def test_a_stored_library_loads_without_copying():
    stored = library_of(*(described(bpm) for bpm in (100.0, 128.0, 90.0, None, 128.0))).table()
    loaded = DjLibrary(stored)
    assert loaded.intro is stored.intro
    assert loaded.numbers is stored.numbers
    assert loaded.ids == list(stored.ids)


@pytest.mark.parametrize("damage", [np.nan, np.inf, 0.0])
def test_tracks_without_a_usable_vector_are_left_out_and_named(damage):
    intro, outro = directions(3), directions(3, seed=1)
    intro[1] = damage
    library = DjLibrary.of(["a", "b", "c"], [described()] * 3, intro, outro, "test")
    assert sorted(library.ids) == ["a", "c"]
    assert library.left_out == ["b"]


def test_the_second_track_of_one_id_is_left_out():
    library = library_of(described(), described(), ids=["a", "a"])
    assert library.ids == ["a"]
    assert library.left_out == ["a"]


def test_vectors_are_brought_to_unit_length():
    library = DjLibrary.of([1, 2], [described()] * 2, 7 * directions(2), 3 * directions(2), "test")
    assert np.allclose(np.linalg.norm(library.intro, axis=1), 1, atol=1e-6)


def test_columns_of_an_external_track_equal_those_in_the_library():
    track, intro, outro = described(131.0), directions(1)[0], directions(1, seed=1)[0]
    library = DjLibrary.of([5], [track], intro[None], outro[None], "test")
    assert np.array_equal(Current.of(track, intro, outro, "test").numbers, library.current(5).numbers)


def test_an_unknown_track_and_an_unusable_one_are_refused_by_code():
    library = library_of(described())
    with pytest.raises(PermanentError) as missing:
        library.current("no such track")
    assert missing.value.code == "not-found"
    with pytest.raises(PermanentError) as unusable:
        Current.of(described(), np.full(32, np.nan, np.float32), directions(1)[0], "test")
    assert unusable.value.code == "audio-not-analyzed"


def test_another_space_is_refused():
    library = library_of(described())
    with pytest.raises(PermanentError) as refused:
        library.require_same_space(replace(library.current(0), space="other"))
    assert refused.value.code == "embedding-space-mismatch"


def test_tables_that_do_not_fit_together_are_refused():
    table = library_of(described(), described()).table()
    with pytest.raises(ValueError, match="2 tracks"):
        DjLibrary(replace(table, intro=table.intro[:1]))
    with pytest.raises(ValueError, match="3 tracks"):
        DjLibrary(TrackTable("test", [1, 2, 3], table.numbers, table.intro, table.outro))


def test_an_empty_library_and_one_of_unknown_values_have_a_scale():
    empty = DjLibrary.of([], [], np.empty((0, 8), np.float32), np.empty((0, 8), np.float32), "test")
    assert len(empty) == 0
    assert empty.scale.energy_low == 0
    table = library_of(described(), described()).table()
    unknown = DjLibrary(replace(table, numbers=np.full_like(table.numbers, np.nan)))
    assert np.isfinite([unknown.scale.energy_high, unknown.scale.cosine_floor]).all()


def test_likeness_spreads_cosines_that_are_all_high():
    vectors = directions(400, 16) + 4
    library = DjLibrary.of(list(range(400)), [described()] * 400, vectors, vectors[::-1], "test")
    cosines = library.intro @ library.outro[0]
    assert cosines.min() > 0.9
    likeness = library.scale.likeness(cosines)
    assert likeness.min() < 0.05
    assert likeness.max() > 0.99
