"""Work items of audio: what is heard, what is skipped, what fails by itself, what happens to files that change."""

import os
import shutil

import numpy as np
import pytest
from rendered_audio import damage, render
from sqlalchemy import text

from core.audio import DESCRIPTORS_VERSION
from core.audio_records import from_record
from core.sources import Source
from db.repositories.audio_reports import get_audio, sum_results
from db.repositories.estimates import Estimates
from db.repositories.inspection import get_item
from services.audio_analysis.jobs import start_analysis
from services.audio_analysis.work_plan import Mode
from services.enrichment import store_estimates
from services.routing import Preference

# Modules, not their tasks: pytest looks at every name of this file, and a looked-at task makes Celery read settings.
from tasks import analyze, stopping


def analysis(session, track_id):
    session.rollback()
    return get_audio(session, track_id)["analysis"]


def tempo_source(session, track_id):
    session.rollback()
    return session.execute(
        text("SELECT tempo, feature_sources->>'tempo' FROM tracks WHERE id = :id"), {"id": track_id}
    ).one()


def test_good_files_are_described_and_each_bad_one_has_its_code(session, music, add_track, run):
    good = add_track(render(music / "노래.flac", bpm=128).name)
    codes = damage(music)
    bad = {add_track(name): code for name, code in codes.items()}
    lost, outside = add_track("nowhere.mp3"), add_track("../etc/passwd")
    remote = add_track("http://127.0.0.1:9/song.mp3")
    assert run() == {"analyzed": 1, "failed": 6}
    stored = analysis(session, good)
    assert (stored["error_code"], stored["version"], len(stored["spaces"])) == (None, DESCRIPTORS_VERSION, 1)
    assert {id_: analysis(session, id_)["error_code"] for id_ in bad} == bad
    assert analysis(session, lost)["error_code"] == "file-not-found"
    assert analysis(session, outside)["error_code"] == "audio-outside-roots"
    assert analysis(session, remote)["error_code"] == "audio-url-refused"
    vectors = session.execute(text("SELECT track_id, segment, vector FROM embeddings ORDER BY segment")).all()
    assert [(row.track_id, row.segment) for row in vectors] == [(good, name) for name in ("full", "intro", "outro")]
    for row in vectors:
        assert np.linalg.norm(np.frombuffer(row.vector, "<f4")) == pytest.approx(1, abs=1e-4)
    row = session.execute(text("SELECT * FROM audio_descriptors WHERE track_id = :id"), {"id": good}).one()
    description = from_record(row.description, row.profiles)
    assert row.bpm == pytest.approx(description.tempo.bpm)
    assert row.loudness_lufs == pytest.approx(description.loudness_lufs)
    assert (row.key_root, row.key_mode) == (description.key.name.root, description.key.name.mode)


def test_a_second_run_hears_nothing(session, music, add_track, run):
    add_track(render(music / "a.wav").name)
    for name in damage(music):
        add_track(name)
    add_track("gone.wav")
    assert run() == {"analyzed": 1, "failed": 4}
    before = session.execute(text("SELECT track_id, analyzed_at FROM audio_descriptors WHERE uri <> 'gone.wav'")).all()
    session.rollback()
    assert run() == {"unchanged": 4, "failed": 1}, "a file that is not there costs a look"
    after = session.execute(text("SELECT track_id, analyzed_at FROM audio_descriptors WHERE uri <> 'gone.wav'")).all()
    assert sorted(after) == sorted(before)


def test_measured_tempo_and_loudness_stay_when_others_speak_later(session, music, add_track, run):
    track_id = add_track(render(music / "a.wav", bpm=120).name)
    run()
    guess = Estimates(np.full((1, 9), 0.5, np.float32), np.full((1, 9), 0.1, np.float32), np.full(1, 0.7, np.float32))
    for source in (Source.M1, Source.RECCOBEATS):
        store_estimates(session, source, "1", np.array([track_id]), guess, preference=Preference("m1"))
    session.commit()
    sources = session.scalar(text("SELECT feature_sources FROM tracks"))
    assert {name for name, source in sources.items() if source == "audio"} == {"tempo", "loudness"}
    assert set(sources.values()) == {"audio", "reccobeats"}
    evidence = session.scalar(text("SELECT evidence FROM track_estimates WHERE source = 'audio'"))
    assert evidence["tempo"]["candidates"]
    assert session.scalar(text("SELECT tempo_uncertainty FROM track_estimates WHERE source = 'audio'")) > 0


