"""The fakes themselves: what they know, how they are steered, what they tell of the calls they got."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from open_gate import OpenGate, questions
from pyarrow import parquet
from pydantic import SecretStr

from core.errors import RetryableError
from core.features import FEATURE_NAMES, FEATURES
from core.provider_settings import GeminiSettings, ReccoBeatsSettings
from core.providers import Question
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.fake_providers.call_log import answered_twice, busiest_window
from integrations.gemini import GeminiClient
from integrations.reccobeats import ReccoBeatsClient


@contextmanager
def _clients(fakes: FakeProviders, timeout_s: float = 5.0) -> Iterator[tuple[ReccoBeatsClient, GeminiClient]]:
    recco = ReccoBeatsClient(ReccoBeatsSettings(base_url=fakes.reccobeats_url, timeout_seconds=timeout_s))
    gemini = GeminiClient(GeminiSettings(base_url=fakes.gemini_url, timeout_seconds=timeout_s), SecretStr("any-key"))
    try:
        yield recco, gemini
    finally:
        recco.close()
        gemini.close()


def _http(url: str, content: Any = None) -> tuple[int, dict[str, Any]]:
    body = None if content is None else json.dumps(content).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_made_up_answers_repeat_and_depend_on_the_seed() -> None:
    answers = []
    for seed in (1, 1, 2):
        with running_fakes(seed=seed) as fakes, _clients(fakes) as (recco, gemini):
            both = [recco.ask(questions(3), OpenGate()), gemini.ask(questions(3), OpenGate())]
            answers.append([{ref: answer and answer.features for ref, answer in each.items()} for each in both])
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_with_a_table_reccobeats_tells_the_truth_and_gemini_nearly(tmp_path: Path) -> None:
    asked = questions(60)
    rows = [
        {"track_id": each.spotify_id, "artist": each.artist, "title": each.title}
        | {feature.name: feature.low + (feature.high - feature.low) * 0.4 for feature in FEATURES}
        for each in asked[:40]
    ]
    path = tmp_path / "truth.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    with running_fakes(truth=path) as fakes, _clients(fakes) as (recco, gemini):
        true = recco.ask(asked[:40], OpenGate())
        assert all(answer is not None and answer.features["tempo"] == 100.0 for answer in true.values())
        assert not any(recco.ask(asked[40:], OpenGate()).values())
        tempos = []
        for start in range(0, 40, 5):
            answers = gemini.ask(asked[start : start + 5], OpenGate()).values()
            tempos += [answer.features["tempo"] for answer in answers if answer is not None]
        assert len(tempos) == 40
        off = sorted(abs(tempo - 100) for tempo in tempos)
        assert 2 < off[20] < 15
        assert off[-1] > 3 * off[20]
        assert not any(gemini.ask(asked[40:45], OpenGate()).values())


def test_the_reference_table_serves_as_truth(shared_data: Path) -> None:
    table = parquet.read_table(shared_data / "tracks.parquet", columns=["track_id", "artist", "title", "energy"])
    rows = table.slice(100, 20).to_pylist()
    asked = [Question(row["track_id"], row["artist"], row["title"], spotify_id=row["track_id"]) for row in rows]
    with running_fakes(truth=shared_data / "tracks.parquet") as fakes, _clients(fakes) as (recco, gemini):
        found = recco.ask(asked, OpenGate())
        for row in rows:
            answer = found[row["track_id"]]
            assert answer is not None
            assert answer.features["energy"] == row["energy"]
        assert all(gemini.ask(asked[:5], OpenGate()).values())


def test_a_share_is_unknown_and_not_the_same_to_both() -> None:
    with running_fakes(unknown=0.5) as fakes, _clients(fakes) as (recco, gemini):
        asked = questions(40)
        by_id = recco.ask(asked, OpenGate())
        by_name: dict[str, Any] = {}
        for start in range(0, 40, 5):
            by_name |= gemini.ask(asked[start : start + 5], OpenGate())
        unknown = [{ref for ref, answer in each.items() if answer is None} for each in (by_id, by_name)]
        assert all(8 < len(each) < 32 for each in unknown)
        assert unknown[0] != unknown[1]


def test_an_outage_lasts_until_told_otherwise() -> None:
    with running_fakes() as fakes, _clients(fakes) as (recco, gemini):
        status, state = _http(f"{fakes.reccobeats_url}/_control", {"outage": {"gemini": True}})
        assert (status, state["outage"]) == (200, {"reccobeats": False, "gemini": True})
        for _ in range(3):
            with pytest.raises(RetryableError):
                gemini.ask(questions(1), OpenGate())
        assert recco.ask(questions(1), OpenGate())["ref-0"] is not None
        fakes.control(outage={"gemini": False})
        assert gemini.ask(questions(1), OpenGate())["ref-0"] is not None


@pytest.mark.parametrize("wish", [{"faults": "nonsense"}, {"nonsense": 1}, [], {"outage": {"spotify": True}}])
def test_a_control_that_is_not_understood_is_refused(wish: Any) -> None:
    with running_fakes() as fakes:
        status, answer = _http(f"{fakes.gemini_url}/_control", wish)
        assert status == 400
        assert answer["error"]


def test_a_limit_of_their_own_is_held() -> None:
    with running_fakes(per_minute=5) as fakes, _clients(fakes) as (recco, _):
        for _ in range(5):
            recco.ask(questions(1), OpenGate())
        with pytest.raises(RetryableError) as caught:
            recco.ask(questions(1), OpenGate())
        assert caught.value.code == "provider-rate-limited"
        assert 50 < (caught.value.retry_after_s or 0) <= 60
        assert fakes.calls()[-1]["fault"] == "limit"


def test_every_call_is_listed() -> None:
    with running_fakes(faults="gemini:ok,500;reccobeats:ok,half") as fakes, _clients(fakes) as (recco, gemini):
        for client in (recco, gemini):
            client.ask(questions(2), OpenGate())
            with pytest.raises(RetryableError):
                client.ask(questions(2), OpenGate())
        recco.ask(questions(1), OpenGate())
        _, summary = _http(f"{fakes.gemini_url}/_calls")
        calls = summary["calls"]
        assert [call["number"] for call in calls] == [1, 2, 3, 4, 5]
        assert [call["answered"] for call in calls] == [True, False, True, False, True]
        assert [call["fault"] for call in calls] == ["ok", "half", "ok", "500", "ok"]
        assert calls[2]["tracks"] == ["artist 0|song 0", "artist 1|song 1"]
        assert calls[2]["input_tokens"] > 500
        assert abs(calls[0]["at"] - time.time()) < 60
        assert summary["busiest_minute"] == {"reccobeats": 3, "gemini": 2}
        assert summary["answered_twice"] == {f"reccobeats {'0' * 22}": [1, 5]}
        assert summary["totals"]["gemini"] == {"ok": 1, "500": 1}
        assert [call["number"] for call in _http(f"{fakes.gemini_url}/_calls?since=4")[1]["calls"]] == [5]


def test_windows_are_counted_to_the_second() -> None:
    calls = [{"monotonic_s": moment} for moment in (0.0, 1.0, 59.9, 60.0, 60.5, 200.0)]
    assert busiest_window(calls, 60.0) == 4
    assert busiest_window([], 60.0) == 0
    assert answered_twice([]) == {}


def test_other_routes_are_not_there() -> None:
    with running_fakes() as fakes:
        assert _http(f"{fakes.gemini_url}/v1/nonsense")[0] == 404
        assert _http(f"{fakes.gemini_url}/_health") == (200, {"status": "ok"})


def test_reccobeats_routes_keep_to_their_ids() -> None:
    with running_fakes() as fakes:
        url = f"{fakes.reccobeats_url}/v1"
        status, answer = _http(f"{url}/audio-features?ids={'1' * 22}")
        (record,) = answer["content"]
        assert status == 200
        assert record["href"] == f"https://open.spotify.com/track/{'1' * 22}"
        assert record.keys() >= {*FEATURE_NAMES, "id", "isrc", "key", "mode"}
        assert _http(f"{url}/track/{record['id']}/audio-features") == (200, record)
        assert _http(f"{url}/track/{'1' * 22}/audio-features")[0] == 404
        assert _http(f"{url}/audio-features?ids={record['id']}")[1] == answer
        assert _http(f"{url}/audio-features?ids={','.join(f'{n:022d}' for n in range(41))}")[0] == 400


def test_both_versions_of_geminis_api_answer() -> None:
    with running_fakes() as fakes:
        for version in ("v1", "v1beta"):
            request = urllib.request.Request(
                f"{fakes.gemini_url}/{version}/models/any-model:generateContent",
                data=json.dumps({"contents": [{"parts": [{"text": "hello"}]}]}).encode(),
                headers={"x-goog-api-key": "any"},
            )
            with urllib.request.urlopen(request, timeout=5) as response:
                assert json.load(response)["modelVersion"] == "any-model"


def test_five_thousand_tracks_over_24_connections_lose_and_double_nothing() -> None:
    asked = questions(5_000)
    kinds = "429|500|half|reset|invalid-json"
    with running_fakes(faults=f"random:0.2:{kinds}") as fakes, _clients(fakes, timeout_s=20) as (recco, gemini):

        def persist(client: ReccoBeatsClient | GeminiClient, batch: list[Question]) -> int:
            for _ in range(50):
                try:
                    return len([answer for answer in client.ask(batch, OpenGate()).values() if answer is not None])
                except RetryableError:
                    continue
            return 0

        with ThreadPoolExecutor(24) as pool:
            by_id = [pool.submit(persist, recco, asked[start : start + 40]) for start in range(0, 5_000, 40)]
            by_name = [pool.submit(persist, gemini, asked[start : start + 5]) for start in range(0, 2_500, 5)]
            assert sum(each.result() for each in by_id) == 5_000
            assert sum(each.result() for each in by_name) == 2_500
        summary = fakes.summary()
        assert summary["answered_twice"] == {}
        faults = sum(call["fault"] != "ok" for call in summary["calls"])
        assert 0.12 < faults / len(summary["calls"]) < 0.28


# --- As a process -----------------------------------------------------------------------------------------------------


def _start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "integrations.fake_providers", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_until_told_to_stop(number: signal.Signals) -> None:
    process = _start("--port", "0", "--faults", "gemini:timeout")
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        assert _http(f"{url}/_health")[0] == 200
        # A connection that still waits for its answer does not keep it.
        client = GeminiClient(GeminiSettings(base_url=url, timeout_seconds=30), SecretStr("any-key"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.ask, questions(1), OpenGate())
            while not _http(f"{url}/_calls")[1]["calls"]:
                time.sleep(0.02)
            process.send_signal(number)
            assert process.wait(5) == 0
            with pytest.raises(RetryableError):
                waiting.result(5)
        client.close()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--port", "0", "--faults", "nonsense"), 2, "no fault"),
        (("--port", "0", "--truth", "/missing.parquet"), 2, "missing.parquet"),
        (("--port", "0", "--truth", __file__), 2, "cannot be read as Parquet"),
        (("--port", "99999"), 3, "99999"),
    ],
)
def test_wrong_options_are_explained(options: tuple[str, ...], code: int, words: str) -> None:
    process = _start(*options)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == code
    assert words in stderr
    assert "Traceback" not in stderr


def test_a_taken_port_is_explained() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        process = _start("--port", port)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 3
    assert port in stderr
