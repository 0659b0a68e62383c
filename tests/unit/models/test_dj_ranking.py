"""What the ranking excludes, prefers, relaxes and says."""

from dataclasses import replace

import numpy as np
import pytest
from dj_tracks import described, directions, unit

from core.audio import Mode
from core.audio_settings import DjSettings, DjWeights
from core.errors import ConfigurationError, PermanentError
from models.dj.goals import Goal
from models.dj.library import Current, DjLibrary
from models.dj.ranking import rank
from models.dj.suggestion import History

NOTHING = dict.fromkeys(DjWeights.model_fields, 0.0)
SETTINGS = DjSettings()
FRESH = History()


def only(*terms: str) -> DjSettings:
    """Settings that rank by these terms alone."""
    return DjSettings(weights=DjWeights(**(NOTHING | dict.fromkeys(terms, 1.0))))


def library_of(tracks, *, seed=0):
    """A library of named tracks with random vectors."""
    n = len(tracks)
    return DjLibrary.of(
        list(tracks), list(tracks.values()), directions(n, seed=seed), directions(n, seed=seed + 1), "test"
    )


def after(track=None, **values):
    """A current track that is not in the library."""
    vectors = directions(2, seed=77)
    return Current.of(track or described(**values), vectors[0], vectors[1], "test")


def ids(suggestions):
    return [suggestion.id for suggestion in suggestions]


def test_tempos_within_the_tolerance_at_the_same_half_and_double_time():
    tracks = {
        "same": 123.0,
        "edge": 124.0,
        "half": 61.5,
        "double": 243.0,
        "off": 125.0,
        "waltz": 80.0,
        "half off": 63.0,
    }
    found = rank(
        library_of({name: described(bpm) for name, bpm in tracks.items()}),
        after(bpm=120.0),
        FRESH,
        Goal.MAINTAIN,
        SETTINGS,
        10,
    )
    assert set(ids(found)) == {"same", "edge", "half", "double"}
    relations = {suggestion.id: suggestion.tempo_relation for suggestion in found}
    assert relations == {"same": "same", "edge": "same", "half": "half", "double": "double"}
    changes = {suggestion.id: round(suggestion.tempo_change_percent, 2) for suggestion in found}
    assert changes == {"same": -2.44, "edge": -3.23, "half": -2.44, "double": -1.23}


def test_tempos_that_are_not_sure_are_not_excluded_but_come_after_sure_ones():
    tracks = {
        "sure": described(121.0),
        "none": described(None, tempo_confidence=0.0),
        "unsure": described(90.0, tempo_confidence=0.3),
        "off": described(90.0),
    }
    found = rank(library_of(tracks), after(bpm=120.0), FRESH, Goal.MAINTAIN, only("tempo"), 10)
    assert ids(found)[0] == "sure"
    assert set(ids(found)) == {"sure", "none", "unsure"}
    unknown = next(suggestion for suggestion in found if suggestion.id == "none")
    assert (unknown.bpm, unknown.tempo_change_percent, unknown.tempo_relation) == (None, None, None)
    assert "tempo unknown" in unknown.why


def test_a_current_track_without_tempo_excludes_no_tempo():
    library = library_of({name: described(bpm) for name, bpm in (("slow", 70.0), ("fast", 180.0))})
    assert len(rank(library, after(bpm=None), FRESH, Goal.MAINTAIN, SETTINGS, 10)) == 2


def test_keys_are_excluded_only_where_both_are_clear():
    tracks = {
        "same": described(key=(9, Mode.MINOR)),
        "relative": described(key=(0, Mode.MAJOR)),
        "clash": described(key=(10, Mode.MINOR)),
        "unclear": described(key=(10, Mode.MINOR), clarity=0.2),
        "none": described(key=None, clarity=0.9),
    }
    library = library_of(tracks)
    clear = rank(library, after(), FRESH, Goal.MAINTAIN, only("key"), 10)
    assert set(ids(clear)) == {"same", "relative", "unclear", "none"}
    assert ids(clear)[:2] == ["same", "relative"]
    assert (clear[0].camelot, clear[0].current_camelot) == ("8A", "8A")
    assert len(rank(library, after(clarity=0.2), FRESH, Goal.MAINTAIN, SETTINGS, 10)) == 5
    strict = rank(library, after(), FRESH, Goal.MAINTAIN, replace_settings(key_rules="strict"), 10)
    assert "relative" not in ids(strict)


def replace_settings(**values):
    return SETTINGS.model_copy(update=values)


def test_what_was_played_and_what_plays_is_not_suggested():
    library = library_of({name: described() for name in "abcd"})
    found = rank(library, library.current("a"), History(("b", "not in the library")), Goal.MAINTAIN, SETTINGS, 10)
    assert set(ids(found)) == {"c", "d"}
    assert rank(library, library.current("a"), History(("b", "c", "d")), Goal.MAINTAIN, SETTINGS, 10) == []