def test_a_changed_file_is_heard_again(session, music, add_track, run):
    track_id = add_track(render(music / "a.wav", bpm=100).name)
    run()
    before, tempo = analysis(session, track_id), tempo_source(session, track_id)[0]
    render(music / "a.wav", bpm=140, seed=2)
    assert run() == {"analyzed": 1}
    assert analysis(session, track_id)["content_hash"] != before["content_hash"]
    assert tempo_source(session, track_id)[0] != tempo
    (music / "a.wav").write_bytes(b"no music any more" * 100)
    assert run() == {"failed": 1}
    stored = analysis(session, track_id)
    assert (stored["error_code"], stored["description"], stored["spaces"]) == ("audio-unreadable", None, [])
    assert tempo_source(session, track_id) == (None, None), "what was heard in another file is withdrawn"
    assert session.scalar(text("SELECT count(*) FROM track_estimates")) == 0
    render(music / "a.wav", bpm=100)
    assert run() == {"analyzed": 1}


def test_a_touched_or_moved_file_is_known_by_its_content(session, music, add_track, run):
    track_id = add_track(render(music / "a.wav").name)
    run()
    heard_at = analysis(session, track_id)["analyzed_at"]
    os.utime(music / "a.wav", (1, 1))
    assert run() == {"unchanged": 1}
    (music / "b").mkdir()
    shutil.move(music / "a.wav", music / "b" / "a.wav")
    session.execute(text("UPDATE tracks SET audio_uri = 'b/a.wav'"))
    session.commit()
    assert run() == {"unchanged": 1}
    stored = analysis(session, track_id)
    assert (stored["uri"], stored["analyzed_at"]) == ("b/a.wav", heard_at)


def test_the_same_content_is_heard_once(session, music, add_track, run):
    first = add_track(render(music / "a.wav").name)
    shutil.copy(music / "a.wav", music / "b.wav")
    second = add_track("b.wav")
    assert run() == {"analyzed": 1, "copied": 1}
    shutil.copy(music / "a.wav", music / "c.wav")
    third = add_track("c.wav")
    assert run() == {"copied": 1, "unchanged": 2}
    descriptions = [analysis(session, track_id)["description"] for track_id in (first, second, third)]
    assert descriptions[0] == descriptions[1] == descriptions[2]
    assert session.scalar(text("SELECT count(*) FROM embeddings")) == 9
    assert tempo_source(session, third) == tempo_source(session, first)


def test_copies_of_a_bad_file_fail_alike(session, music, add_track, run):
    damage(music)
    shutil.copy(music / "Bad - Noise.mp3", music / "copy.mp3")
    ids = [add_track(name) for name in ("Bad - Noise.mp3", "copy.mp3")]
    assert run() == {"failed": 2}
    assert {analysis(session, track_id)["error_code"] for track_id in ids} == {"audio-unreadable"}


def test_failures_are_tried_again_when_asked_and_everything_is_with_all(session, music, add_track, run):
    add_track(render(music / "a.wav").name)
    damage(music)
    add_track("Bad - Silent.flac")
    run()
    assert run(Mode.RETRY_FAILED) == {"failed": 1, "unchanged": 1}
    assert run(Mode.ALL) == {"analyzed": 1, "failed": 1}


def test_a_file_that_is_away_keeps_what_was_heard(session, music, add_track, run):
    track_id = add_track(render(music / "a.wav").name)
    run()
    shutil.move(music / "a.wav", music.parent / "a.wav")
    assert run() == {"unreachable": 1}
    assert analysis(session, track_id)["description"] is not None
    shutil.move(music.parent / "a.wav", music / "a.wav")
    assert run() == {"unchanged": 1}


