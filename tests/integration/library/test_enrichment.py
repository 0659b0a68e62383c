"""Enrichment writes what the predictor says, and never over a better source."""

import numpy as np
import pytest
from sqlalchemy import text

from core.errors import PermanentError
from core.features import FEATURE_NAMES, N_FEATURES
from core.sources import Source
from core.tracks import TrackBatch
from db.engine import open_session
from db.repositories.estimates import Estimates
from db.repositories.tracks import get_track, ids_lacking_features
from models.predictors.protocol import Prediction
from services.enrich_jobs import start_enrich_all
from services.enrich_status import enrich_status
from services.enrichment import enrich_tracks, measured_estimates, store_estimates


class FixedPredictor:
    """Predicts the same for every track."""

    name = "m1"
    version = "fixed-1"

    def __init__(self, value: float = 0.25) -> None:
        self.value = value

    def predict(self, tracks: TrackBatch) -> Prediction:
        n = len(tracks)
        return Prediction(
            np.full((n, N_FEATURES), self.value, np.float32),
            np.full((n, N_FEATURES), 0.1, np.float32),
            np.full(n, 0.4, np.float32),
        )


def test_a_chunk_gets_estimates_and_resolved_features(session, make_tracks):
    ids = make_tracks(5)
    summary = enrich_tracks(session, ids, FixedPredictor())
    session.commit()
    assert (summary.enriched, summary.missing) == (5, 0)
    assert ids_lacking_features(session) == []
    track = get_track(session, ids[0])
    assert [track[name] for name in FEATURE_NAMES] == [0.25] * N_FEATURES
    assert track["feature_sources"] == dict.fromkeys(FEATURE_NAMES, "m1")
    assert track["external_metadata"]["audio_features"]["confidence"] == 0.4
    assert track["external_metadata"]["audio_features"]["model_version"] == "fixed-1"
    estimate = track["estimates"]["m1"]
    assert (estimate["model_version"], estimate["revision"]) == ("fixed-1", 1)
    assert estimate["tempo_uncertainty"] == pytest.approx(0.1)


def test_measured_values_are_never_overwritten_by_inferred_ones(session, make_tracks):
    ids = make_tracks(2)
    measured = measured_estimates([{"tempo": 128.0, "energy": 0.9}])
    store_estimates(session, Source.IMPORT, None, np.array(ids[:1]), measured)
    enrich_tracks(session, ids, FixedPredictor())
    session.commit()
    first, second = get_track(session, ids[0]), get_track(session, ids[1])
    assert (first["tempo"], first["energy"], first["valence"]) == (128.0, pytest.approx(0.9), 0.25)
    assert (first["feature_sources"]["tempo"], first["feature_sources"]["valence"]) == ("import", "m1")
    assert second["tempo"] == 0.25


def test_measured_values_that_arrive_later_win_too(session, make_tracks):
    ids = make_tracks(1)
    enrich_tracks(session, ids, FixedPredictor())
    store_estimates(session, Source.IMPORT, None, np.array(ids), measured_estimates([{"tempo": 128.0}]))
    session.commit()
    assert get_track(session, ids[0])["tempo"] == 128.0


def test_other_metadata_survives(session, make_tracks):
    ids = make_tracks(1)
    session.execute(text("""UPDATE tracks SET external_metadata = '{"label": "Motown"}'"""))
    enrich_tracks(session, ids, FixedPredictor())
    assert get_track(session, ids[0])["external_metadata"]["label"] == "Motown"


def test_running_twice_replaces_and_counts(session, make_tracks):
    ids = make_tracks(1)
    for value in (0.25, 0.75):
        enrich_tracks(session, ids, FixedPredictor(value))
    track = get_track(session, ids[0])
    assert (track["energy"], track["estimates"]["m1"]["revision"]) == (0.75, 2)


def test_a_source_may_know_some_features_only(session, make_tracks):
    ids = make_tracks(1)
    store_estimates(session, Source.IMPORT, None, np.array(ids), measured_estimates([{"tempo": 128.0}]))
    track = get_track(session, ids[0])
    assert (track["tempo"], track["energy"]) == (128.0, None)
    assert track["estimates"]["import"]["energy"] is None
    assert ids_lacking_features(session) == ids


def test_deleted_tracks_are_counted_and_a_chunk_of_them_fails(session, make_tracks):
    ids = make_tracks(3)
    session.execute(text("DELETE FROM tracks WHERE id = :id"), {"id": ids[1]})
    assert enrich_tracks(session, ids, FixedPredictor()).missing == 1
    with pytest.raises(PermanentError, match="exists"):
        enrich_tracks(session, [ids[1]], FixedPredictor())


def test_two_sources_at_once_lose_no_value(session, make_tracks, database_url):
    """The second writer waits for the first and resolves with its estimate."""
    from concurrent.futures import ThreadPoolExecutor

    ids = make_tracks(20)

    def infer():
        with open_session(database_url) as own:
            enrich_tracks(own, ids, FixedPredictor())
            own.commit()

    def measure():
        with open_session(database_url) as own:
            store_estimates(own, Source.IMPORT, None, np.array(ids), measured_estimates([{"tempo": 99.0}] * 20))
            own.commit()

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(infer), pool.submit(measure)]:
                future.result()
        rows = session.execute(text("SELECT DISTINCT tempo, energy FROM tracks")).all()
        assert rows == [(99.0, 0.25)]
        session.execute(text("TRUNCATE track_estimates"))
        session.execute(text("UPDATE tracks SET tempo = NULL, energy = NULL"))
        session.commit()


def test_unknown_values_travel_as_null(session, make_tracks):
    ids = make_tracks(1)
    store_estimates(session, Source.M1, "x", np.array(ids), Estimates.unknown(1))
    assert get_track(session, ids[0])["estimates"]["m1"]["tempo"] is None
    assert get_track(session, ids[0])["feature_sources"] == {}


def test_enrich_all_is_one_job_while_it_lives(session, make_tracks):
    make_tracks(7)
    job_id, created = start_enrich_all(session, predictor="m1", chunk_size=3)
    assert created
    assert start_enrich_all(session, predictor="m1", chunk_size=3) == (job_id, False)
    status = enrich_status(session)
    assert (status["tracks"], status["lacking"], status["waiting"], status["failed"]) == (7, 7, 7, 0)
