"""Everything that is measured of a recording, from spectrograms that are computed once."""

from typing import TYPE_CHECKING

import numpy as np

from audio.loudness import integrated_lufs
from audio.mixing import mix_profile, mixability, rms_stability
from audio.spectra import ANALYSIS_RATE_HZ, Spectra
from audio.texture import FrameMeasures
from core.audio import SEGMENT_SECONDS, AudioDescription, SegmentDescription

if TYPE_CHECKING:
    from audio.recording import Recording


def describe(
    recording: "Recording", *, intro_seconds: float = SEGMENT_SECONDS, outro_seconds: float = SEGMENT_SECONDS
) -> AudioDescription:
    """Measure tempo, beats, key, loudness and texture of a recording.

    The head gives all but the outro. Intro and outro leave out silence at the very beginning and end; in a recording
    shorter than both together they overlap.
    """
    from audio.beats import track_beats
    from audio.key import estimate_key
    from audio.tempo import estimate_tempo

    head = Spectra(recording.head_at(ANALYSIS_RATE_HZ))
    head_measures = FrameMeasures.of(head)
    head_s = len(head.y) / ANALYSIS_RATE_HZ
    tempo = estimate_tempo(head)
    intro_start_s = recording.intro_start_s(intro_seconds)
    outro_start_s = recording.outro_start_s(outro_seconds)
    tail, tail_start_s = head_measures, 0.0
    if len(recording.rest):
        tail, tail_start_s = FrameMeasures.of(Spectra(recording.tail_at(ANALYSIS_RATE_HZ))), recording.tail_start_s
    tail_s = len(tail.spectra.y) / ANALYSIS_RATE_HZ
    loudest_onset = max(float(part.spectra.onset_envelope.max(initial=0.0)) for part in (head_measures, tail))
    beats_s = outro_beats_s = np.zeros(0)
    if tempo.bpm is not None:
        beats_s = track_beats(head, tempo.bpm)
        tail_beats_s = beats_s if tail is head_measures else track_beats(tail.spectra, tempo.bpm) + tail_start_s
        outro_beats_s = tail_beats_s[tail_beats_s >= outro_start_s]
    return AudioDescription(
        duration_s=recording.duration_s,
        tempo=tempo,
        key=estimate_key(head),
        loudness_lufs=integrated_lufs(recording.loudness_steps),
        texture=head_measures.texture(0.0, head_s),
        intro=_segment(head_measures, 0.0, intro_start_s, min(intro_seconds, head_s - intro_start_s), loudest_onset),
        outro=_segment(
            tail,
            tail_start_s,
            outro_start_s,
            min(outro_seconds, tail_start_s + tail_s - outro_start_s),
            loudest_onset,
        ),
        beats_s=tuple(beats_s.tolist()),
        outro_beats_s=tuple(outro_beats_s.tolist()),
    )


def _segment(
    measures: FrameMeasures, offset_s: float, start_s: float, seconds: float, loudest_onset: float
) -> SegmentDescription:
    """Describe a part of a spectrogram that begins at `offset_s` in the recording."""
    spectra, colors = measures.spectra, measures.colors
    frames = measures.frames(start_s - offset_s, seconds)
    texture = measures.texture(start_s - offset_s, seconds)
    stability = rms_stability(colors.power[frames], spectra.frame_rate_hz)
    low_power = colors.sub[frames] + colors.bass[frames]
    first, last = (round((at_s - offset_s) * spectra.onset_rate_hz) for at_s in (start_s, start_s + seconds))
    onsets = spectra.onset_envelope[first:last] / max(loudest_onset, 1e-9)
    return SegmentDescription(
        start_s=start_s,
        seconds=seconds,
        texture=texture,
        rms_stability=stability,
        mixability=mixability(texture.percussive_ratio, stability),
        profile=mix_profile(low_power, colors.power[frames], spectra.frame_rate_hz, onsets, spectra.onset_rate_hz),
    )
