"""Audio at URLs: fetched once, deleted afterwards; a server in trouble costs its own track alone."""

import tempfile
import threading
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rendered_audio import render
from sqlalchemy import text

from core.settings import get_settings, use_settings
from db.repositories.audio_reports import get_audio
from integrations import audio_download


class Server:
    """Serves one file at every path; `/flaky` fails at first, `/broken` always."""

    def __init__(self, content: bytes) -> None:
        self.asked = asked = Counter()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked[self.path] += 1
                fails = self.path == "/broken" or (self.path == "/flaky" and asked[self.path] == 1)
                self.send_response(503 if fails else 200)
                self.send_header("Content-Length", str(0 if fails else len(content)))
                self.end_headers()
                if not fails:
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server(tmp_path):
    running = Server(render(tmp_path / "served.flac").read_bytes())
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture
def open_network(music, monkeypatch, tmp_path):
    """URLs are fetched, from this machine too, and into a folder that the test can look at."""
    settings = get_settings()
    use_settings(settings.model_copy(update={"audio": settings.audio.model_copy(update={"urls_enabled": True})}))
    allowed = partial(audio_download.download, is_allowed=lambda address: True)
    monkeypatch.setattr(audio_download, "download", allowed)
    (tmp_path / "fetched").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "fetched"))
    return tmp_path / "fetched"


def code(session, track_id):
    session.rollback()
    return get_audio(session, track_id)["analysis"]["error_code"]


def test_a_url_is_fetched_once_and_deleted(session, open_network, server, add_track, run):
    track_id = add_track(f"{server.url}/song.flac?x=%20")
    assert run() == {"analyzed": 1}
    assert code(session, track_id) is None
    assert list(Path(open_network).iterdir()) == []
    assert run() == {"unchanged": 1}
    assert server.asked == {"/song.flac?x=%20": 1}


def test_a_server_in_trouble_costs_its_own_track_alone(session, music, open_network, server, add_track, run):
    good = add_track(render(music / "a.wav", seed=5).name)
    flaky, broken = add_track(f"{server.url}/flaky"), add_track(f"{server.url}/broken")
    assert run() == {"analyzed": 2, "failed": 1}
    assert (code(session, good), code(session, flaky)) == (None, None)
    assert code(session, broken) == "audio-download-failed"
    assert server.asked == {"/flaky": 2, "/broken": 3}
    assert run() == {"unchanged": 2, "failed": 1}
    assert server.asked["/broken"] == 6, "the next run asks again"


def test_what_was_heard_stays_while_the_server_is_away(session, open_network, server, add_track, run):
    from services.audio_analysis.work_plan import Mode

    track_id = add_track(f"{server.url}/song")
    run()
    server.http.shutdown()
    server.http.server_close()
    assert run(Mode.ALL) == {"unreachable": 1}
    assert code(session, track_id) is None
    assert session.scalar(text("SELECT count(*) FROM embeddings")) == 3
