"""What is known of a piece of audio: the words that analysis, ranking and storage share."""

from dataclasses import dataclass
from enum import StrEnum

#: Analyses look at this much of a recording from its start.
HEAD_SECONDS = 120.0
#: Length of the intro and of the outro, where nobody chose another one.
SEGMENT_SECONDS = 30.0
#: Frames per second of the envelopes of a `MixProfile`.
PROFILE_RATE_HZ = 20.0

#: The version of the descriptors; raise it whenever a described value changes, and stored ones are made anew.
DESCRIPTORS_VERSION = "1"


class Segment(StrEnum):
    """A part of a recording that has an embedding of its own."""

    INTRO = "intro"
    OUTRO = "outro"
    FULL = "full"


class Mode(StrEnum):
    """Major or minor."""

    MAJOR = "major"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class TempoCandidate:
    """A tempo that the music may be felt at; the weights of all candidates of a track sum to 1 at most."""

    bpm: float
    weight: float


@dataclass(frozen=True, slots=True)
class Tempo:
    """Beats per minute.

    `confidence` (0..1) is the calibrated probability that `bpm` is within 4 % of what a listener taps, octave
    included. `candidates` are ranked, the best first and equal to `bpm`. `bpm` is None where there is no beat.
    """

    bpm: float | None
    confidence: float
    candidates: tuple[TempoCandidate, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyName:
    """A root (pitch class, 0 is C, 11 is B) and a mode."""

    root: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a track, and the one it is most easily taken for.

    `clarity` (0..1) says how tonal the music is, and how far the key stands out; `confidence` (0..1) is the calibrated
    probability that root and mode are right. `name` is None where no pitch stands out.
    """

    name: KeyName | None
    clarity: float
    confidence: float
    runner_up: KeyName | None = None


@dataclass(frozen=True, slots=True)
class Texture:
    """What some seconds of audio sound like. All but `onset_density` are in 0..1."""

    energy: float  #: Perceived intensity.
    sub: float  #: Share of the power below 60 Hz.
    bass: float  #: Share of the power from 60 to 150 Hz.
    low_mid: float  #: Share of the power from 150 to 400 Hz.
    onset_density: float  #: Onsets per second.
    brightness: float  #: Spectral centroid on a logarithmic scale of frequency.
    vocal_presence: float  #: How much of a singing or speaking voice there is.
    percussive_ratio: float  #: Share of percussive energy.


@dataclass(frozen=True, slots=True)
class MixProfile:
    """Envelopes of a segment at `PROFILE_RATE_HZ`, one byte a frame; what a crossfade is simulated from.

    Levels map -60..0 dB (relative to full scale) to 0..255; onsets map the strongest onset of the track to 255.
    """

    low_end: bytes  #: Level below 150 Hz.
    level: bytes  #: Level of the whole spectrum.
    onsets: bytes  #: Onset strength.


@dataclass(frozen=True, slots=True)
class SegmentDescription:
    """An intro or an outro: where it is, what it sounds like, how well it mixes."""

    start_s: float
    seconds: float
    texture: Texture
    rms_stability: float  #: 0..1; 1 is a level that never changes.
    mixability: float  #: 0..1; percussive content and a stable level.
    profile: MixProfile


@dataclass(frozen=True, slots=True)
class AudioDescription:
    """Everything that is measured of a recording."""

    duration_s: float
    tempo: Tempo
    key: Key
    loudness_lufs: float  #: Integrated loudness (ITU-R BS.1770-4) of what was analyzed.
    texture: Texture
    intro: SegmentDescription
    outro: SegmentDescription
    beats_s: tuple[float, ...]  #: Beat positions in the analyzed head, in seconds from the start.
    outro_beats_s: tuple[float, ...] = ()  #: Beat positions in the outro, in seconds from the start of the recording.
