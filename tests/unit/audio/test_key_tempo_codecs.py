"""One clip in five codecs is one tempo and one key."""

from pathlib import Path

from audio.decoding import decode
from audio.key import estimate_key
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.tempo import estimate_tempo

CODECS = ("wav", "flac", "mp3", "ogg", "aac")


def test_codecs_agree(shared_data: Path) -> None:
    clips = [shared_data / "audio" / "clips" / f"dubstep.{codec}" for codec in CODECS]
    heads = [Spectra(decode(clip).head_at(ANALYSIS_RATE_HZ)) for clip in clips]
    assert len({round(estimate_tempo(head).bpm or 0.0, 1) for head in heads}) == 1
    assert len({estimate_key(head).name for head in heads}) == 1
