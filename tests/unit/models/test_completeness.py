"""The completeness score."""

import numpy as np
import pytest

from core.tracks import TrackBatch
from models.completeness import metadata_completeness

EVERYTHING: dict[str, object] = {
    "artist": "Queen",
    "title": "Innuendo",
    "genres": ["rock", "glam rock", "art rock", "hard rock", "pop"],
    "moods": ["dark", "epic", "proud"],
    "duration_ms": 390_000,
    "release_year": 1991,
    "track_number": 1,
    "album_total_tracks": 12,
}
NOTHING: dict[str, object] = {"artist": "", "title": ""}


def score(**known: object) -> float:
    """Of one track of which only this is known."""
    return float(metadata_completeness(batch({**NOTHING, **known}))[0])


def batch(*tracks: dict[str, object]) -> TrackBatch:
    names = tracks[0].keys()
    columns = {name: [track[name] for track in tracks] for name in names}
    return TrackBatch(track_id=[str(row) for row in range(len(tracks))], **columns)


def test_nothing_and_everything() -> None:
    assert score() == 0
    assert score(**EVERYTHING) == 1
    assert metadata_completeness(TrackBatch()).shape == (0,)
    assert metadata_completeness(batch(EVERYTHING)).dtype == np.float32


@pytest.mark.parametrize(
    ("field", "weight"),
    [
        ("title", 0.2),
        ("artist", 0.2),
        ("genres", 0.3),
        ("moods", 0.2),
        ("duration_ms", 0.03),
        ("release_year", 0.03),
        ("album_total_tracks", 0.02),
        ("track_number", 0.02),
    ],
)
def test_weights(field: str, weight: float) -> None:
    assert score(**{field: EVERYTHING[field]}) == pytest.approx(weight)
    everything_else = {name: value for name, value in EVERYTHING.items() if name != field}
    assert score(**everything_else) == pytest.approx(1 - weight)


def test_genres_and_moods_count_by_number() -> None:
    assert [score(genres=[f"genre {n}" for n in range(count)]) for count in range(7)] == pytest.approx(
        [0, 0.06, 0.12, 0.18, 0.24, 0.3, 0.3]
    )
    assert [score(moods=[f"mood {n}" for n in range(count)]) for count in range(5)] == pytest.approx(
        [0, 0.2 / 3, 0.4 / 3, 0.2, 0.2]
    )


def test_blanks_zeros_and_repetitions_add_nothing() -> None:
    assert score(artist=" ", title="\t", genres=["", " "], moods=[""], duration_ms=0, release_year=0) == 0
    assert score(genres=["pop", "pop"]) == pytest.approx(0.06)


def test_fields_that_predictors_may_read_but_the_score_does_not() -> None:
    assert score(album="Innuendo", popularity=60, explicit=False, decade=1990) == 0