def test_a_track_whose_audio_is_taken_away_loses_what_was_measured(session, music, add_track, run):
    track_id = add_track(render(music / "a.wav").name)
    guess = Estimates(np.full((1, 9), 0.5, np.float32), np.full((1, 9), 0.1, np.float32), np.full(1, 0.7, np.float32))
    store_estimates(session, Source.M1, "1", np.array([track_id]), guess, preference=Preference("m1"))
    session.commit()
    run()
    assert tempo_source(session, track_id)[1] == "audio"
    session.execute(text("UPDATE tracks SET audio_uri = NULL"))
    session.commit()
    assert run() == {"without_audio": 1}
    assert analysis(session, track_id) is None
    assert tempo_source(session, track_id) == (0.5, "m1")
    assert session.scalar(text("SELECT count(*) FROM embeddings")) == 0
    assert run() == {}


def test_tracks_that_vanish_or_move_meanwhile_are_left_alone(session, music, add_track, monkeypatch):
    from core.settings import get_settings
    from services.audio_analysis import hearing

    kept, deleted, moved = (add_track(render(music / f"{name}.wav", seed=seed).name) for seed, name in enumerate("abc"))
    job_id, _ = start_analysis(session, get_settings().audio)
    session.commit()
    item_id = session.scalar(text("SELECT id FROM work_items"))
    hear = hearing.hear

    def meanwhile(*arguments):
        heard = hear(*arguments)
        session.execute(text("DELETE FROM tracks WHERE id = :id"), {"id": deleted})
        session.execute(text("UPDATE tracks SET audio_uri = 'd.wav' WHERE id = :id"), {"id": moved})
        session.commit()
        return heard

    monkeypatch.setattr(hearing, "hear", meanwhile)
    analyze.analyze.run(item_id)
    assert sum_results(session, job_id)["analyzed"] == 1
    assert session.scalars(text("SELECT track_id FROM audio_descriptors")).all() == [kept]


def test_a_worker_that_is_stopped_hands_its_item_back(session, music, add_track, monkeypatch):
    from core.settings import get_settings

    for seed in range(4):
        add_track(render(music / f"{seed}.wav", seed=seed).name)
    start_analysis(session, get_settings().audio)
    session.commit()
    item_id = session.scalar(text("SELECT id FROM work_items"))
    session.rollback()
    monkeypatch.setattr(analyze, "is_time_up", lambda patience_s: True)
    analyze.analyze.run(item_id)
    item = get_item(session, item_id)
    session.rollback()
    assert (item["state"], item["error_code"], item["losses"]) == ("queued", "worker-stopping", 0)
    assert session.scalar(text("SELECT count(*) FROM audio_descriptors")) == 0
    session.rollback()
    monkeypatch.undo()
    analyze.analyze.run(item_id)
    assert get_item(session, item_id)["result"]["analyzed"] == 4


def test_time_is_up_some_seconds_after_a_worker_was_asked_to_stop(monkeypatch):
    import threading

    monkeypatch.setattr(stopping, "_asked", threading.Event())
    assert not stopping.is_time_up(0.0)
    stopping.ask_to_stop(sig="SIGTERM")
    assert stopping.is_time_up(0.0)
    assert not stopping.is_time_up(60.0)


def test_runs_of_the_same_mode_are_joined(session, music, add_track):
    from core.settings import get_settings

    add_track(render(music / "a.wav").name)
    audio = get_settings().audio
    job_id, created = start_analysis(session, audio)
    assert created
    assert start_analysis(session, audio) == (job_id, False)
    other, created = start_analysis(session, audio, mode=Mode.ALL)
    assert created
    assert other != job_id
    sizes = session.scalars(text("SELECT sum(size) FROM work_items GROUP BY job_id")).all()
    assert sizes == [1, 1], "a run over everything is not swallowed by one over what changed"
