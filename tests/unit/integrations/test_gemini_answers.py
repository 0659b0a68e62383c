"""What is believed of a model's text."""

import json
import math
from typing import Any

import pytest

from core.features import FEATURE_NAMES
from core.providers import Question
from integrations.gemini.answers import TrackEntry, Verdict, is_same_track, judge, parse_entries

QUESTIONS = [Question("a", "Queen;David Bowie", "Under Pressure - Remastered 2011"), Question("b", "Björk", "Jóga")]
FEATURES: dict[str, Any] = dict.fromkeys(FEATURE_NAMES, 0.5) | {"tempo": 114.0, "loudness": -10.0}


def _entry(place: int, **changes: Any) -> dict[str, Any]:
    question = QUESTIONS[place]
    values = {"index": place, "artist": question.artist, "title": question.title, "known": True, "confidence": 0.8}
    return values | {"features": FEATURES | {"energy": 0.1 * place}} | changes


def _text(*entries: Any) -> str:
    return json.dumps({"tracks": entries})


def _verdicts(text: str) -> list[Verdict]:
    return judge(parse_entries(text, QUESTIONS), QUESTIONS)


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "```json\n{}\n```",
        "I found this {{in}} [several] places [1, 2]:\n{}\nand {{nothing}} else]",
        "```\n{}",
        "\ufeff{}\n\n",
    ],
)
def test_json_is_found_within_prose(frame: str) -> None:
    verdicts = _verdicts(frame.format(_text(_entry(0), _entry(1))))
    assert [verdict.reason for verdict in verdicts] == [None, None]
    assert verdicts[1].features == FEATURES | {"energy": 0.1}
    assert verdicts[0].confidence == 0.8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I could not find anything.",
        "{",
        "[" * 100_000,
        '{"tracks": ' * 5_000,
        '{"tracks": 5}',
        '{"tracks": [1, null, "x", [], {}]}',
        '{"tracks": [{"index": "0", "artist": "Queen", "title": "Under Pressure"}]}',
        '{"tracks": [{"index": true, "artist": "Queen", "title": "Under Pressure"}]}',
        '{"tracks": [{"index": ' + "9" * 5_000 + ', "artist": "Queen", "title": "Under Pressure"}]}',
        "\x00\ud800",
    ],
)
def test_what_is_no_answer_gives_no_entries(text: str) -> None:
    assert parse_entries(text, QUESTIONS) == []


def test_a_bare_list_and_entries_of_a_broken_list_count() -> None:
    entries = [_entry(0), _entry(1)]
    assert len(parse_entries(json.dumps(entries), QUESTIONS)) == 2
    assert len(parse_entries(_text(*entries)[:-2] + ", {", QUESTIONS)) == 2
    cut = _text(*entries)
    assert [entry.index for entry in parse_entries(cut[: len(cut) - 40], QUESTIONS)] == [0]


def test_json_quoted_before_the_answer_does_not_replace_it() -> None:
    forged = _text(_entry(1, features=FEATURES | {"energy": 1.0}))
    verdicts = _verdicts(f"The title reads {forged}.\n{_text(_entry(0), _entry(1))}")
    assert verdicts[1].features["energy"] == 0.1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": "Space Oddity"}, "about another track"),
        ({"artist": "Vanilla Ice"}, "about another track"),
        ({"title": "Under Pressure (Live)"}, "about another track"),
        ({"index": 7}, "not answered"),
        ({"index": -2}, "not answered"),
        ({"known": False}, "unknown to the model"),
        ({"features": None}, "unknown to the model"),
        ({"features": {}}, "unknown to the model"),
        ({"features": dict.fromkeys(FEATURE_NAMES)}, "unknown to the model"),
        ({"features": {"energy": 0.5, "tempo": 120}}, "only 2 usable features"),
        ({"features": dict.fromkeys(FEATURE_NAMES, 7_000)}, "only 0 usable features"),
        ({"known": "yes"}, "not answered"),
        ({"features": [0.5] * 9}, "not answered"),
    ],
)
def test_entries_that_are_not_believed(changes: dict[str, Any], reason: str) -> None:
    first, second = _verdicts(_text(_entry(0, **changes), _entry(1)))
    assert first.reason == reason
    assert first.features == {}
    assert second.reason is None


@pytest.mark.parametrize("value", [1.01, -0.01, math.nan, math.inf, "0.5", True, [], 10**400])
def test_a_bad_value_is_left_out_and_never_clipped(value: Any) -> None:
    verdict = _verdicts(_text(_entry(0, features=FEATURES | {"valence": value}), _entry(1)))[0]
    assert verdict.rejected == ["valence"]
    assert verdict.features.keys() == set(FEATURE_NAMES) - {"valence"}


@pytest.mark.parametrize("value", [None, -1, 1.5, "high", math.nan, True])
def test_a_confidence_that_is_no_share_is_none(value: Any) -> None:
    verdict = _verdicts(_text(_entry(0, confidence=value), _entry(1)))[0]
    assert verdict.confidence is None
    assert verdict.reason is None


def test_unknown_keys_are_ignored() -> None:
    features = FEATURES | {"key": 5, "system": "x"}
    verdict = _verdicts(_text(_entry(0, features=features, role="admin"), _entry(1)))[0]
    assert verdict.features.keys() == set(FEATURE_NAMES)


def test_contradictory_entries_are_both_dropped_and_equal_ones_are_one() -> None:
    other = _entry(0, features=FEATURES | {"energy": 0.9})
    assert _verdicts(_text(_entry(0), other, _entry(1)))[0].reason == "contradictory entries"
    assert _verdicts(_text(_entry(0), _entry(0), _entry(1)))[0].reason is None


def test_different_tracks_with_the_same_values_are_not_believed() -> None:
    verdicts = _verdicts(_text(_entry(0, features=FEATURES), _entry(1, features=FEATURES)))
    assert {verdict.reason for verdict in verdicts} == {"the values of another track"}


@pytest.mark.parametrize(
    ("artist", "title", "is_same"),
    [
        ("Queen", "Under Pressure", True),
        ("QUEEN; David Bowie", "under pressure – Remastered 2011", True),
        ("Queen, David Bowie", "Under Pressure", True),
        ("Quen;David Bowie", "Under Presure", True),
        ("Queeen", "Under Presure", True),
        ("Queen", "Under", False),
        ("Queen", "Under Pressure - Live", False),
        ("Queen", "Under Pressure 2", False),
        ("", "", False),
    ],
)
def test_which_echo_is_the_same_track(artist: str, title: str, is_same: bool) -> None:
    assert is_same_track(TrackEntry(index=0, artist=artist, title=title), QUESTIONS[0]) is is_same


def test_numbers_are_never_misspelled() -> None:
    question = Question("c", "Chicago", "Symphony No. 1984 Part One")
    assert not is_same_track(TrackEntry(index=0, artist="Chicago", title="Symphony No. 1985 Part One"), question)
