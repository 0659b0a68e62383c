"""`musicspace similar` as scripts and people see it."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def run(server_environment):
    """Run `musicspace` in a process of its own on the test's servers."""

    def call(*arguments):
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=server_environment)

    return call


def test_as_json(run, make_tracks):
    ids = make_tracks(12)
    result = run("similar", ids[0], "--limit", 5, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["track_id"], found["artist"], found["library"]) == (ids[0], "Artist 1", 12)
    # All have the same title and the word "artist" in common; ties go to the lower id.
    assert [each["track_id"] for each in found["tracks"]] == ids[1:6]
    assert sorted(found["tracks"][0]["shared"]) == ["artist-word:artist", "title:song"]


def test_as_a_table(run, make_tracks):
    ids = make_tracks(3)
    result = run("similar", ids[0])
    assert result.returncode == 0, result.stderr
    for words in ("Artist 1 - Song", "Artist 2", "Artist 3", "title:song"):
        assert words in result.stdout


def test_alone_in_the_library(run, make_tracks):
    [track_id] = make_tracks(1)
    assert "None of 1 tracks" in run("similar", track_id).stdout


def test_an_unknown_track(run, make_tracks):
    make_tracks(1)
    result = run("similar", 999_999)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == "Error [not-found]: There is no track 999999."
