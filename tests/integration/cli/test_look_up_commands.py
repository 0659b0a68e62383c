"""Providers from the command line: an import, its look-ups, what they cost, what more money would buy."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from integrations.fake_providers import running_fakes

KEY = "AIza-not-to-be-told"


@pytest.fixture
def fakes():
    with running_fakes(seed=3) as running:
        yield running


@pytest.fixture
def run(server_environment, fakes):
    """Run `musicspace` in a process of its own, with both providers played by the fakes."""
    environment = server_environment | {
        "MUSICSPACE_ENRICH__PREDICTOR": "m1",
        "MUSICSPACE_RECCOBEATS__ENABLED": "true",
        "MUSICSPACE_RECCOBEATS__BASE_URL": fakes.reccobeats_url,
        "MUSICSPACE_GEMINI__API_KEY": KEY,
        "MUSICSPACE_GEMINI__BASE_URL": fakes.gemini_url,
        "MUSICSPACE_LOOK_UP__MIN_GAIN": "0",
    }

    def call(*arguments, **variables):
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment | variables)
        assert KEY not in result.stdout + result.stderr
        return result

    return call


@pytest.fixture
def playlist(tmp_path):
    path = tmp_path / "목록.csv"
    rows = [f"{f'{i:022d}' if i < 8 else ''},가수 {i},노래 {i}" for i in range(12)]
    path.write_text("\n".join(["spotify_id,artist,title", *rows]), encoding="utf-8")
    return path


def answer(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_an_import_starts_look_ups_that_end_in_better_values(run, playlist, session, fakes):
    summary = answer(run("import", playlist, "--user", 1, "--json"))
    assert (summary["job"]["total"], summary["job"]["done"]) == (12, 12), "the look-ups are no part of the import"
    look_up_job = summary["job"]["summary"]["look_up_job"]
    watched = answer(run("job", "watch", look_up_job, "--json"))
    assert (watched["kind"], watched["state"], watched["total"]) == ("look-up", "done", 12)
    sources = session.scalars(text("SELECT DISTINCT feature_sources->>'energy' FROM tracks")).all()
    assert set(sources) == {"reccobeats", "routed"}
    assert len(fakes.calls()) == 2
    status = {provider["provider"]: provider for provider in answer(run("providers", "--json"))}
    assert status["gemini"]["today"]["calls"] == 1
    assert status["gemini"]["today"]["cost_usd"] > 0
    assert "There is nothing to ask" in run("look-up").stdout
    again = answer(run("import", playlist, "--user", 2, "--json"))
    assert "look_up_job" not in again["job"]["summary"]
    assert len(fakes.calls()) == 2


def test_a_budget_buys_the_first_tracks_and_no_more(run, playlist, session, fakes):
    # Enriched while nobody is asked.
    off = {"MUSICSPACE_RECCOBEATS__ENABLED": "false", "MUSICSPACE_GEMINI__API_KEY": ""}
    answer(run("import", playlist, "--user", 1, "--json", **off))
    only_gemini = {"MUSICSPACE_RECCOBEATS__ENABLED": "false"}
    everything = answer(run("providers", "plan", "--budget", 0.5, "--json", **only_gemini))
    assert (everything["candidates"], everything["tracks"], everything["calls"]) == (12, 12, 3)
    budget = 1.5 * everything["usd_per_call"]
    plan = answer(run("providers", "plan", "--budget", budget, "--json", **only_gemini))
    assert (plan["tracks"], plan["calls"]) == (5, 1)
    assert 0 < plan["share_of_possible_gain"] < 1
    assert "buys 5 tracks in 1 calls" in run("providers", "plan", "--budget", budget, **only_gemini).stdout
    assert fakes.calls() == [], "a plan asks nobody"
    job = answer(run("look-up", "--budget", budget, "--json", **only_gemini))
    assert (job["state"], job["done"]) == ("done", 5)
    assert [len(call["tracks"]) for call in fakes.calls()] == [5]
    left = answer(run("providers", "plan", "--budget", 9, "--json", **only_gemini))
    assert left["candidates"] == 7
    assert left["budget_usd"] < 1, "no budget is larger than what is left of the day's"


def test_without_providers_the_way_out_is_named(run):
    off = {"MUSICSPACE_RECCOBEATS__ENABLED": "false", "MUSICSPACE_GEMINI__API_KEY": ""}
    for command in (("look-up",), ("providers", "plan")):
        result = run(*command, **off)
        assert result.returncode == 3
        assert "MUSICSPACE_GEMINI__API_KEY is not set" in result.stderr
        assert "Traceback" not in result.stderr


def test_the_common_name_of_the_key_will_do(run):
    status = {entry["provider"]: entry for entry in answer(run("providers", "--json", GOOGLE_API_KEY="x"))}
    assert status["gemini"]["enabled"]


def test_reccobeats_by_hand(run, fakes, tmp_path):
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "노래.flac", np.random.default_rng(0).normal(0, 0.1, 44_100 * 8), 44_100)
    features = answer(run("providers", "analyze", tmp_path / "노래.flac", "--json"))["features"]
    assert len(features) == 9
    shown = answer(run("providers", "tracks", f"spotify:track:{1:022d}", "--json"))
    assert list(shown) == [f"{1:022d}"]
    wrong = run("providers", "tracks", "not an id")
    assert wrong.returncode == 2
    assert "'not an id' is no Spotify id" in wrong.stderr
    assert {call["route"] for call in fakes.calls()} == {"analysis", "tracks"}
