"""What the blend reads in numbers, and the bases it makes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tracks import TrackBatch
from models.predictors.blend.names import credits
from models.predictors.blend.numbers import _DURATION_KNOTS, _YEAR_KNOTS, FLAGS, NUMBERS, numbers, splines, years

AT = {name: column for column, name in enumerate(NUMBERS)}


def batch(**columns: list) -> TrackBatch:
    n = len(next(iter(columns.values())))
    columns = {"artist": ["Ann"] * n, "title": ["Song"] * n} | columns
    return TrackBatch([str(row) for row in range(n)], **columns)


def numbers_of(tracks: TrackBatch, looked_up: list[tuple[str, ...]] | None = None) -> np.ndarray:
    credited = [credits(artist, title) for artist, title in zip(tracks.artist, tracks.title, strict=True)]
    return numbers(tracks, credited, looked_up or [()] * len(tracks))


def column(name: str, **columns: list) -> list[float]:
    return numbers_of(batch(**columns))[:, AT[name]].tolist()


def blocks(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The bases by what they are made of."""
    sizes = {
        "year": len(_YEAR_KNOTS),
        "decade": len(_YEAR_KNOTS),
        "duration": len(_DURATION_KNOTS),
        "flags": 2 * len(FLAGS),
        "genres": 2,
        "album": 1,
        "explicit": 1,
        "one": 1,
    }
    bases = splines(rows)
    assert bases.shape == (len(rows), sum(sizes.values()))
    return dict(zip(sizes, np.hsplit(bases, np.cumsum(list(sizes.values()))[:-1]), strict=True))


def test_an_exact_year_beats_the_decade_and_that_beats_nothing() -> None:
    rows = numbers_of(batch(release_year=[1997, 1997, None, None], decade=[None, 1960, 1990, None]))
    np.testing.assert_array_equal(rows[:, AT["year"]], [1997, 1997, 1994.5, np.nan])
    np.testing.assert_array_equal(years(rows), rows[:, AT["year"]])
    assert rows[:, AT["year known"]].tolist() == [1, 1, 0, 0]
    assert rows[:, AT["decade alone"]].tolist() == [0, 0, 1, 0]


def test_impossible_years_are_cut() -> None:
    assert column("year", release_year=[0, 9_999, -5]) == [1900, 2100, 1900]


def test_durations_are_logarithms_of_seconds() -> None:
    assert column("log duration", duration_ms=[200_000, 1, 2**40]) == pytest.approx(
        [np.log(200), np.log(1), np.log(36_000)]
    )


def test_a_duration_of_nothing_is_unknown() -> None:
    assert np.isnan(column("log duration", duration_ms=[0, None, -3])).all()


def test_explicit_has_three_states() -> None:
    np.testing.assert_array_equal(column("explicit", explicit=[True, False, None]), [1, 0, np.nan])
    assert blocks(numbers_of(batch(explicit=[True, False, None])))["explicit"].ravel().tolist() == [1, 0, 0]


def test_counts_of_genres_and_credits() -> None:
    rows = numbers_of(
        batch(artist=["Ann", "Ann;Bob"], genres=[["a", "b"], []], album=["", "Blue"]), looked_up=[(), ("x", "y", "z")]
    )
    names = ("genres", "looked-up genres", "credits", "album known")
    assert rows[:, [AT[name] for name in names]].tolist() == [[2, 0, 1, 0], [0, 3, 2, 1]]
    assert blocks(rows)["genres"].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("Song (Live)", {"live"}),
        ("Song - Acústico", {"acoustic"}),
        ("Song (Remastered 2011)", {"remaster"}),
        ("Song (Ann Remix) [Radio Edit]", {"remix", "edit"}),
        ("Song (feat. Bob)", {"guest"}),
        ("Santa's Lullaby, Pt. 2", {"christmas", "calm", "part"}),
        ("Alive Editor", set()),
        ("", set()),
    ],
)
def test_flags_of_titles_and_albums(text: str, flags: set[str]) -> None:
    titled = numbers_of(batch(title=[text]))[0]
    of_album = numbers_of(batch(album=[text]))[0]
    for place, other, row in (("title", "album", titled), ("album", "title", of_album)):
        assert {flag for flag in FLAGS if row[AT[f"{place} {flag}"]]} == flags
        assert not any(row[AT[f"{other} {flag}"]] for flag in FLAGS)


def test_the_look_of_texts() -> None:
    rows = numbers_of(
        batch(
            artist=["The Ann", "아이유", "Various Artists"],
            title=["Blue NIGHT 12", "밤", "lower"],
            album=["Blue Night 12 (Deluxe)", None, "Hits"],
        )
    )

    def values(name: str) -> list[float]:
        return rows[:, AT[name]].tolist()

    assert values("title words") == [3, 1, 1]
    assert values("upper case") == pytest.approx([6 / 13, 0, 0])
    assert values("all lower case") == [0, 1, 1]
    assert values("not ascii") == [0, 1, 0]
    assert values("east asian") == [0, 1, 0]
    assert values("digits") == [2, 0, 0]
    assert values("the") == [1, 0, 0]
    assert values("various") == [0, 0, 1]
    assert values("title is album") == [1, 0, 0]


def test_an_album_named_after_its_artist() -> None:
    assert column("artist in album", artist=["Ann", "Ann", ""], album=["The Best of Ann", "Blue", "Blue"]) == [1, 0, 0]


def test_nothing_known_is_finite_but_for_three_columns() -> None:
    rows = numbers_of(batch(artist=[""], title=[""]))
    assert {name for name in NUMBERS if np.isnan(rows[0, AT[name]])} == {"year", "log duration", "explicit"}
    assert np.isfinite(splines(rows)).all()


@given(
    st.one_of(st.none(), st.integers(-10, 10_000)),
    st.one_of(st.none(), st.sampled_from(range(1900, 2030, 10))),
    st.one_of(st.none(), st.integers(-10, 2**40)),
)
def test_bases_share_out_what_is_known(year: int | None, decade: int | None, duration_ms: int | None) -> None:
    found = blocks(numbers_of(batch(release_year=[year], decade=[decade], duration_ms=[duration_ms])))
    assert found["year"].sum() == pytest.approx(float(year is not None))
    assert found["decade"].sum() == pytest.approx(float(year is None and decade is not None))
    assert found["duration"].sum() == pytest.approx(float(duration_ms is not None and duration_ms > 0), abs=1e-6)
    for name in ("year", "decade", "duration"):
        assert (found[name] >= 0).all()
        assert np.count_nonzero(found[name]) <= 2


def test_bases_interpolate_linearly_between_neighboring_knots() -> None:
    first, second = (int(knot) for knot in _YEAR_KNOTS[2:4])
    found = blocks(numbers_of(batch(release_year=[first, second, first + 1, 1900, 2100])))["year"]
    share = 1 / (second - first)
    assert found[0, 2:4] == pytest.approx([1, 0])
    assert found[1, 2:4] == pytest.approx([0, 1])
    assert found[2, 2:4] == pytest.approx([1 - share, share])
    assert found[3, 0] == found[4, -1] == 1
    seconds = np.exp((_DURATION_KNOTS[4] + _DURATION_KNOTS[5]) / 2)
    found = blocks(numbers_of(batch(duration_ms=[1, 10**9, round(1000 * seconds)])))["duration"]
    assert found[0, 0] == found[1, -1] == 1
    assert found[2, 4:6] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_no_tracks_no_rows() -> None:
    assert numbers_of(TrackBatch()).shape == (0, len(NUMBERS))
