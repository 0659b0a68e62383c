"""After a promotion, exactly what another version inferred is renewed, and measured values stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from core.features import FEATURE_NAMES, N_FEATURES
from core.sources import Source
from core.tracks import TrackBatch
from db.repositories.jobs import cancel_job, job_progress
from db.repositories.tracks import get_track
from models.predictors.protocol import Prediction
from services.enrich_jobs import start_enrich_outdated
from services.enrichment import enrich_tracks, measured_estimates, store_estimates
from services.serving import Serving

A = Serving("m1", "1-aaaa", Path("unused"), None)
B = replace(A, version="1-bbbb")


class Predictor:
    """Predicts one value for everything, with one uncertainty."""

    def __init__(self, version, value, *, name="m1", uncertainty=0.1):
        self.name, self.version, self.value, self.uncertainty = name, version, value, uncertainty

    def predict(self, tracks: TrackBatch) -> Prediction:
        n = len(tracks)
        return Prediction(
            np.full((n, N_FEATURES), self.value, np.float32),
            np.full((n, N_FEATURES), self.uncertainty, np.float32),
            np.full(n, 0.4, np.float32),
        )


@pytest.fixture
def outdated(session):
    """Enqueue what is outdated and return the tracks in the items of that job."""

    def run(serving=B):
        job_id, created = start_enrich_outdated(session, serving=serving, chunk_size=2)
        assert created
        targets = session.scalars(
            text("""
                SELECT t.target::bigint FROM work_items w, jsonb_array_elements_text(w.payload -> 'targets') t (target)
                WHERE w.job_id = :job_id ORDER BY 1
            """),
            {"job_id": job_id},
        ).all()
        assert job_progress(session, job_id).summary == {"outdated": len(targets), "enqueued": len(targets)}
        cancel_job(session, job_id)
        return list(targets)

    return run


def measure(session, ids, **values):
    store_estimates(session, Source.IMPORT, None, np.array(ids), measured_estimates([values] * len(ids)))


def test_exactly_what_an_older_version_wrote_is_renewed(session, make_tracks, outdated):
    old, partly_measured, wholly_measured, current, untouched = (ids := make_tracks(5))
    measure(session, [partly_measured], tempo=128.0)
    measure(session, [wholly_measured], **dict.fromkeys(FEATURE_NAMES, 0.9))
    enrich_tracks(session, [old, partly_measured, wholly_measured], Predictor(A.version, 0.25))
    enrich_tracks(session, [current], Predictor(B.version, 0.75))
    assert outdated() == [old, partly_measured]
    enrich_tracks(session, [old, partly_measured], Predictor(B.version, 0.75))
    tracks = {track_id: get_track(session, track_id) for track_id in ids}
    assert tracks[old]["energy"] == 0.75
    assert (tracks[partly_measured]["tempo"], tracks[partly_measured]["energy"]) == (128.0, 0.75)
    assert tracks[wholly_measured]["energy"] == pytest.approx(0.9)
    assert tracks[untouched]["energy"] is None
    assert outdated() == []


def test_a_rollback_makes_the_newer_version_outdated(session, make_tracks, outdated):
    ids = make_tracks(2)
    enrich_tracks(session, ids, Predictor(B.version, 0.75))
    assert outdated(A) == ids


def test_what_another_predictor_left_is_renewed_and_loses(session, make_tracks, outdated):
    """However sure it was of itself, and although it comes first in the order of sources."""
    ids = make_tracks(2)
    enrich_tracks(session, ids, Predictor("9-old", 0.25, name="m2", uncertainty=0.001))
    assert outdated() == ids
    enrich_tracks(session, ids, Predictor(B.version, 0.75))
    track = get_track(session, ids[0])
    assert (track["energy"], track["feature_sources"]["energy"]) == (0.75, "m1")
    measure(session, ids, tempo=128.0)
    assert get_track(session, ids[0])["estimates"].keys() == {"import", "m1", "m2"}


def test_a_late_item_of_a_former_predictor_does_not_win(session, make_tracks, outdated):
    ids = make_tracks(1)
    enrich_tracks(session, ids, Predictor(B.version, 0.75), preferred="m1")
    enrich_tracks(session, ids, Predictor("9-old", 0.25, name="m2"), preferred="m1")
    assert get_track(session, ids[0])["energy"] == 0.75
    assert outdated() == []


def test_a_live_run_for_the_same_version_is_joined(session, make_tracks):
    ids = make_tracks(3)
    enrich_tracks(session, ids, Predictor(A.version, 0.25))
    job_id, created = start_enrich_outdated(session, serving=B, chunk_size=2)
    assert created
    assert start_enrich_outdated(session, serving=B, chunk_size=2) == (job_id, False)
    later, created = start_enrich_outdated(session, serving=replace(B, version="1-cccc"), chunk_size=2)
    assert created
    assert job_progress(session, later).summary == {"outdated": 3, "enqueued": 0}
