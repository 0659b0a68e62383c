"""Similar tracks and predictions from metadata over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from core.features import FEATURES
from core.tracks import TrackBatch
from models.registry import load_predictor

INSERT = text("""
    INSERT INTO tracks (identity_key, artist, title, album, genres)
    VALUES (:artist || '|' || :title, :artist, :title, :album, :genres) RETURNING id
""")


def add(session, artist, title, album=None, genres=()):
    values = {"artist": artist, "title": title, "album": album, "genres": list(genres)}
    track_id = session.scalar(INSERT, values)
    session.commit()
    return track_id


@pytest.fixture
def library(session):
    """Ids by title."""
    rows = [
        ("아이유", "좋은 날", "Real", ["k-pop"]),
        ("아이유", "밤편지", "Palette", ["k-pop"]),
        ("태연", "I", None, ["k-pop"]),
        ("Queen", "Innuendo", "Innuendo", ["rock"]),
        ("Nobody", "Untitled", None, []),
    ]
    return {title: add(session, artist, title, album, genres) for artist, title, album, genres in rows}


def similar(client, track_id, **query):
    return client.get(f"/api/m2/similar/{track_id}", params=query)


def test_the_most_similar_tracks_with_their_names_and_what_they_share(anonymous: TestClient, library):
    response = similar(anonymous, library["좋은 날"])
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["track_id"], found["library"]) == (library["좋은 날"], len(library))
    first, second = found["tracks"]
    assert first.pop("similarity") > second.pop("similarity") > 0
    assert first.pop("shared_terms")[0] == "artist:아이유"
    assert first == {"track_id": library["밤편지"], "artist": "아이유", "title": "밤편지", "album": "Palette"}
    assert second["shared_terms"][0] == "genre:k-pop"
    assert (second["track_id"], second["album"]) == (library["I"], None)


def test_the_limit(anonymous, library):
    assert len(similar(anonymous, library["좋은 날"], limit=1).json()["tracks"]) == 1
    for limit in (0, 101, "many"):
        response = similar(anonymous, library["좋은 날"], limit=limit)
        assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


def test_a_track_like_no_other(anonymous, library):
    assert similar(anonymous, library["Untitled"]).json()["tracks"] == []


def test_an_unknown_track_is_a_problem(anonymous, library):
    response = similar(anonymous, max(library.values()) + 1)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert response.headers["content-type"] == "application/problem+json"


def test_a_track_that_came_after_the_library_was_read(anonymous, library, session):
    assert len(similar(anonymous, library["Innuendo"]).json()["tracks"]) == 0
    newer = add(session, "Queen", "The Miracle", "The Miracle", ["rock"])
    found = similar(anonymous, newer).json()
    assert found["library"] == len(library) + 1
    assert [each["track_id"] for each in found["tracks"]] == [library["Innuendo"]]


def predict(client, tracks):
    return client.post("/api/m2/predict-audio", json={"tracks": tracks})


def test_audio_is_predicted_from_metadata_in_the_order_asked(anonymous):
    described = {"artist": "Metallica", "title": "Battery", "genres": ["thrash metal", "metal"], "release_year": 1986}
    quiet = {"artist": "Erik Satie", "title": "Gymnopédie No. 1", "genres": ["classical", "piano"]}
    response = predict(anonymous, [described, quiet, {"artist": "x", "title": "y"}])
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["predictor"] == "m2"
    assert found["version"]
    loud, soft, unknown = found["tracks"]
    assert (loud["artist"], loud["title"]) == ("Metallica", "Battery")
    assert loud["features"]["energy"]["value"] > soft["features"]["energy"]["value"]
    assert loud["features"]["loudness"]["value"] > soft["features"]["loudness"]["value"]
    assert (unknown["artist"], unknown["title"]) == ("x", "y")
    for track in found["tracks"]:
        assert list(track["features"]) == [feature.name for feature in FEATURES]
        for feature in FEATURES:
            value = track["features"][feature.name]
            low, high = value["interval"]
            assert feature.low <= low <= value["value"] <= high <= feature.high
            assert value["uncertainty"] > 0
            assert value["unit"] == (feature.unit or None)


def test_the_predictor_is_the_one_that_serves(anonymous):
    found = predict(
        anonymous, [{"artist": "Metallica", "title": "Battery", "explicit": True, "moods": ["dark"]}]
    ).json()
    predictor = load_predictor("m2")
    expected = predictor.predict(TrackBatch(["0"], ["Metallica"], ["Battery"], explicit=[True], moods=[["dark"]]))
    assert found["version"] == predictor.version
    [track] = found["tracks"]
    for column, feature in enumerate(FEATURES):
        own = track["features"][feature.name]
        assert own["value"] == pytest.approx(expected.values[0, column], abs=0.51 * 10**-feature.decimals)
        assert own["uncertainty"] == pytest.approx(expected.uncertainty[0, column], abs=0.51 * 10**-feature.decimals)
    assert track["confidence"] == pytest.approx(expected.confidence[0], abs=1e-3)


def test_predictions_store_nothing(anonymous, session):
    assert predict(anonymous, [{"artist": "x", "title": "y"}]).status_code == 200
    assert session.scalar(text("SELECT count(*) FROM tracks")) == 0


@pytest.mark.parametrize(
    ("tracks", "field"),
    [
        ([], "body.tracks"),
        ([{"artist": "x", "title": "y"}] * 501, "body.tracks"),
        ([{"artist": "x"}], "body.tracks.0.title"),
        ([{"artist": " ", "title": "y"}], "body.tracks.0.artist"),
        ([{"artist": "x", "title": "y", "popularity": 101}], "body.tracks.0.popularity"),
        ([{"artist": "x", "title": "y", "energy": 0.5}], "body.tracks.0.energy"),
        ([{"artist": "x", "title": "y", "genres": "rock"}], "body.tracks.0.genres"),
    ],
)
def test_what_does_not_fit_is_named(anonymous, tracks, field):
    response = predict(anonymous, tracks)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert field in [error["field"] for error in response.json()["errors"]]
