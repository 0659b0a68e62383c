"""Feedback is stored once for each event, and weights learned from it beat those that listeners disagree with."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sqlalchemy import text

from core.audio_settings import DjSettings, DjWeights
from core.errors import PermanentError
from services.dj.feedback import Action, choices_of, record, train


def event(number, current, following, **values):
    usual = {
        "event_id": f"event-{number}",
        "current_track_id": current,
        "next_track_id": following,
        "goal": "up",
        "action": "play",
        "played_seconds": None,
        "user_id": 7,
        "rank": 1,
        "terms": {"similarity": 0.5},
    }
    return usual | values


def listeners_who_care_for_keys(ids, seed=0):
    """Skips and likes that follow the key alone; every other term is chance."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(400):
        terms = {name: round(float(rng.uniform()), 3) for name in DjWeights.model_fields}
        liked = rng.uniform() < 1 / (1 + np.exp(-12 * (terms["key"] - 0.5)))
        current = ids[number % 20]
        action = Action.LIKE if liked else Action.SKIP
        events.append(event(number, current, ids[20 + number // 20], action=action, terms=terms))
    return events


def test_an_event_is_stored_once(session, make_tracks):
    first, second = make_tracks(2)
    events = [event(1, first, second), event(2, first, second, action="skip"), event(2, first, second)]
    recorded = record(session, events)
    assert (recorded.stored, recorded.known, recorded.unknown_tracks) == (2, 1, [])
    again = record(session, [*events, event(3, first, 10**9), event(4, first, second, terms={})])
    session.commit()
    assert (again.stored, again.known, again.unknown_tracks) == (1, 3, ["event-3"])
    assert session.scalar(text("SELECT count(*) FROM dj_feedback")) == 3


def test_events_about_one_choice_are_one(session, make_tracks):
    first, second = make_tracks(2)
    common = {"user_id": 1, "current_track_id": first, "next_track_id": second, "goal": "up", "duration_s": 200.0}
    events = [
        {**common, "action": "play", "played_seconds": 50.0, "terms": {"key": 0.1}},
        {**common, "action": "like", "played_seconds": None, "terms": {"key": 0.2}},
        {**common, "action": "play", "played_seconds": 150.0, "terms": {}},
        {**common, "goal": "down", "action": "skip", "played_seconds": 900.0, "terms": {"key": 0.3}},
    ]
    choices, without_terms = choices_of(events)
    assert without_terms == 1
    assert [(each.liked, each.skipped, each.played_share) for each in choices] == [
        (True, False, 0.25),
        (False, True, 1.0),
    ]
    assert choices[0].context != choices[1].context


def test_learned_weights_follow_the_listeners(session, make_tracks):
    record(session, listeners_who_care_for_keys(make_tracks(40)))
    session.commit()
    trained = train(session, DjSettings())
    assert trained.report.is_gain
    assert trained.weights.key == max(trained.weights.model_dump().values())


def test_too_little_feedback_teaches_nothing(session, make_tracks):
    record(session, [event(1, *make_tracks(2))])
    with pytest.raises(PermanentError) as told:
        train(session, DjSettings())
    assert told.value.code == "too-little-feedback"


def test_the_command_tells_the_gain_and_the_variables(session, settings, make_tracks, tmp_path):
    record(session, listeners_who_care_for_keys(make_tracks(40)))
    session.commit()
    environment = {"MUSICSPACE_DATABASE_URL": settings.database_url, "MUSICSPACE_REDIS_URL": settings.redis_url}
    command = [sys.executable, "-m", "cli.main", "dj", "feedback", "train"]

    def run(*arguments):
        given = {"PATH": "/usr/bin:/bin", "MUSICSPACE_DATA_DIR": str(tmp_path), **environment}
        return subprocess.run([*command, *arguments], capture_output=True, text=True, env=given, timeout=120)

    shown = run("--out", str(tmp_path / "weights.env"))
    assert shown.returncode == 0, shown.stderr
    assert "more than chance" in shown.stdout
    variables = (tmp_path / "weights.env").read_text().splitlines()
    assert set(variables) <= set(shown.stdout.splitlines())
    told = json.loads(run("--json").stdout)
    assert told["is_gain"] is True
    assert f"MUSICSPACE_DJ__WEIGHTS__KEY={told['weights']['key']:g}" in variables
    refused = run("--min-pairs", "1000000")
    assert (refused.returncode, refused.stderr[:29]) == (2, "Error [too-little-feedback]: ")
