"""Labels of real recordings are read as they are meant."""

from pathlib import Path

import pytest

from core.errors import PermanentError
from services.audio_evaluation.hearing import HeardFile, hear_file
from services.audio_evaluation.librosa_baseline import _best_key
from services.audio_evaluation.listening import Heard
from services.audio_evaluation.songs import Label, codec_groups, find_songs, judged, read_labels

HEADER = "file,bpm,bpm_source,bpm_strength,key,key_source,licence\n"


def heard(bpm: float | None) -> Heard:
    return Heard(bpm, 0.5, None, 0.0, (), 0.0, 0.0)


def test_labels_tell_well_known_tempi_from_others(tmp_path: Path) -> None:
    rows = "a.mp3,180,x,strong (by hand),,,\nb.mp3,87.5 or 175,x,strong but short,,,\nc.mp3,120?,x,doubtful,F,,\n"
    (tmp_path / "ground_truth.csv").write_text(HEADER + rows + "노래.ogg,,x,none,,,\n", encoding="utf-8")
    labels = read_labels(tmp_path)
    assert labels["a.mp3"] == Label((180.0,), "strong", "")
    assert labels["a.mp3"].better
    assert labels["b.mp3"].bpms == (87.5, 175.0)
    assert not labels["b.mp3"].better
    assert not labels["c.mp3"].better
    assert labels["노래.ogg"].bpms == ()


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ground_truth.csv").write_text("file,tempo\na,1\n")
    with pytest.raises(PermanentError, match="lacks the columns bpm, bpm_strength, key"):
        read_labels(tmp_path)


def test_a_folder_without_labels_has_none(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == {}
    assert find_songs(tmp_path) == []
    with pytest.raises(PermanentError, match="no folder"):
        find_songs(tmp_path / "nowhere")


def test_recordings_are_judged_by_method(tmp_path: Path) -> None:
    labels = {"a.mp3": Label((100.0,), "strong")}
    song = judged(HeardFile(tmp_path / "a.mp3", heard(100.1), heard(103.0)), tmp_path, labels)
    assert song.right == {"ours": True, "librosa": True}
    assert song.precise == {"ours": True, "librosa": False}
    assert song.better
    unknown = judged(HeardFile(tmp_path / "b.mp3", heard(100.1), None), tmp_path, labels)
    assert unknown.right == {}


def test_formats_of_one_clip_are_a_group(tmp_path: Path) -> None:
    songs = [
        judged(HeardFile(tmp_path / name, heard(100.0), None), tmp_path, {}) for name in ("x/a.mp3", "x/a.ogg", "a.mp3")
    ]
    assert [[song.file for song in group] for group in codec_groups(songs)] == [["x/a.mp3", "x/a.ogg"]]


def test_a_file_that_is_no_audio_says_why(tmp_path: Path) -> None:
    (tmp_path / "노래.mp3").write_text("no audio")
    found = hear_file((tmp_path / "노래.mp3", False))
    assert found.ours is None
    assert found.trouble.startswith("audio-unreadable")


def test_the_yardstick_correlates_profiles() -> None:
    import numpy as np

    chroma = np.zeros(12)
    chroma[[2, 5, 9]] = 1.0
    assert str(_best_key(chroma)) == "KeyName(root=2, mode=<Mode.MINOR: 'minor'>)"
    assert _best_key(np.zeros(12)) is None
