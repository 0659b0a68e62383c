"""Where the parts of a data directory lie, decided without touching the disk."""

from pathlib import Path

import pytest

from integrations.embedded.layout import LONGEST_SOCKET_DIR, Layout


def test_sockets_lie_in_the_data_directory() -> None:
    assert Layout.of(Path("/srv/music")).sockets == Path("/srv/music/sockets")


def test_the_longest_path_that_still_fits() -> None:
    root = "/" + "d" * (LONGEST_SOCKET_DIR - len("//sockets"))
    assert Layout.of(Path(root)).sockets == Path(root, "sockets")
    assert len(f"{root}/sockets/.s.PGSQL.5432") == 107
    assert Layout.of(Path(root + "d")).sockets.parent == Path("/tmp")


@pytest.mark.parametrize("root", ["/srv/two words", "/srv/a,b", "/srv/음악", "/srv/50%", "/srv/a?b"])
def test_paths_that_need_quoting_in_a_url_or_a_list_are_avoided(root: str) -> None:
    sockets = Layout.of(Path(root)).sockets
    assert sockets.parent == Path("/tmp")
    assert sockets != Layout.of(Path(root + "x")).sockets


def test_two_spellings_are_one_data_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Layout.of(tmp_path / "link").identity == Layout.of(tmp_path / "real" / ".." / "real").identity
