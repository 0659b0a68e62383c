"""Rendered music is what its labels say, and the two families of styles share no music."""

import ast
import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from audio.synthesis import damage, scoring_songs, scoring_styles, tuning_songs, tuning_styles
from audio.synthesis.drum_sounds import swept
from audio.synthesis.harmony import chord, melody_notes
from audio.synthesis.performance import Clock, Feel, Performance, beat_times
from audio.synthesis.piece import PieceSpec, Style, suite
from audio.synthesis.scoring_styles import scoring_suite
from audio.synthesis.tones import RATE_HZ, Timbre, tone
from audio.synthesis.tuning_styles import tuning_suite
from core.audio import KeyName, Mode

FAMILIES = {"tuning": tuning_styles.STYLES, "scoring": scoring_styles.STYLES}
ALL = [(family, name) for family, styles in FAMILIES.items() for name in styles]


def spec(family: str, name: str, bpm: float | None = None, seconds: float = 12.0) -> PieceSpec:
    style = FAMILIES[family][name]
    middle = (style.slowest_bpm + style.fastest_bpm) / 2
    return PieceSpec(style, bpm or middle, KeyName(9, Mode.MINOR), seed=3, seconds=seconds)


@pytest.mark.parametrize(("family", "name"), ALL)
def test_every_style_renders_sound(family: str, name: str) -> None:
    piece = spec(family, name).render()
    assert piece.y.dtype == np.float32
    assert len(piece.y) == 12 * RATE_HZ
    assert np.isfinite(piece.y).all()
    assert piece.y.std() > 0.02
    # A codec may overshoot a little.
    assert np.abs(piece.y).max() < 1.6
    intervals = np.diff(piece.beats_s)
    assert 60 / intervals.mean() == pytest.approx(piece.bpm, rel=0.02)
    assert piece.beats_s[0] < 60 / piece.bpm * 1.5
    assert piece.beats_s[-1] > 12 - 60 / piece.bpm * 1.5


def test_the_same_spec_renders_the_same_samples_in_any_process() -> None:
    first = spec("scoring", "noisy band")
    other = pickle.loads(pickle.dumps(first))
    assert np.array_equal(first.render().y, other.render().y)
    assert not np.array_equal(first.render().y, dataclasses.replace(first, seed=4).render().y)


def test_suites_cover_tempi_and_keys() -> None:
    specs = list(scoring_suite(0, 12))
    assert len(specs) == 12 * len(scoring_styles.STYLES)
    assert min(own.bpm for own in specs) < 65
    assert max(own.bpm for own in specs) > 190
    assert len({own.key for own in specs}) == 24
    assert specs == list(scoring_suite(0, 12))
    assert specs != list(scoring_suite(1, 12))
    assert len({own.seed for own in specs}) > len(specs) - 3
    assert all(own.style.slowest_bpm <= own.bpm <= own.style.fastest_bpm for own in specs + list(tuning_suite(0, 5)))


def test_an_empty_suite_is_empty() -> None:
    assert list(suite(tuning_styles.STYLES, 0, 0)) == []


