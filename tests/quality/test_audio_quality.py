"""Tempo and key on rendered music that nothing was fitted to, and on real recordings.

Floors and ceilings leave a little room to what the shipped methods reach on these very pieces; docs/evaluation/audio
has the figures of many more.
"""

from pathlib import Path

import pytest

from audio.synthesis.scoring_styles import STYLES, scoring_suite
from services.audio_evaluation.hearing import hear_piece, listeners
from services.audio_evaluation.report import Family, family
from services.audio_evaluation.run import real_songs
from services.audio_evaluation.songs import Song, codec_groups

N_PER_STYLE = 4
FLOORS = {
    "accuracy_1": 0.82,
    "accuracy_2": 0.95,
    "precise_any_octave": 0.92,
    "key_exact": 0.78,
    "key_mirex": 0.82,
    "songs_right": 8,
    "songs_precise": 7,
}
CEILINGS = {
    "tempo_expected_error": 0.12,
    "key_expected_error": 0.13,
    "highest_wrong_octave": 0.91,
}


@pytest.fixture(scope="module")
def scoring() -> Family:
    tasks = [(spec, False) for spec in scoring_suite(1, N_PER_STYLE)]
    with listeners(0) as pool:
        return family("scoring", STYLES, pool.each(hear_piece, tasks, lambda done: None))


@pytest.fixture(scope="module")
def songs(shared_data: Path) -> list[Song]:
    folder = shared_data / "audio"
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}")
    return real_songs(folder)


def test_tempo_of_unseen_styles(scoring: Family) -> None:
    assert scoring.ours.accuracy_1.value >= FLOORS["accuracy_1"]
    assert scoring.ours.accuracy_2.value >= FLOORS["accuracy_2"]
    assert scoring.ours.precise_any_octave.value >= FLOORS["precise_any_octave"]


def test_key_of_unseen_styles(scoring: Family) -> None:
    assert scoring.ours.key_exact.value >= FLOORS["key_exact"]
    assert scoring.ours.key_mirex.value >= FLOORS["key_mirex"]


def test_confidences_are_honest(scoring: Family) -> None:
    tempo, key = scoring.tempo_calibration, scoring.key_calibration
    assert tempo is not None
    assert key is not None
    assert tempo.expected_error <= CEILINGS["tempo_expected_error"]
    assert key.expected_error <= CEILINGS["key_expected_error"]
    assert tempo.highest_wrong_octave is None or tempo.highest_wrong_octave <= CEILINGS["highest_wrong_octave"]


def test_real_recordings(songs: list[Song]) -> None:
    better = [song for song in songs if song.better]
    assert len(better) == 8
    assert sum(song.right["ours"] for song in better) >= FLOORS["songs_right"]
    assert sum(song.precise["ours"] for song in better) >= FLOORS["songs_precise"]


def test_formats_of_one_clip_agree(songs: list[Song]) -> None:
    (group,) = [group for group in codec_groups(songs) if "dubstep" in group[0].file]
    heard = [song.heard.ours for song in group if song.heard.ours is not None]
    assert len(heard) == len(group) == 5
    assert len({own.key for own in heard}) == 1
    bpms = [own.bpm or 0.0 for own in heard]
    assert max(bpms) - min(bpms) <= 0.2