def test_the_same_recording_in_another_file_is_not_suggested():
    vectors = directions(3)
    twice = vectors[[0, 0, 1]]
    tracks = [described(), replace(described(), duration_s=240.2), described()]
    library = DjLibrary.of(["mp3", "ogg", "other"], tracks, twice, twice, "test")
    assert ids(rank(library, library.current("mp3"), FRESH, Goal.MAINTAIN, SETTINGS, 10)) == ["other"]
    played = rank(library, library.current("other"), History(("mp3",)), Goal.MAINTAIN, SETTINGS, 10)
    assert played == []


def test_of_several_files_of_one_recording_one_is_suggested():
    vectors = directions(3)[[0, 0, 0, 1, 2]]
    copies = DjLibrary.of([*"abcde"], [described()] * 5, vectors, vectors, "test")
    found = ids(rank(copies, after(), FRESH, Goal.MAINTAIN, SETTINGS, 10))
    assert set(found) - set("abc") == {"d", "e"}
    assert len(found) == 3
    long_ago = History(("a", "d", "e"))
    forgetful = replace_settings(recent=1)
    assert rank(copies, after(), long_ago, Goal.MAINTAIN, forgetful, 10) == []


def test_limits_are_lifted_key_first_only_where_nothing_is_left():
    clash, far = described(key=(10, Mode.MINOR)), described(90.0)
    both = library_of({"clash": clash, "far": far})
    found = rank(both, after(), FRESH, Goal.MAINTAIN, SETTINGS, 10)
    assert [(suggestion.id, suggestion.relaxed) for suggestion in found] == [("clash", ("key",))]
    only_far = rank(library_of({"far": far}), after(), FRESH, Goal.MAINTAIN, SETTINGS, 10)
    assert only_far[0].relaxed == ("key", "tempo")
    one_fits = library_of({"clash": clash, "fits": described()})
    assert [(s.id, s.relaxed) for s in rank(one_fits, after(), FRESH, Goal.MAINTAIN, SETTINGS, 10)] == [("fits", ())]
    assert rank(both, after(), FRESH, Goal.MAINTAIN, replace_settings(relax=False), 10) == []


def test_the_intro_most_like_the_outro_wins():
    outro = directions(1, seed=5)[0]
    intros = unit(outro + 0.1, -outro, outro + 0.01, outro + 0.5)
    library = DjLibrary.of([*"abcd"], [described()] * 4, intros, directions(4, seed=2), "test")
    current = Current.of(described(), directions(1)[0], outro, "test")
    found = rank(library, current, FRESH, Goal.MAINTAIN, only("similarity"), 10)
    assert ids(found) == [*"cadb"]


def test_energy_follows_the_goal():
    energies = {"calm": 0.2, "lower": 0.4, "same": 0.5, "higher": 0.6, "wild": 0.95}
    library = library_of({name: described(whole={"energy": value}) for name, value in energies.items()})
    first = {goal: ids(rank(library, after(), FRESH, goal, only("energy"), 10))[0] for goal in Goal}
    assert first == {Goal.MAINTAIN: "same", Goal.UP: "higher", Goal.DOWN: "lower", Goal.PEAK: "wild"}


def test_two_bass_lines_clash_and_one_does_not():
    heavy, light = {"sub": 0.4, "bass": 0.5}, {"sub": 0.02, "bass": 0.05}
    library = library_of({"heavy": described(intro=heavy), "light": described(intro=light)})
    after_heavy = rank(library, after(outro=heavy), FRESH, Goal.MAINTAIN, only("low_end"), 10)
    assert ids(after_heavy) == ["light", "heavy"]
    assert after_heavy[1].terms["low_end"] < 0.25
    after_light = {
        s.id: s.terms["low_end"] for s in rank(library, after(outro=light), FRESH, Goal.MAINTAIN, SETTINGS, 10)
    }
    assert after_light["heavy"] > 0.9


def test_hype_is_wanted_on_the_way_up_and_not_on_the_way_down():
    exciting = {"energy": 0.9, "onset_density": 8.0, "percussive_ratio": 0.9}
    calm = {"energy": 0.2, "onset_density": 1.0, "percussive_ratio": 0.1}
    library = library_of({"exciting": described(whole=exciting), "calm": described(whole=calm)})
    assert ids(rank(library, after(), FRESH, Goal.UP, only("hype"), 10))[0] == "exciting"
    assert ids(rank(library, after(), FRESH, Goal.DOWN, only("hype"), 10))[0] == "calm"
    assert ids(rank(library, after(whole=calm), FRESH, Goal.MAINTAIN, only("hype"), 10))[0] == "calm"


def test_what_sounds_like_the_last_tracks_comes_later():
    vectors = directions(3, seed=3)
    again = unit(vectors[0] + 0.05 * directions(1, seed=8)[0])[0]
    intros = np.stack([vectors[0], again, vectors[1]])
    lengths = [described(), described(duration_s=200.0), described(duration_s=200.0)]
    library = DjLibrary.of(["played", "again", "new"], lengths, intros, intros, "test")
    found = rank(library, after(), History(("played",)), Goal.MAINTAIN, only("diversity"), 10)
    assert ids(found) == ["new", "again"]
    forgotten = rank(library, after(), History(("played",)), Goal.MAINTAIN, replace_settings(recent=0), 10)
    assert {suggestion.terms["diversity"] for suggestion in forgotten} == {0.5}


