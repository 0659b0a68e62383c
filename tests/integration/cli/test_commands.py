"""The command line as scripts see it: exit codes, JSON on stdout, one-line errors on stderr."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from db.repositories import work_items
from db.repositories.inspection import list_items


@pytest.fixture
def run(server_environment):
    """Run `musicspace` in a process of its own on the test's servers."""
    environment = server_environment | {
        "MUSICSPACE_ENRICH__CHUNK_SIZE": "10",
    }

    def call(*arguments, **variables):
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment | variables)

    return call


@pytest.fixture
def playlist(tmp_path):
    path = tmp_path / "내 목록.csv"
    path.write_text("artist,title\nIU,좋은 날\n,no artist\nQueen,Innuendo\n", encoding="utf-8")
    return path


def test_import_and_wait_fills_every_feature(run, playlist, session):
    result = run("import", playlist, "--user", 7, "--json")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["playlist"], summary["rows"], summary["new_tracks"], summary["rejected"]) == ("내 목록", 3, 2, 1)
    assert summary["job"]["state"] == "done"
    assert (playlist.parent / "내 목록.csv.rejects.csv").read_text(encoding="utf-8").count("\n") == 2
    assert session.scalar(text("SELECT count(*) FROM tracks WHERE tempo IS NOT NULL")) == 2
    again = json.loads(run("import", playlist, "--user", 7, "--json").stdout)
    assert (again["new_tracks"], again["enqueued"], again["job"]["state"]) == (0, 0, "done")


def test_brackets_and_colons_in_names_are_text(run, tmp_path):
    path, name = tmp_path / "[red] list.csv", "[red]x[/nothing] :cat:"
    path.write_text("artist,title\n[/b],:dog: [i]\n,none\n", encoding="utf-8")
    imported = run("import", path, "--user", 7, "--name", name, "--no-wait")
    assert imported.returncode == 0, imported.stderr
    shown = run("job", "show", 1)
    assert shown.returncode == 0, shown.stderr
    for output in (imported.stdout, shown.stdout):
        assert name in output


def test_a_job_is_shown_cancelled_and_listed(run, playlist):
    assert run("import", playlist, "--user", 7, "--no-wait").returncode == 0
    shown = json.loads(run("job", "show", 1, "--json").stdout)
    assert (shown["state"], shown["total"]) == ("queued", 2)
    assert run("job", "cancel", 1).returncode == 0
    again = run("job", "cancel", 1)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "[wrong-state]" in again.stderr
    assert [job["state"] for job in json.loads(run("job", "list", "--json").stdout)] == ["cancelled"]
    assert run("job", "watch", 1).returncode == 1


def test_failed_items_are_shown_retried_and_replayed(run, session, make_tracks, make_job):
    job_id = make_job(make_tracks(1))
    item_id = list_items(session, state=None, job_id=job_id, limit=1)[0]["id"]
    for command in (("job", "retry", job_id), ("job", "replay", item_id)):
        work_items.fail(session, work_items.claim(session, item_id, "t", 60), "track-missing", "[gone]")
        session.commit()
        assert "track-missing: [gone]" in run("job", "show", job_id).stdout
        assert run(*command).returncode == 0
        session.rollback()
        assert list_items(session, state=None, job_id=job_id, limit=1)[0]["state"] == "queued"
    assert run("job", "retry", job_id).returncode == 2


def test_status_of_enrichment(run, make_tracks):
    make_tracks(3)
    status = json.loads(run("enrich-status", "--json").stdout)
    assert (status["tracks"], status["lacking"], status["complete"]) == (3, 3, 0)
    assert json.loads(run("enrich-all", "--no-wait", "--json").stdout)["total"] == 3
    assert json.loads(run("enrich-all", "--no-wait", "--json").stdout)["created"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("import", "nowhere.csv", "--user", "1"), "file-not-found", 2),
        (("job", "show", "99"), "not-found", 2),
        (("job", "watch", "99"), "not-found", 2),
        (("predict", "nowhere.csv", "--out", "x.csv"), "file-not-found", 2),
    ],
)
def test_a_mistake_is_one_line_with_a_code(run, arguments, code, exit_code):
    result = run(*arguments)
    assert result.returncode == exit_code
    assert result.stderr.startswith(f"Error [{code}]: ")
    assert "Traceback" not in result.stderr


def test_an_unusable_file_changes_nothing(run, tmp_path, session):
    binary = tmp_path / "picture.csv"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    result = run("import", binary, "--user", 1)
    assert (result.returncode, "[file-not-a-playlist]" in result.stderr) == (2, True)
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 0
    assert not binary.with_name("picture.csv.rejects.csv").exists()


def test_servers_that_are_away_are_told_from_wrong_input(run, playlist):
    away = run("import", playlist, "--user", 1, MUSICSPACE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (away.returncode, "[database-unavailable]" in away.stderr) == (4, True)
    wrong = run("import", playlist, "--user", 1, MUSICSPACE_DATABASE_URL="mysql://x")
    assert (wrong.returncode, "MUSICSPACE_DATABASE_URL" in wrong.stderr) == (3, True)


def test_an_import_without_a_broker_is_kept_for_later(run, playlist, session, tmp_path):
    result = run("import", playlist, "--user", 1, "--no-wait", MUSICSPACE_REDIS_URL=f"unix://{tmp_path}/none.sock")
    assert result.returncode == 0, result.stderr
    assert session.scalar(text("SELECT sum(size) FROM work_items WHERE state = 'queued'")) == 2


def test_an_old_schema_is_named_and_upgraded(run, playlist, empty_database_url):
    old = run("import", playlist, "--user", 1, MUSICSPACE_DATABASE_URL=empty_database_url)
    assert (old.returncode, "musicspace db upgrade" in old.stderr) == (3, True)
    for _ in range(2):
        assert run("db", "upgrade", MUSICSPACE_DATABASE_URL=empty_database_url).returncode == 0
    assert run("import", playlist, "--user", 1, "--no-wait", MUSICSPACE_DATABASE_URL=empty_database_url).returncode == 0
