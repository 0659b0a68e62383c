"""Remove a user, and see what models take, on the command line."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text


@pytest.fixture
def run(server_environment):
    """Run `musicspace` in a process of its own, with models of this test's own."""

    def call(*arguments, answer=""):
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        return subprocess.run(
            command, input=answer, capture_output=True, text=True, timeout=120, env=server_environment
        )

    return call


@pytest.fixture
def user(session):
    """A user with a playlist."""
    session.execute(text("INSERT INTO users (id) VALUES (7)"))
    session.execute(text("INSERT INTO playlists (user_id, name) VALUES (7, 'Geheimnis')"))
    session.commit()
    return 7


def playlists(session):
    session.rollback()
    return session.scalar(text("SELECT count(*) FROM playlists"))


def test_a_receipt_is_shown_once_the_user_is_gone(run, session, user):
    result = run("users", "delete", user, "--yes", "--wait")
    assert result.returncode == 0, result.stderr
    assert "User 7 was removed at " in result.stdout
    assert "Rows: 1 of playlists, 1 of users." in result.stdout
    assert "Kept: tracks." in result.stdout
    assert playlists(session) == 0
    shown = run("job", "show", 1)
    assert "'playlists': 1" in shown.stdout


def test_the_receipt_as_json(run, user):
    result = run("users", "delete", user, "--yes", "--wait", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["job"]["state"], answer["receipt"]["rows"]["users"]) == ("done", 1)


def test_without_waiting_the_job_is_told(run, session, user):
    result = run("users", "delete", user, "--yes")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Job 1 removes user 7: queued. Its receipt: musicspace job show 1\n"
    assert playlists(session) == 1


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nothing_happens_unless_it_is_meant(run, session, user, answer):
    assert run("users", "delete", user, "--wait", answer=answer).returncode == 1
    assert playlists(session) == 1
    assert session.scalar(text("SELECT count(*) FROM jobs")) == 0


def test_a_yes_at_the_question_is_enough(run, session, user):
    assert run("users", "delete", user, "--wait", answer="y\n").returncode == 0
    assert playlists(session) == 0


def test_an_unknown_user_is_one_line(run):
    result = run("users", "delete", 99, "--yes")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("Error [not-found]: There is no user 99")


def test_usage_is_a_table_or_json(run, session, user):
    session.execute(
        text("""INSERT INTO user_models (user_id, kind, version, state, path, sha256, size_bytes)
                VALUES (7, 'm1', '1', 'serving', 'm1/7/1', '', 2048)""")
    )
    session.commit()
    shown = run("models", "usage")
    assert shown.returncode == 0, shown.stderr
    assert "1 models of 1 users, 2,048 bytes." in shown.stdout
    assert "user 7: 2,048 bytes in 1 models" in shown.stdout
    usage = json.loads(run("models", "usage", "--top", 0, "--json").stdout)
    assert (usage["models"], usage["top_users"]) == (1, [])
