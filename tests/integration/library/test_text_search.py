"""Tracks found by words, through a CLAP checkpoint with random weights and the real loading code."""

import numpy as np
import pytest
from sqlalchemy.orm import Session
from stored_audio import store_analyses
from tiny_clap import save_tiny_clap

from core.audio import Segment
from core.audio_settings import EmbedSettings
from core.embedding import AudioEmbedder
from core.errors import PermanentError
from db.repositories.audio import write_vectors
from db.tables import Track
from services.audio_analysis.embedders import open_embedder
from services.audio_analysis.text_search import search_sound

WORDS = "조용한 piano"


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> AudioEmbedder:
    checkpoint = save_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")
    return open_embedder(EmbedSettings(clap_checkpoint=str(checkpoint), device="cpu"))


def three_tracks(session: Session) -> list[int]:
    tracks = [Track(artist="아이유", title=f"곡 {n}", identity_key=f"iu|{n}") for n in range(3)]
    session.add_all(tracks)
    session.commit()
    return [track.id for track in tracks]


def test_the_nearest_come_first(session: Session, embedder: AudioEmbedder) -> None:
    ids = three_tracks(session)
    words = embedder.embed_text([WORDS])[0]
    other = np.roll(words, 1)
    mixtures = {ids[0]: other, ids[1]: words, ids[2]: words + other}
    vectors = {
        track_id: {Segment.FULL: (v / np.linalg.norm(v)).astype("<f4").tobytes()} for track_id, v in mixtures.items()
    }
    write_vectors(session, embedder.space, vectors)
    session.commit()
    found = search_sound(session, embedder, WORDS, 2)
    assert [track.track_id for track in found] == [ids[1], ids[2]]
    assert found[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert (found[0].artist, found[0].title) == ("아이유", "곡 1")


def test_vectors_of_another_space_are_no_answer(session: Session, embedder: AudioEmbedder) -> None:
    with pytest.raises(PermanentError) as nothing:
        search_sound(session, embedder, WORDS, 5)
    assert nothing.value.code == "audio-not-analyzed"
    store_analyses(session, three_tracks(session))
    with pytest.raises(PermanentError) as mixed:
        search_sound(session, embedder, WORDS, 5)
    assert mixed.value.code == "embedding-space-mismatch"
