"""Nothing outside of the configured folders is read, however it is named."""

import unicodedata
from pathlib import Path

import pytest

from audio.roots import find_audio, is_url, locate
from core.errors import PermanentError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    (folder / "album" / "song 1%.mp3").write_bytes(b"x")
    (tmp_path / "secret.mp3").write_bytes(b"x")
    (tmp_path / "music-other").mkdir()
    (tmp_path / "music-other" / "a.mp3").write_bytes(b"x")
    return folder


def _code(uri: str, *roots: Path) -> str:
    with pytest.raises(PermanentError) as caught:
        locate(uri, roots)
    return caught.value.code


def test_ways_to_name_a_file(root: Path) -> None:
    expected = (root / "album" / "song 1%.mp3").resolve()
    for uri in (
        "album/song 1%.mp3",
        "./album/../album/song 1%.mp3",
        str(expected),
        expected.as_uri(),
        f"file://localhost{expected.as_uri().removeprefix('file://')}",
    ):
        assert locate(uri, [root.parent / "absent", root]) == expected


@pytest.mark.parametrize("uri", ["../secret.mp3", "album/../../secret.mp3", "/etc/passwd", "file:///etc/passwd", ".."])
def test_what_leads_out(uri: str, root: Path) -> None:
    assert _code(uri, root) == "audio-outside-roots"


def test_whether_an_outside_file_exists_is_not_told(root: Path) -> None:
    assert _code(str(root.parent / "secret.mp3"), root) == _code(str(root.parent / "none.mp3"), root)
    assert _code(str(root.parent / "music-other" / "a.mp3"), root) == "audio-outside-roots"


@pytest.mark.parametrize(
    "uri", ["album/none.mp3", "album", "", "a\0b", "file://elsewhere/a.mp3", "file:///%ff", "x" * 300]
)
def test_what_is_no_file(uri: str, root: Path) -> None:
    assert _code(uri, root) in ("file-not-found", "audio-outside-roots" if uri == "file:///%ff" else "file-not-found")


def test_without_roots_nothing_is_read(root: Path) -> None:
    assert _code(str(root / "album" / "song 1%.mp3")) == "audio-outside-roots"


def test_links(root: Path) -> None:
    (root / "out.mp3").symlink_to(root.parent / "secret.mp3")
    (root / "out").symlink_to(root.parent)
    (root / "in.mp3").symlink_to(root / "album" / "song 1%.mp3")
    (root / "loop.mp3").symlink_to(root / "loop.mp3")
    assert _code("out.mp3", root) == "audio-outside-roots"
    assert _code("out/secret.mp3", root) == "audio-outside-roots"
    assert _code("loop.mp3", root) == "file-not-found"
    assert locate("in.mp3", [root]).name == "song 1%.mp3"


def test_a_root_may_itself_be_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert locate(str(link / "album" / "song 1%.mp3"), [link]).is_file()
    assert locate(str(root.resolve() / "album" / "song 1%.mp3"), [link]).is_file()


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_korean_names_in_either_form(stored: str, asked: str, root: Path) -> None:
    name = "가수/노래 é.mp3"
    file = root / unicodedata.normalize(stored, name)
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert locate(unicodedata.normalize(asked, name), [root]) == file.resolve()
    assert locate(unicodedata.normalize(asked, str(root / name)), [root]) == file.resolve()


def test_finding_audio(root: Path) -> None:
    for name in ("b.FLAC", "notes.txt", ".hidden.mp3", ".cache/c.mp3", "album/z.ogg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "out.mp3").symlink_to(root.parent / "secret.mp3")
    (root / "in.mp3").symlink_to(root / "b.FLAC")
    (root / "again").symlink_to(root)
    (root / "broken.mp3").symlink_to(root / "none")
    (root / "folder.mp3").mkdir()
    found = [str(path.relative_to(root)) for path in find_audio(root)]
    assert found == ["b.FLAC", "in.mp3", "album/song 1%.mp3", "album/z.ogg"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("http://a/b", True), ("HTTPS://a/b", True), ("file:///a", False), ("a/b.mp3", False), ("http.mp3", False)],
)
def test_urls(uri: str, expected: bool) -> None:
    assert is_url(uri) is expected
