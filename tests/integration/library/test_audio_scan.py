"""A folder becomes a playlist: names from tags or paths, files that move, roots that are kept to."""

import struct
from pathlib import Path

import pytest
from rendered_audio import damage, render
from sqlalchemy import text

from core.audio_settings import AudioSettings
from core.errors import ConfigurationError, PermanentError
from core.settings import ImportSettings
from services.audio_analysis.scanning import import_files, read_folder
from services.importing import import_playlist
from services.playlists.reader import parse_playlist


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def scan(settings, session, music):
    def do(folder=music, name="Mine"):
        chosen = settings.model_copy(update={"audio": AudioSettings(roots=[music])})
        files = read_folder(folder, chosen.audio, chosen.imports)
        summary, moved = import_files(session, files, chosen, user_id=1, name=name)
        session.commit()
        return summary, moved

    return do


def tagged_wav(path: Path, **tags: str) -> Path:
    """A wave file with a list of RIFF tags: IART artist, INAM title, IPRD album, ICRD year, IGNR genre."""
    render(path, seconds=3)
    pieces = b"".join(_riff(name.encode(), value.encode() + b"\0") for name, value in tags.items())
    data = path.read_bytes() + _riff(b"LIST", b"INFO" + pieces)
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    return path


def _riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def tracks(session):
    session.rollback()
    return session.execute(
        text("SELECT artist, title, album, duration_ms, release_year, genres, audio_uri FROM tracks ORDER BY audio_uri")
    ).all()


def test_names_come_from_tags_then_from_paths(session, music, scan):
    tags = {"IART": "아이유", "INAM": "밤편지", "IPRD": "Palette", "ICRD": "2017-03-24", "IGNR": "K-Pop"}
    tagged_wav(music / "a.wav", **tags)
    tagged_wav(music / "b" / "01 - Queen - Innuendo.wav", IPRD="Innuendo")
    render(music / "볼빨간사춘기" / "여행.flac", seconds=3)
    summary, moved = scan()
    assert (summary.rows, summary.new_tracks, moved) == (3, 3, 0)
    assert tracks(session) == [
        ("아이유", "밤편지", "Palette", 3000, 2017, ["k-pop"], "a.wav"),
        ("Queen", "Innuendo", "Innuendo", 3000, None, [], "b/01 - Queen - Innuendo.wav"),
        ("볼빨간사춘기", "여행", None, 3000, None, [], "볼빨간사춘기/여행.flac"),
    ]
    kinds = session.execute(text("SELECT kind, sum(size) FROM work_items GROUP BY kind ORDER BY kind")).all()
    assert kinds == [("analyze", 3), ("enrich", 3), ("plan-look-ups", 0)]
    assert session.scalar(text("SELECT params->>'import' FROM jobs WHERE kind = 'analyze'")) == str(summary.job_id)


def test_damaged_files_and_odd_tags_are_imported_by_name(session, music, scan):
    damage(music)
    tagged_wav(music / "c.wav", IART="A", INAM="B", ICRD="someday", IGNR=";;")
    (music / "cut.mp3").write_bytes(b"ID3\x04\x00\x00\x00\x00\x7f\x7f" + b"\xff" * 40)
    summary, _ = scan()
    assert (summary.rows, summary.rejected) == (5, 0)
    assert {row.title for row in tracks(session)} == {"Empty", "Noise", "Silent", "B", "cut"}


def test_scanning_again_adds_nothing_and_starts_nothing(session, music, scan):
    render(music / "A - B.wav", seconds=3)
    first, _ = scan()
    assert first.analyze_job is not None
    session.execute(text("DELETE FROM live_targets"))
    session.execute(
        text("""INSERT INTO audio_descriptors (track_id, uri, version)
                SELECT id, audio_uri, '1' FROM tracks""")
    )
    session.commit()
    again, moved = scan()
    assert (again.new_tracks, again.known_tracks, again.analyze_job, moved) == (0, 1, None, 0)


def test_a_moved_file_is_found_again_but_a_copy_changes_nothing(session, music, scan):
    render(music / "A - B.wav", seconds=3)
    scan()
    (music / "copies").mkdir()
    (music / "copies" / "A - B.wav").write_bytes((music / "A - B.wav").read_bytes())
    _, moved = scan(music / "copies")
    assert (moved, tracks(session)[0].audio_uri) == (0, "A - B.wav")
    (music / "A - B.wav").unlink()
    summary, moved = scan(music / "copies")
    assert (moved, tracks(session)[0].audio_uri) == (1, "copies/A - B.wav")
    assert summary.analyze_job is not None


def test_a_known_track_without_audio_gets_it(session, music, scan):
    playlist = parse_playlist(b"artist,title\nA,B\n", "list.csv", ImportSettings())
    import_playlist(session, playlist, user_id=1, name="x", predictor="m1", chunk_size=5)
    session.commit()
    render(music / "A - B.wav", seconds=3)
    summary, _ = scan()
    assert (summary.known_tracks, tracks(session)[0].audio_uri) == (1, "A - B.wav")


def test_an_import_with_paths_starts_their_analysis_where_audio_may_be_read(session, music):
    playlist = parse_playlist(b"#EXTM3U\nA - B.wav\n#EXTINF:1,C - D\nhttps://x/y.mp3\n", "l.m3u", ImportSettings())
    closed = import_playlist(
        session, playlist, user_id=1, name="x", predictor="m1", chunk_size=5, audio=AudioSettings()
    )
    assert closed.analyze_job is None
    session.rollback()
    open_ = import_playlist(
        session, playlist, user_id=1, name="x", predictor="m1", chunk_size=5, audio=AudioSettings(roots=[music])
    )
    assert open_.analyze_job is not None
    assert session.scalar(text("SELECT sum(size) FROM work_items WHERE kind = 'analyze'")) == 2


def test_a_path_that_an_earlier_root_has_too_is_stored_whole(session, tmp_path, settings):
    first, second = tmp_path / "first", tmp_path / "second"
    render(first / "A - B.wav", seconds=3)
    render(second / "A - B.wav", seconds=3, seed=1)
    audio = AudioSettings(roots=[first, second])
    [row] = read_folder(second, audio, settings.imports).rows
    assert row.audio_uri == str(second / "A - B.wav")


def test_folders_outside_of_the_roots_are_refused(settings, music, tmp_path):
    with pytest.raises(ConfigurationError, match="MUSICSPACE_AUDIO__ROOTS") as refused:
        read_folder(music, AudioSettings(), settings.imports)
    assert refused.value.code == "audio-disabled"
    audio = AudioSettings(roots=[music])
    with pytest.raises(PermanentError, match="MUSICSPACE_AUDIO__ROOTS") as refused:
        read_folder(tmp_path, audio, settings.imports)
    assert refused.value.code == "audio-outside-roots"
    for folder in (music, music / "none"):
        with pytest.raises(PermanentError) as refused:
            read_folder(folder, audio, settings.imports)
        assert refused.value.code == "file-not-found"
