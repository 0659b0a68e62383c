"""Tracks that are in the reference table have an error of exactly zero, and nobody is asked about them."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from core.features import FEATURE_NAMES
from core.settings import ImportSettings
from db.repositories.look_ups import ids_worth_asking
from models.evaluation.errors import normalized_errors
from models.predictors.protocol import Prediction
from models.training_data import read_reference_table
from services.enrichment import Matching, enrich_tracks
from services.importing import import_playlist
from services.playlists.reader import read_playlist
from services.reference.loading import load_reference


class Nonsense:
    """Predicts a half of everything."""

    name, version = "m1", "nonsense"

    def predict(self, tracks):
        n = len(tracks)
        halves = np.full((n, 9), 0.5, np.float32)
        return Prediction(halves, halves, np.full(n, 0.5, np.float32))


@pytest.mark.parametrize("with_ids", [True, False], ids=["by id", "by artist, title and duration"])
def test_matched_tracks_have_no_error_and_cost_no_call(shared_data, session, with_ids):
    load_reference(session, shared_data / "tracks.parquet", "tracks", lambda *_: None)
    playlist = read_playlist(shared_data / "playlists" / "known_tracks.csv", ImportSettings())
    rows = [row if with_ids else replace(row, spotify_id=None, isrc=None) for row in playlist.rows]
    rows = [replace(row, features={}) for row in rows]
    import_playlist(
        session, replace(playlist, rows=rows), user_id=1, name="known", predictor="m1", chunk_size=500, look_up=False
    )
    ids = session.scalars(text("SELECT id FROM tracks ORDER BY id")).all()
    summary = enrich_tracks(session, list(ids), Nonsense(), matching=Matching(near=True))
    assert summary.matched >= (len(ids) if with_ids else 0.98 * len(ids))

    truth = read_reference_table(shared_data / "tracks.parquet")
    true_of = dict(zip(truth.tracks.track_id, truth.targets, strict=True))
    spotify_ids = dict(zip((row.key for row in playlist.rows), (row.spotify_id for row in playlist.rows), strict=True))
    matched = session.execute(
        text(f"""
            SELECT identity_key, {", ".join(FEATURE_NAMES)} FROM tracks
            WHERE feature_sources->>'tempo' = 'reference' ORDER BY id
        """)
    ).all()
    assert len(matched) == summary.matched
    values = np.array([row[1:] for row in matched], dtype=np.float32)
    targets = np.array([true_of[spotify_ids[row.identity_key]] for row in matched])
    assert normalized_errors(values, targets).max() == 0.0

    asked = set(ids_worth_asking(session, "reccobeats", "v1")) | set(ids_worth_asking(session, "gemini", "v"))
    unmatched = set(session.scalars(text("SELECT id FROM tracks WHERE feature_sources->>'tempo' <> 'reference'")))
    assert asked <= unmatched
