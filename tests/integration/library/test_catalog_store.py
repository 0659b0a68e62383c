"""The catalog in memory: what it holds, when it is read anew, and many callers at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from core.errors import RetryableError
from core.features import FEATURE_NAMES
from core.personal_settings import PersonalSettings
from db.engine import open_session
from services.personal.catalog_store import CatalogStore, current_catalog
from services.personal.loaded_catalog import read_catalog

NEVER, ALWAYS = 1e9, 1e-9


@pytest.fixture
def add_track(session):
    """Insert and commit one track; returns its id."""

    def add(artist="IU", title="Palette", **columns):
        values = {"artist": artist, "title": title, "identity_key": f"{artist}|{title}".lower(), **columns}
        names = ", ".join(values)
        query = f"INSERT INTO tracks ({names}) VALUES ({', '.join(f':{name}' for name in values)}) RETURNING id"
        track_id = session.scalar(text(query), values)
        session.commit()
        return track_id

    return add


def read(database_url):
    with open_session(database_url) as session:
        return read_catalog(session)


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def closed_database(server_url, database_url):
    """A database that throws everybody out and lets nobody in."""
    name = urlsplit(database_url).path.removeprefix("/")
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_every_column_of_a_track_arrives(database_url, add_track):
    genres = ["art pop", "electronic"]
    first = add_track("Björk;Arca", "Jóga\t1", album="Homogenic", genres=genres, energy=0.5, tempo=90)
    add_track("IU", "좋은 날", popularity=70)
    add_track("IU", "Palette", genres=["k-pop"], album="Homogenic")
    loaded = read(database_url)
    catalog = loaded.catalog
    assert catalog.item_ids.tolist() == [first, first + 1, first + 2]
    assert list(catalog.artists) == ["Björk;Arca", "IU", "IU"]
    assert list(catalog.titles) == ["Jóga\t1", "좋은 날", "Palette"]
    assert list(catalog.albums) == ["Homogenic", None, "Homogenic"]
    assert list(catalog.genre_names) == ["art pop", "electronic", "k-pop"]
    assert catalog.genres.toarray().tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert catalog.features.shape == (3, len(FEATURE_NAMES))
    assert catalog.features[0, FEATURE_NAMES.index("energy")] == 0.5
    assert catalog.features[0, FEATURE_NAMES.index("tempo")] == 90
    assert np.isnan(catalog.features[1]).all()
    np.testing.assert_array_equal(catalog.popularity, [np.nan, 70, np.nan])


def test_versions_of_a_recording_are_one(database_url, add_track):
    for title in ("Palette", "Palette", "Palette - Live"):
        add_track(title=title)
    one, same, other = read(database_url).recordings.tolist()
    assert one == same != other


def test_an_empty_library_is_a_catalog_of_nothing(settings):
    catalog = current_catalog(settings).catalog
    assert len(catalog) == 0
    assert catalog.genres.shape == (0, 0)
    assert catalog.features.shape == (0, len(FEATURE_NAMES))


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO tracks (identity_key, artist, title) VALUES ('a|b', 'A', 'B')",
        "UPDATE tracks SET energy = 0.5 WHERE title = 'Palette'",
        "DELETE FROM tracks WHERE title = 'Palette'",
    ],
)
def test_any_change_gives_a_new_stamp(database_url, session, add_track, change):
    add_track("Queen", "Innuendo")
    add_track()
    before = read(database_url).stamp
    assert read(database_url).stamp == before
    session.execute(text(change))
    session.commit()
    assert read(database_url).stamp != before


def test_a_transaction_that_took_longer_than_a_later_one_is_noticed(database_url, session, add_track):
    slow_track, quick_track = add_track(), add_track("Queen", "Innuendo")
    update = text("UPDATE tracks SET energy = 0.5 WHERE id = :id")
    session.execute(update, {"id": slow_track})
    with open_session(database_url) as quick:
        quick.execute(update, {"id": quick_track})
        quick.commit()
    between = read(database_url)
    session.commit()
    after = read(database_url)
    assert after.stamp != between.stamp
    assert np.isfinite(after.catalog.features[:, FEATURE_NAMES.index("energy")]).all()


def test_the_old_catalog_serves_until_the_new_one_is_read(database_url, add_track):
    add_track()
    store = CatalogStore(database_url)
    old = store.get(NEVER)
    add_track("Queen", "Innuendo")
    assert store.get(NEVER) is old

    impatient = CatalogStore(database_url)
    first = impatient.get(ALWAYS)
    add_track("Björk", "Jóga")
    assert impatient.get(ALWAYS) is first
    wait_for(lambda: len(impatient.get(ALWAYS).catalog) == 3)
    # Nothing changed: the same object goes on, with all that was made from it.
    kept = impatient.get_fresh(NEVER)
    assert impatient.get_fresh(NEVER) is kept


def test_who_trains_after_an_import_sees_it(settings, add_track):
    seldom = settings.model_copy(update={"personal": PersonalSettings(catalog_refresh_seconds=NEVER)})
    assert len(current_catalog(seldom).catalog) == 0
    add_track()
    assert len(current_catalog(seldom).catalog) == 0
    assert len(current_catalog(seldom, fresh=True).catalog) == 1
    assert len(current_catalog(seldom).catalog) == 1


def test_a_catalog_is_prepared_before_it_serves(database_url, add_track):
    add_track()
    store, prepared = CatalogStore(database_url), []
    first = store.get(ALWAYS, prepared.append)
    assert prepared == [first]
    add_track("Queen", "Innuendo")
    wait_for(lambda: store.get(ALWAYS) is not first)
    assert prepared[-1] is store.get(NEVER)
    assert len(prepared) == 2


def test_a_catalog_that_cannot_be_prepared_serves_all_the_same(database_url, add_track, capsys):
    add_track()

    def fail(_):
        raise RetryableError("model-storage-unavailable", "The bucket is away.")

    assert len(CatalogStore(database_url).get(NEVER, fail).catalog) == 1
    assert "The bucket is away." in capsys.readouterr().out


def test_many_first_callers_share_one_reading(database_url, add_track):
    add_track()
    store = CatalogStore(database_url)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: store.get(NEVER), range(64)))
    assert len({id(each) for each in found}) == 1


def test_a_caller_waits_only_so_long_for_the_one_who_reads(database_url, session, monkeypatch, add_track):
    monkeypatch.setattr("services.personal.catalog_store.WAIT_SECONDS", 0.1)
    add_track()
    store = CatalogStore(database_url)
    session.execute(text("LOCK TABLE tracks IN ACCESS EXCLUSIVE MODE"))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.get, NEVER)
        wait_for(store._lock.locked)
        with pytest.raises(RetryableError) as failed:
            store.get(NEVER)
        session.rollback()
        assert len(reading.result(10).catalog) == 1
    assert failed.value.code == "recommendations-busy"
    assert len(store.get(NEVER).catalog) == 1


def test_a_server_that_is_away_leaves_the_old_catalog_in_place(servers, database_url, add_track):
    add_track()
    store = CatalogStore(database_url)
    old = store.get(ALWAYS)
    wait_for(lambda: not store._lock.locked())
    with closed_database(servers.database_url, database_url):
        for _ in range(3):
            assert store.get(ALWAYS) is old
            wait_for(lambda: not store._lock.locked())
        with pytest.raises(RetryableError) as failed:
            store.get_fresh(ALWAYS)
        assert failed.value.code == "database-unavailable"
    add_track("Queen", "Innuendo")
    wait_for(lambda: len(store.get(ALWAYS).catalog) == 2)
