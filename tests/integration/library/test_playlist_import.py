"""Importing playlists into a real database: matching, idempotence, measured values, concurrency, atomicity."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from core.settings import ImportSettings
from db.engine import open_session
from db.repositories.jobs import job_progress
from db.repositories.tracks import load_batch
from services.importing import import_playlist
from services.playlists.reader import parse_playlist

ID = "spotify:track:{:022d}"


@pytest.fixture
def import_csv(session):
    """Import CSV text for a user and commit; returns the summary."""

    def run(csv_text, *, user=1, name="list", own=None):
        target = own or session
        playlist = parse_playlist(csv_text.encode(), "list.csv", ImportSettings())
        summary = import_playlist(target, playlist, user_id=user, name=name, predictor="m1", chunk_size=2)
        target.commit()
        return summary

    return run


def all_tracks(session):
    return session.execute(text("SELECT artist, title, spotify_id, isrc, album FROM tracks ORDER BY id")).all()


def test_a_playlist_becomes_tracks_and_work(session, import_csv):
    summary = import_csv("artist,title\nIU,좋은 날\nQueen,Innuendo\nBjörk,Jóga\n")
    assert (summary.rows, summary.new_tracks, summary.added_to_playlist, summary.enqueued) == (3, 3, 3, 3)
    progress = job_progress(session, summary.job_id)
    assert (progress.items, progress.total) == ({"queued": 2}, 3)
    assert all_tracks(session)[0][:2] == ("IU", "좋은 날")


def test_importing_the_same_file_twice_adds_nothing(session, import_csv):
    content = "artist,title\nIU,좋은 날\nQueen,Innuendo\n"
    import_csv(content)
    again = import_csv(content)
    assert (again.new_tracks, again.known_tracks, again.added_to_playlist, again.enqueued) == (0, 2, 0, 0)
    assert again.in_progress == 2
    assert again.shared_jobs == [1]
    assert session.scalar(text("SELECT count(*) FROM playlists")) == 1
    other = import_csv(content, user=2)
    assert (other.new_tracks, other.added_to_playlist) == (0, 2)


def test_tracks_are_matched_by_spotify_id_then_isrc_then_key(session, import_csv):
    import_csv(f"artist,title,isrc,uri\nA,One,GBAYE0601498,\nB,Two,,{ID.format(2)}\nC,Three - Remastered 2009,,\n")
    summary = import_csv(
        "artist,title,isrc,uri\n"
        f"somebody,else,,{ID.format(2)}\n"  # by Spotify id
        f"another,name,GBAYE0601498,{ID.format(9)}\n"  # by ISRC
        f'"C",three (Radio Edit),,{ID.format(3)}\n',  # by key
        name="second",
    )
    assert (summary.new_tracks, summary.known_tracks) == (0, 3)
    assert [row.spotify_id for row in all_tracks(session)] == [f"{n:022d}" for n in (9, 2, 3)]
    assert [row.title for row in all_tracks(session)] == ["One", "Two", "Three - Remastered 2009"]


def test_two_known_spotify_ids_are_two_recordings(session, import_csv):
    import_csv(f"artist,title,uri\nBTS,IDOL,{ID.format(1)}\n")
    summary = import_csv(f"artist,title,uri\nBTS,IDOL,{ID.format(2)}\n")
    assert summary.new_tracks == 1


def test_a_bare_track_is_taken_over_by_one_spotify_row_only(session, import_csv):
    import_csv("artist,title\nBTS,IDOL\n")
    content = f"artist,title,uri\nBTS,IDOL,{ID.format(1)}\nBTS,IDOL,{ID.format(2)}\n"
    assert import_csv(content).new_tracks == 1
    assert import_csv(content).new_tracks == 0
    assert sorted(row.spotify_id for row in all_tracks(session)) == [f"{1:022d}", f"{2:022d}"]


def test_a_live_version_is_another_track(session, import_csv):
    import_csv("artist,title\nQueen,Innuendo\n")
    assert import_csv("artist,title\nQueen,Innuendo - Live at Wembley\n").new_tracks == 1


def test_a_file_fills_gaps_and_changes_nothing_known(session, import_csv):
    import_csv("artist,title,album\nA,One,First\nB,Two,\n")
    import_csv("artist,title,album\nA,One,Other\nB,Two,Second\n")
    assert [row.album for row in all_tracks(session)] == ["First", "Second"]


def test_moods_and_places_on_the_album_are_stored_and_filled_like_the_rest(session, import_csv):
    header = "artist,title,moods,track number,album total tracks"
    import_csv(f'{header}\nA,One,"Calm, warm",4,12\nB,Two,,,\n')
    import_csv(f"{header}\nA,One,loud,9,9\nB,Two,happy,1,\n")
    rows = session.execute(text("SELECT moods, track_number, album_total_tracks FROM tracks ORDER BY id")).all()
    assert rows == [(["calm", "warm"], 4, 12), (["happy"], 1, None)]
    batch = load_batch(session, session.scalars(text("SELECT id FROM tracks")).all())
    assert (batch.moods, batch.track_number) == ([["calm", "warm"], ["happy"]], [4, 1])


def test_feature_columns_are_kept_as_measured_values(session, import_csv):
    header = (
        "artist,title,danceability,energy,valence,acousticness,instrumentalness,liveness,speechiness,tempo,loudness"
    )
    summary = import_csv(f"{header}\nA,One,.1,.2,.3,.4,.5,.6,.7,120,-6\nB,Two,.5,,,,,,,,\nC,Three,,,,,,,,,\n")
    assert (summary.measured, summary.enqueued) == (2, 2)
    rows = session.execute(text("SELECT danceability, tempo, feature_sources FROM tracks ORDER BY id")).all()
    assert (round(rows[0].danceability, 3), rows[0].tempo) == (0.1, 120)
    assert set(rows[0].feature_sources.values()) == {"import"}
    assert rows[1].feature_sources == {"danceability": "import"}
    assert rows[2].feature_sources == {}


def test_imports_at_once_insert_each_track_once(session, import_csv, database_url):
    content = "artist,title\n" + "".join(f"Artist {n},Song {n}\n" for n in range(300))

    def run(user):
        with open_session(database_url) as own:
            return import_csv(content, user=user, own=own).new_tracks

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(1, 5))) == 300
    assert session.scalar(text("SELECT count(*) FROM tracks")) == 300
    assert session.scalar(text("SELECT count(*) FROM playlist_tracks")) == 1200
    assert session.scalar(text("SELECT sum(size) FROM work_items")) == 300


def test_nothing_remains_of_an_import_that_is_not_committed(session, database_url):
    playlist = parse_playlist(b"artist,title\nA,One\n", "list.csv", ImportSettings())
    with open_session(database_url) as own:
        import_playlist(own, playlist, user_id=1, name="x", predictor="m1", chunk_size=2)
    for table in ("tracks", "users", "playlists", "jobs", "work_items", "live_targets"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table


def test_a_hundred_thousand_rows_import_in_one_transaction(session, import_csv):
    content = "artist,title,uri\n" + "".join(f"Artist {n % 9000},Song {n},{ID.format(n)}\n" for n in range(100_000))
    summary = import_csv(content)
    assert summary.new_tracks == 100_000
    transactions = "SELECT count(DISTINCT xmin::text) FROM tracks"
    assert session.scalar(text(transactions)) == 1