def test_families_share_nothing_but_primitives() -> None:
    assert not set(tuning_styles.STYLES) & set(scoring_styles.STYLES)
    folder = Path(tuning_songs.__file__).parent
    for family, other in (("tuning", "scoring"), ("scoring", "tuning")):
        modules = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob(f"{family}_*.py")]
        assert modules
        imported = {
            node.module or "" for tree in modules for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        assert not [name for name in imported if other in name]
    patterns = [
        {
            node.value
            for path in folder.glob(f"{family}_songs.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for family in FAMILIES
    ]
    long_patterns = [{text for text in own if len(text) >= 16 and set(text) <= set("xXo.")} for own in patterns]
    assert all(long_patterns)
    assert not long_patterns[0] & long_patterns[1]
    timbres = [
        {value for value in vars(module.s).values() if isinstance(value, Timbre)}
        for module in (tuning_songs, scoring_songs)
    ]
    assert all(timbres)
    assert not timbres[0] & timbres[1]


def kicks(p: Performance) -> None:
    for bar in range(p.bars):
        p.groove(tuning_songs.s.MACHINE, bar, {"kick": "X" * p.beats_per_bar})


@pytest.mark.parametrize(("beats_per_bar", "drift", "bpm"), [(4, 0.0, 61.3), (3, 0.0, 187.0), (4, 0.03, 120.0)])
def test_what_is_played_on_beats_sounds_on_beats(beats_per_bar: int, drift: float, bpm: float) -> None:
    style = Style("kicks", 60, 200, kicks, "the kick", beats_per_bar, feel=exact, drift=drift)
    piece = PieceSpec(style, bpm, KeyName(0, Mode.MAJOR), seed=5, seconds=20.0).render()
    beats = np.array(piece.beats_s[1:-1])
    at = (beats * RATE_HZ).astype(int)
    window = np.arange(int(0.02 * RATE_HZ))
    # Nothing sounds louder than the kick's first moments, and just before it there is only the last one's tail.
    after, before = (np.square(piece.y[start[:, None] + window]).mean(axis=1) for start in (at, at - len(window)))
    assert (after > 3 * before).all()


def exact(rng: np.random.Generator) -> Feel:
    return Feel(timing_s=0.0, dynamics=0.0)


def test_drift_keeps_the_mean_tempo_and_swing_the_beats() -> None:
    rng = np.random.default_rng(0)
    times = beat_times(120.0, 40.0, 4, 0.03, rng)
    inside = np.diff(times[(times >= 0) & (times < 40)])
    assert 60 / inside.mean() == pytest.approx(120.0, rel=0.01)
    assert 0.01 < inside.std() / inside.mean() < 0.06
    steady = np.arange(10.0) * 0.5
    swung = Clock(steady, swing=2 / 3)
    assert swung(3.0) == pytest.approx(1.5)
    assert swung(3.5) == pytest.approx(1.5 + 0.5 * 2 / 3)
    assert Clock(steady)(3.5) == pytest.approx(1.75)


def test_notes_have_their_pitch() -> None:
    y = tone(Timbre(), 69, 2.0, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    assert np.fft.rfftfreq(len(y), 1 / RATE_HZ)[spectrum.argmax()] == pytest.approx(440.0, abs=1.0)


def test_numerals_name_chords() -> None:
    assert chord("V7", 0).tones == (7, 11, 2, 5)
    assert chord("bVII", 2).tones == (0, 4, 7)
    assert chord("iim7b5", 9).tones == (11, 2, 5, 9)
    assert chord("i5", 4).tones == (4, 11)
    with pytest.raises(ValueError, match="no Roman numeral"):
        chord("H7", 0)
    over_dominant = melody_notes(9, Mode.MINOR, chord("V", 9), 60, 71, strong=False)
    assert 68 in over_dominant
    assert 67 not in over_dominant


def test_damage_does_what_it_says() -> None:
    rng = np.random.default_rng(0)
    y = np.sin(np.arange(4 * RATE_HZ, dtype=np.float32) * 0.1) * np.float32(0.3)
    noise = damage.with_noise(y, 6.0, 1.0, rng) - y
    assert 20 * np.log10(y.std() / noise.std()) == pytest.approx(6.0, abs=0.2)
    # 0.1 rad a sample is 351 Hz.
    assert damage.band_limited(y, 1000, 3000).std() < 0.01 * y.std()
    assert np.abs(damage.clipped(y, 20.0)).max() == 1.0
    assert (damage.with_crackle(y, 20.0, rng) != y).sum() > 40


@pytest.mark.parametrize("codec", ["mp3", "ogg"])
def test_codecs_keep_beats_where_they_are(codec: str) -> None:
    rng = np.random.default_rng(0)
    kick = swept(140, 60, 0.02, 0.1)(rng)
    y = np.zeros(6 * RATE_HZ, np.float32)
    for start in range(RATE_HZ // 2, len(y) - len(kick), RATE_HZ):
        y[start : start + len(kick)] += kick * np.float32(0.5)
    coded = damage.through_codec(y, codec, 0.99)
    assert len(coded) == len(y)
    assert not np.array_equal(coded, y)
    assert np.corrcoef(coded, y)[0, 1] > 0.9
