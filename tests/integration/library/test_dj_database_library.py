"""The DJ's library in the database: what is read is what was stored, and it follows changes."""

import threading
import time

import numpy as np
import pytest
from sqlalchemy import text
from stored_audio import SPACE, store_analyses

from core.audio_records import from_record, to_record
from core.errors import PermanentError
from db.repositories.dj import library_state
from models.dj.columns import COLUMNS, numbers_of
from services.dj import library_cache
from services.dj.database_library import current_track, describe, read_library
from services.dj.library_cache import LibraryCache

N = 30


def read(session):
    session.rollback()
    state = library_state(session)
    session.rollback()
    found = read_library(session, state)
    session.rollback()
    return found


def test_columns_are_those_of_the_descriptions(session, make_tracks):
    ids = make_tracks(N)
    found = store_analyses(session, ids)
    library = read(session).library
    assert sorted(library.ids) == ids
    by_id = dict(zip(ids, found, strict=True))
    expected = np.stack([numbers_of(from_record(*to_record(by_id[track_id]))) for track_id in library.ids], axis=1)
    np.testing.assert_allclose(library.numbers, expected, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(library.intro, axis=1), 1, atol=1e-5)
    assert library.intro.shape == (N, 32)


def test_vectors_belong_to_their_tracks(session, make_tracks):
    ids = make_tracks(N)
    store_analyses(session, ids)
    library = read(session).library
    for segment, vectors in (("intro", library.intro), ("outro", library.outro)):
        for row, track_id in enumerate(library.ids):
            stored = session.scalar(
                text("SELECT vector FROM embeddings WHERE track_id = :id AND segment = :segment"),
                {"id": track_id, "segment": segment},
            )
            np.testing.assert_array_equal(np.frombuffer(stored, "<f4"), vectors[row])


def test_unknown_values_are_not_numbers(session, make_tracks):
    ids = make_tracks(1)
    store_analyses(session, ids)
    session.execute(
        text("""
            UPDATE audio_descriptors SET bpm = NULL, key_root = NULL, key_mode = NULL,
                description = description #- '{intro,texture,sub}' #- '{outro,mixability}'
        """)
    )
    session.commit()
    library = read(session).library
    missing = {name for name in COLUMNS if np.isnan(library[name][0])}
    assert missing == {"bpm", "key", "intro_sub", "outro_mixability"}


def test_failures_other_spaces_and_odd_vectors_stay_out(session, make_tracks):
    ids = make_tracks(6)
    store_analyses(session, ids[:4])
    store_analyses(session, ids[4:5], space="other-1")
    session.execute(text("UPDATE embeddings SET vector = 'abc' WHERE track_id = :id"), {"id": ids[0]})
    session.execute(
        text("UPDATE audio_descriptors SET description = NULL, error_code = 'x' WHERE track_id = :id"), {"id": ids[1]}
    )
    session.commit()
    found = read(session)
    assert (found.state.space, sorted(found.library.ids)) == (SPACE, ids[2:4])


def test_a_track_that_plays_need_not_be_in_the_library_yet(session, make_tracks):
    ids = make_tracks(4)
    store_analyses(session, ids[:2])
    found = read(session)
    store_analyses(session, ids[2:3], seed=5)
    current = current_track(session, found, ids[2])
    assert ids[2] not in found.library
    assert (current.id, current.space) == (ids[2], SPACE)
    [described] = describe(session, [ids[2]]).values()
    np.testing.assert_allclose(current.numbers, numbers_of(described), rtol=1e-6)
    with pytest.raises(PermanentError) as told:
        current_track(session, found, ids[3])
    assert told.value.code == "audio-not-analyzed"
    with pytest.raises(PermanentError) as told:
        current_track(session, found, 10**9)
    assert told.value.code == "not-found"


def test_the_cache_follows_changes(session, make_tracks, database_url):
    ids = make_tracks(4)
    cache = LibraryCache(check_seconds=0.0)
    with pytest.raises(PermanentError) as told:
        cache.get(database_url)
    assert told.value.code == "audio-not-analyzed"
    store_analyses(session, ids[:2])
    first = cache.get(database_url)
    assert cache.get(database_url) is first
    store_analyses(session, ids[2:])
    cache._next_check = 0.0
    assert len(cache.get(database_url).library) == 4
    session.execute(text("DELETE FROM tracks WHERE id = :id"), {"id": ids[0]})
    session.commit()
    cache._next_check = 0.0
    assert ids[0] not in cache.get(database_url).library


def test_a_large_library_is_read_aside_while_the_old_one_serves(session, make_tracks, database_url, monkeypatch):
    monkeypatch.setattr(library_cache, "PATIENCE_SECONDS", -1.0)
    ids = make_tracks(4)
    store_analyses(session, ids[:2])
    cache = LibraryCache(check_seconds=0.0)
    old = cache.get(database_url)
    store_analyses(session, ids[2:])
    cache._next_check = 0.0
    assert cache.get(database_url) is old
    end = time.monotonic() + 10
    while len(cache.get(database_url).library) < 4:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_many_threads_read_once(session, make_tracks, database_url, monkeypatch):
    store_analyses(session, make_tracks(5))
    cache, found = LibraryCache(), []
    threads = [threading.Thread(target=lambda: found.append(cache.get(database_url))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in found}) == 1