def test_gentle_variation_beats_none_and_a_jolt():
    tracks = {
        name: described(whole={"vocal_presence": value, "brightness": 0.5})
        for name, value in (("none", 0.3), ("gentle", 0.45), ("jolt", 1.0))
    }
    vectors = np.repeat(directions(1), 3, axis=0) + 0.2 * directions(3, seed=4)
    library = DjLibrary.of(list(tracks), list(tracks.values()), unit(*vectors), unit(*vectors), "test")
    found = {s.id: s.terms["diversity"] for s in rank(library, after(), FRESH, Goal.MAINTAIN, SETTINGS, 10)}
    assert found["gentle"] > found["none"] > found["jolt"]


def test_score_is_the_weighted_sum_of_terms_and_order_follows_it():
    library = library_of({name: described(118.0 + name / 100) for name in range(300)})
    found = rank(library, after(bpm=120.0), FRESH, Goal.UP, SETTINGS, 25)
    assert len(found) == 25
    for suggestion in found:
        assert set(suggestion.terms) == set(suggestion.weights) == set(DjWeights.model_fields)
        assert all(0 <= value <= 1 for value in suggestion.terms.values())
        assert sum(suggestion.weights.values()) == pytest.approx(1)
        weighted = sum(suggestion.weights[name] * value for name, value in suggestion.terms.items())
        assert suggestion.score == pytest.approx(weighted, abs=1e-5)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


def test_more_is_returned_than_the_setting_of_candidates_where_more_is_asked_for():
    library = library_of({name: described() for name in range(50)})
    assert len(rank(library, after(), FRESH, Goal.UP, replace_settings(candidates=5), 20)) == 20
    assert rank(library, after(), FRESH, Goal.UP, SETTINGS, 0) == []


def test_faiss_suggests_the_same():
    pytest.importorskip("faiss")
    library = library_of({name: described(100.0 + name % 40, (name % 12, Mode.MAJOR)) for name in range(500)})
    current = after(bpm=120.0, key=(0, Mode.MAJOR))
    by_numpy = rank(library, current, FRESH, Goal.UP, SETTINGS, 20)
    by_faiss = rank(library, current, FRESH, Goal.UP, replace_settings(search="faiss"), 20)
    assert ids(by_numpy) == ids(by_faiss)


def test_odd_libraries_give_fewer_suggestions_instead_of_errors():
    empty = DjLibrary.of([], [], np.empty((0, 32), np.float32), np.empty((0, 32), np.float32), "test")
    assert rank(empty, after(), FRESH, Goal.PEAK, SETTINGS, 10) == []
    alone = library_of({"alone": described()})
    assert rank(alone, alone.current("alone"), FRESH, Goal.PEAK, SETTINGS, 10) == []
    assert ids(rank(alone, after(), FRESH, Goal.PEAK, SETTINGS, 10)) == ["alone"]


def test_descriptors_that_are_not_known_are_neutral():
    broken = described(
        float("nan"), None, beats=False, clarity=float("nan"), whole={"energy": float("nan"), "sub": float("inf")}
    )
    library = library_of({"broken": broken, "good": described()})
    for current in (after(), after(broken), library.current("broken")):
        found = rank(library, current, FRESH, Goal.UP, SETTINGS, 10)
        assert found
        assert all(np.isfinite([s.score, *s.terms.values()]).all() for s in found)


def test_errors_have_codes():
    library = library_of({"a": described()})
    with pytest.raises(PermanentError) as mismatch:
        rank(library, replace(after(), space="other"), FRESH, Goal.UP, SETTINGS, 10)
    assert mismatch.value.code == "embedding-space-mismatch"
    with pytest.raises(ConfigurationError) as weightless:
        rank(library, after(), FRESH, Goal.UP, replace_settings(weights=DjWeights(**NOTHING)), 10)
    assert weightless.value.code == "invalid-settings"
    with pytest.raises(ValueError, match="MUSICSPACE_DJ__WEIGHTS"):
        DjSettings(weights=DjWeights(**NOTHING))


def test_simulation_puts_the_better_crossfade_first():
    playing = described(outro={"low_db": -13.0})
    tracks = {"bass": described(intro={"low_db": -13.0}), "drums": described(intro={"low_db": -45.0})}
    library = library_of(tracks)
    plain = rank(library, after(playing), FRESH, Goal.MAINTAIN, SETTINGS, 10)
    assert all(suggestion.transition is None for suggestion in plain)
    simulated = replace_settings(simulate=5, transition_weight=1.0)
    asked = []

    def describe(wanted):
        asked.extend(wanted)
        return {id: tracks[id] for id in wanted}

    found = rank(library, after(playing), FRESH, Goal.MAINTAIN, simulated, 1, describe, playing)
    assert ids(found) == ["drums"]
    assert found[0].score == found[0].transition.score
    assert set(asked) == {"bass", "drums"}
    unknown = rank(library, after(playing), FRESH, Goal.MAINTAIN, simulated, 10, lambda wanted: {}, playing)
    assert ids(unknown) == ids(plain)
