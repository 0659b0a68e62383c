"""`musicspace interactions load`: files of events by the rules of the API, in batches, and again."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

HEADER = "event_id,user_id,track_id,kind,occurred_at\n"


@pytest.fixture
def run(server_environment):
    def call(*arguments, **options):
        command = [sys.executable, "-m", "cli.main", "interactions", "load", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=server_environment, **options)

    call.environment = server_environment
    return call


def row(event_id, track, kind="play", user=1, at="2026-05-04T09:30:00+02:00"):
    return f"{event_id},{user},{track},{kind},{at}\n"


def stored(session):
    session.rollback()
    query = "SELECT user_id, event_id, track_id, kind FROM interaction_events ORDER BY 1, 2"
    return [tuple(each) for each in session.execute(text(query))]


def test_a_file_is_loaded_once_and_bad_lines_are_told(run, session, make_tracks, tmp_path):
    a, b = make_tracks(2)
    session.execute(text("UPDATE tracks SET spotify_id = 'abc' WHERE id = :id"), {"id": b})
    session.commit()
    file = tmp_path / "history.csv"
    file.write_text(
        "\ufeffEvent_ID;user_id;track_id;spotify_id;kind;occurred_at\r\n"
        f"e1;1;{a};;play;2026-05-04T09:30:00+02:00\r\n"
        '"odd\\""{,}";1;;abc;like;2026-05-04T09:30:00Z\r\n'
        "\r\n"
        f"e1;1;{a};;skip;2026-05-04T09:30:00Z\r\n"
        f"e3;1;{a};;play;2026-05-04T09:30:00\r\n"
        f"e4;1;{10**12};;play;2026-05-04T09:30:00Z\r\n"
        f'"e5;1;{a};;play;2026-05-04T09:30:00Z\r\n'
        f"e6;1;{a};abc;play;2026-05-04T09:30:00Z\r\n"
        f"e7;1;{a};;play;2026-05-04T09:30:00Z;more\r\n"
        f"e8;2;{a};;dislike;2026-05-04T09:30:00Z\r\n"
    )
    dry = json.loads(run(file, "--dry-run", "--json").stdout)
    assert stored(session) == []
    assert session.scalar(text("SELECT count(*) FROM users")) == 0
    done = run(file, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {**dry, "dry_run": False}
    assert {name: told[name] for name in ("lines", "accepted", "duplicates", "rejected")} == {
        "lines": 9,
        "accepted": 3,
        "duplicates": 1,
        "rejected": 5,
    }
    assert stored(session) == [(1, "e1", a, "play"), (1, 'odd\\"{,}', b, "like"), (2, "e8", a, "dislike")]
    with (tmp_path / "history.csv.rejects.csv").open(encoding="utf-8", newline="") as rejects:
        found = {int(each["line"]): (each["reason"], each["detail"]) for each in csv.DictReader(rejects)}
    assert {line: reason for line, (reason, _) in found.items()} == {
        6: "bad-value",
        7: "unknown-track",
        8: "broken-quote",
        9: "bad-value",
        10: "too-many-cells",
    }
    assert "occurred_at: Input should have timezone" in found[6][1]
    assert str(10**12) in found[7][1]
    assert "either by track_id or by spotify_id" in found[9][1]
    again = run(file)
    assert "9 lines, 0 events stored, 4 stored before or repeated." in again.stdout
    assert len(stored(session)) == 3


def test_json_lines_by_the_same_rules(run, session, make_tracks, tmp_path):
    [a] = make_tracks(1)
    event = {"event_id": "e1", "user_id": 1, "track_id": a, "kind": "play", "occurred_at": "2026-05-04T09:30:00Z"}
    lines = [
        json.dumps(event),
        json.dumps({**event, "event_id": "a\0b"}),
        json.dumps({**event, "event_id": "x" * 201}),
        json.dumps({**event, "event_id": "e2", "more": 1}),
        '{"event_id": "e3"',
        "[]",
        json.dumps({**event, "event_id": "e4", "kind": "곡"}),
        "x" * 200_000,
        json.dumps({**event, "event_id": "e5", "occurred_at": 1e300}),
        json.dumps({**event, "event_id": "e6"}),
    ]
    file = tmp_path / "history.jsonl"
    file.write_bytes("\n".join(lines).encode() + b"\n{\xff}")
    told = json.loads(run(file, "--json").stdout)
    assert (told["lines"], told["accepted"]) == (11, 2)
    assert told["rejects"] == {"bad-value": 8, "too-long": 1}
    assert [event_id for _, event_id, *_ in stored(session)] == ["e1", "e6"]
    file.write_text(json.dumps(event))
    assert json.loads(run(file, "--json").stdout)["rejects_file"] is None
    assert not (tmp_path / "history.jsonl.rejects.csv").exists(), "it told of an earlier version of the file"


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, "file-not-found", "does not exist"),
        (b"", "file-empty", "is empty"),
        (b'[{"event_id": "1"}]', "invalid-option", "one event a line"),
        (b"event_id,user_id,track_id,kind\n", "invalid-option", "lacks the column occurred_at"),
        (b"event_id,user_id,kind,occurred_at\n", "invalid-option", "track_id or spotify_id"),
        (HEADER.strip().encode() + b",weather\n", "invalid-option", "no event has: weather"),
        (HEADER.strip().encode() + b",kind\n", "invalid-option", "has twice the column kind"),
        (HEADER.encode("utf-16"), "invalid-option", "UTF-8"),
        (b"PK\3\4\0\0", "invalid-option", "UTF-8"),
        (HEADER.encode(), "no-usable-rows", "no usable line among 0"),
        (HEADER.encode() + b"e1,1,1,dance,2026-05-04T09:30:00Z\n", "no-usable-rows", "no usable line among 1"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_line(run, tmp_path, content, code, words):
    file = tmp_path / "history.csv"
    if content is not None:
        file.write_bytes(content)
    refused = run(file)
    assert refused.returncode == 2
    error = refused.stderr.splitlines()[-1]
    assert error.startswith(f"Error [{code}]: {file}")
    assert words in error


def test_interrupted_it_goes_on_by_running_again(run, session, make_tracks, tmp_path):
    [a] = make_tracks(1)
    file = tmp_path / "history.csv"
    with file.open("w") as opened:
        opened.write(HEADER)
        opened.writelines(row(f"e{n}", a, user=n % 50 + 1) for n in range(35_000))
    command = [sys.executable, "-m", "cli.main", "interactions", "load", str(file)]
    with subprocess.Popen(command, env=run.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as loading:
        while loading.poll() is None and not stored(session):
            time.sleep(0.02)
        loading.send_signal(signal.SIGINT)
        loading.wait(60)
    kept = len(stored(session))
    assert kept >= 10_000
    told = json.loads(run(file, "--json").stdout)
    assert (told["lines"], told["accepted"], told["duplicates"]) == (35_000, 35_000 - kept, kept)
    session.rollback()
    assert session.scalar(text("SELECT sum(plays) FROM interactions")) == 35_000
    assert sorted(path.name for path in tmp_path.glob("*csv*")) == ["history.csv"]


def test_a_folder_that_cannot_be_written_loses_the_rejects_alone(run, session, make_tracks, tmp_path):
    [a] = make_tracks(1)
    (tmp_path / "history.csv.rejects.csv").mkdir()
    file = tmp_path / "history.csv"
    file.write_text(HEADER + row("e1", a) + row("e2", a, kind="dance"))
    done = run(file)
    assert "rejects.csv cannot be written" in done.stderr
    assert "1 events stored" in done.stdout.replace("\n", " ")
    assert len(stored(session)) == 1
