"""Descriptions as a whole: where segments are, what moves which value, and odd recordings."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.decoding import decode
from audio.describing import describe
from audio.loudness import LoudnessMeter
from audio.recording import Recording
from audio.texture import energy
from core.audio import HEAD_SECONDS, AudioDescription, Texture
from core.audio_records import from_record, to_record

RATE_HZ = 22_050


def _recording(y: NDArray[np.float32]) -> Recording:
    meter = LoudnessMeter(RATE_HZ, 1)
    meter.listen(y[:, None])
    head = round(HEAD_SECONDS * RATE_HZ)
    rest = y[head:][-40 * RATE_HZ :]
    return Recording(len(y) / RATE_HZ, RATE_HZ, y[:head], rest, 40.0, meter.steps)


def _drums(seconds: float, level: float = 0.5, bpm: float = 120.0) -> NDArray[np.float32]:
    y = np.zeros(round(seconds * RATE_HZ), np.float32)
    t = np.arange(4_000) / RATE_HZ
    kick = np.sin(2 * np.pi * 55 * t) * np.exp(-t * 45)
    snare = np.random.default_rng(1).normal(0, 0.4, 4_000) * np.exp(-t * 40)
    for beat, start in enumerate(np.arange(0, len(y) - 4_000, RATE_HZ * 60 / bpm).astype(int)):
        y[start : start + 4_000] += (level * (kick if beat % 2 == 0 else snare)).astype(np.float32)
    return y


def _pad(seconds: float, level: float = 0.1) -> NDArray[np.float32]:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6))).astype(np.float32)


def _check(description: AudioDescription) -> None:
    parts = (description.texture, description.intro.texture, description.outro.texture)
    for texture in parts:
        for name in Texture.__slots__:
            value = getattr(texture, name)
            assert np.isfinite(value), name
            assert 0 <= value <= (100 if name == "onset_density" else 1 + 1e-6), name
    for segment in (description.intro, description.outro):
        assert 0 <= segment.mixability <= 1
        assert 0 <= segment.rms_stability <= 1
        assert len(segment.profile.level) == pytest.approx(segment.seconds * 20, abs=2)
    record, profiles = to_record(description)
    assert from_record(record, profiles).outro.profile == description.outro.profile


def test_an_intro_of_drums_and_an_outro_of_pads() -> None:
    description = describe(_recording(np.concatenate([_drums(60), _pad(100)])))
    _check(description)
    intro, outro = description.intro, description.outro
    assert (intro.start_s, intro.seconds) == (0.0, 30.0)
    assert (outro.start_s, outro.seconds) == (pytest.approx(130.0, abs=0.01), 30.0)
    assert intro.texture.percussive_ratio > outro.texture.percussive_ratio + 0.4
    assert intro.texture.onset_density == pytest.approx(2.0, abs=0.2)
    assert outro.texture.onset_density < 0.2
    assert intro.texture.sub > 0.3 > outro.texture.sub
    assert intro.mixability > outro.mixability
    assert intro.profile.onsets.count(0) > 100
    assert max(intro.profile.onsets) > 100 > max(outro.profile.onsets[:-5])
    assert description.duration_s == 160.0


def test_beats_of_the_outro_count_from_the_start_of_the_recording() -> None:
    description = describe(_recording(_drums(170)))
    assert description.tempo.bpm is not None
    assert len(description.outro_beats_s) >= 25
    assert all(139 <= beat <= 170.1 for beat in description.outro_beats_s)
    # The outro lies beyond the head here, and its beats still follow the same grid.
    phase = np.mod(np.array(description.outro_beats_s[2:-2]) * 120 / 60, 1)
    assert np.abs((phase + 0.5) % 1 - 0.5).max() < 0.1


@pytest.mark.parametrize("seconds", [2.0, 8.0, 45.0, 121.0])
def test_short_recordings_share_intro_and_outro(seconds: float) -> None:
    description = describe(_recording(_drums(seconds) + _pad(seconds, 0.02)))
    _check(description)
    length = min(30.0, seconds)
    assert description.intro.seconds == pytest.approx(length, abs=0.01)
    assert description.outro.start_s + description.outro.seconds == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(RATE_HZ * 10, np.float32),
        np.ones(RATE_HZ * 10, np.float32),
        np.eye(1, RATE_HZ * 10, 500, dtype=np.float32)[0],
        np.random.default_rng(1).uniform(-900, 900, RATE_HZ * 10).astype(np.float32),
        np.sign(np.sin(np.arange(RATE_HZ * 10) * 0.001)).astype(np.float32),
        np.concatenate([np.zeros(RATE_HZ * 121, np.float32), _drums(10)]),
    ],
    ids=["silence", "offset", "click", "far too loud", "square", "late"],
)
def test_odd_recordings(y: NDArray[np.float32]) -> None:
    _check(describe(_recording(y)))


def test_energy_rises_with_level_onsets_and_brightness() -> None:
    quiet, loud = (describe(_recording(_drums(20, level))).texture.energy for level in (0.05, 0.8))
    slow, fast = (describe(_recording(_drums(20, bpm=bpm))).texture.energy for bpm in (60.0, 200.0))
    assert quiet + 0.1 < loud
    assert slow < fast
    assert energy(-70, 0, 0) < 0.01 < energy(-30, 1, 0.3) < energy(-10, 1, 0.3) < energy(-10, 6, 0.3)
    assert energy(-10, 6, 0.3) < energy(-10, 6, 0.6) < energy(-3, 15, 0.8) < 0.95


def test_real_music_in_a_plausible_order(shared_data: Path) -> None:
    clips = shared_data / "audio" / "clips"
    names = {
        "techno": "techno_loop.mp3",
        "dubstep": "dubstep.wav",
        "waltz": "147793__setuniman__sweet-waltz-0i-22mi.hq.ogg",
        "sax": "359500__mtg__sax-tenor-e-major.wav",
    }
    heard = {short: describe(decode(clips / name)).texture for short, name in names.items()}
    assert min(heard["techno"].energy, heard["dubstep"].energy) > max(heard["waltz"].energy, heard["sax"].energy)
    assert min(heard["techno"].percussive_ratio, heard["dubstep"].percussive_ratio) > 0.4
    assert max(heard["waltz"].percussive_ratio, heard["sax"].percussive_ratio) < 0.2
    assert heard["techno"].sub > 0.3 > heard["waltz"].sub


def test_one_clip_in_five_formats_sounds_the_same(shared_data: Path) -> None:
    clips = shared_data / "audio" / "clips"
    textures = [
        astuple(describe(decode(clips / f"dubstep.{kind}")).texture) for kind in ("wav", "flac", "mp3", "ogg", "aac")
    ]
    for texture in textures:
        # Onsets per second differ by one onset in seven seconds, all else in the second decimal.
        assert texture == pytest.approx(textures[0], abs=0.35)
        assert texture[:4] == pytest.approx(textures[0][:4], abs=0.03)
