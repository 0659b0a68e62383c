"""The ReccoBeats client against the fake."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from open_gate import OpenGate, questions

from core.errors import PermanentError, RetryableError
from core.features import FEATURE_NAMES
from core.provider_settings import ReccoBeatsSettings
from core.providers import Question
from integrations.fake_providers import FakeProviders, running_fakes
from integrations.reccobeats import ReccoBeatsClient


@pytest.fixture
def fakes() -> Iterator[FakeProviders]:
    with running_fakes(unknown=0.3, seed=3) as running:
        yield running


@pytest.fixture
def client(fakes: FakeProviders) -> Iterator[ReccoBeatsClient]:
    made = ReccoBeatsClient(ReccoBeatsSettings(base_url=fakes.reccobeats_url + "/", timeout_seconds=5))
    yield made
    made.close()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (44_100 * 40, 2)), 44_100)
    return path


def test_a_batch_is_one_call_and_unknown_tracks_have_no_answer(client: ReccoBeatsClient, fakes: FakeProviders) -> None:
    answers = client.ask(questions(40), OpenGate())
    known = [answer for answer in answers.values() if answer is not None]
    assert len(answers) == 40
    assert 15 < len(known) < 40
    assert all(set(answer.features) == set(FEATURE_NAMES) for answer in known)
    assert [call["route"] for call in fakes.calls()] == ["features"]


def test_answers_go_by_id_whatever_their_order(client: ReccoBeatsClient) -> None:
    asked = questions(40)
    together = client.ask(asked, OpenGate())
    one_by_one = {question.ref: client.ask([question], OpenGate())[question.ref] for question in asked[:10]}
    assert {ref: together[ref] for ref in one_by_one} == one_by_one
    for question in asked:
        if (answer := together[question.ref]) is not None:
            assert answer.evidence["href"].endswith(f"/{question.spotify_id}")


def test_one_track_asked_by_two_names_is_asked_once(client: ReccoBeatsClient, fakes: FakeProviders) -> None:
    same = [Question(ref, "A", "B", spotify_id="1" * 22) for ref in ("first", "second")]
    answers = client.ask(same, OpenGate())
    assert answers["first"] == answers["second"]
    assert fakes.calls()[0]["tracks"] == ["1" * 22]


@pytest.mark.parametrize("identifier", [None, "", "short", f"spotify:track:{'1' * 22}", f"{'1' * 21}/"])
def test_only_spotify_ids_can_be_asked(client: ReccoBeatsClient, identifier: str | None) -> None:
    question = Question("ref", "A", "B", spotify_id=identifier)
    assert not client.can_ask(question)
    with pytest.raises(ValueError, match="Spotify ids"):
        client.ask([question], OpenGate())


def test_tracks_are_found_by_either_id(client: ReccoBeatsClient, fakes: FakeProviders) -> None:
    ids = [question.spotify_id or "" for question in questions(10)]
    found = client.tracks(ids, OpenGate())
    spotify_id, track = next(iter(found.items()))
    assert track.spotify_id == spotify_id
    assert track.artists[0].startswith("Artist")
    assert track.duration_ms is not None
    assert client.tracks([track.id], OpenGate()) == {track.id: track}


def test_the_beginning_of_a_file_is_analyzed(client: ReccoBeatsClient, song: Path) -> None:
    gate = OpenGate()
    answer = client.analyze(song, gate)
    assert set(answer.features) == set(FEATURE_NAMES)
    assert answer.evidence["analyzed_seconds"] == 30.0
    assert len(gate.accounts) == 1


def test_an_analysis_out_of_range_is_a_broken_answer(
    client: ReccoBeatsClient, fakes: FakeProviders, song: Path
) -> None:
    fakes.control(faults="reccobeats:out-of-range")
    with pytest.raises(RetryableError) as caught:
        client.analyze(song, OpenGate())
    assert caught.value.code == "provider-answer-broken"


def test_what_is_no_audio_is_not_sent(client: ReccoBeatsClient, fakes: FakeProviders, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp3"
    text.write_text("la la la")
    for path, code in ((tmp_path / "missing.wav", "file-not-found"), (text, "audio-unreadable")):
        with pytest.raises(PermanentError, match=path.name) as caught:
            client.analyze(path, OpenGate())
        assert caught.value.code == code
    assert fakes.calls() == []


def test_many_threads_share_one_client(client: ReccoBeatsClient, fakes: FakeProviders) -> None:
    asked = questions(480)
    expected = {question.ref for question in asked}
    with ThreadPoolExecutor(24) as pool:
        batches = pool.map(lambda start: client.ask(asked[start : start + 5], OpenGate()), range(0, 480, 5))
        answers = {ref: answer for batch in batches for ref, answer in batch.items()}
    assert answers.keys() == expected
    for question in asked:
        if (answer := answers[question.ref]) is not None:
            assert answer.evidence["href"].endswith(f"/{question.spotify_id}")
    assert len(fakes.calls()) == 96
