"""Where to mix from one track into the next, by simulating crossfades at every bar.

The idea of judging a transition by its signals rather than by tags follows work on automatic DJ mixing (Ishizaki et
al., "Full-automatic DJ mixing system with optimal tempo adjustment", ISMIR 2009; Vande Veire and De Bie, "From raw
audio to a seamless mix", EURASIP JASMP 2018): beats aligned, phrases respected, no two bass lines at once.
"""

from dataclasses import dataclass

import numpy as np

from core.audio import AudioDescription
from core.audio_settings import DjSettings
from models.dj.beat_grid import BEATS_PER_BAR, BeatGrid, grid_of
from models.dj.crossfade import Windows, judge
from models.dj.filters import RELATIONS, match_tempos

#: Lengths of a crossfade in beats, the longest first.
LENGTHS = (32, 16, 8)
#: A track comes in within its first so many bars.
_LATEST_BAR = 8
_BEATS_PER_PHRASE = 16
#: Beyond this a change of tempo is no longer mixed by beats.
_LARGEST_CHANGE_PERCENT = 16.0
#: How much a crossfade that plays nothing of the outro loses against one that plays it whole, all else being equal.
_CUT = 0.02
#: How much a crossfade of half the length loses: short ones have less to go wrong, but listeners hear a blend.
_HURRY = 0.03


@dataclass(frozen=True, slots=True)
class Transition:
    """Where to mix from one track into the next, and how well that goes.

    Beats count the tracked beats of each track from 0, in each track's own beats; without a beat in either track they
    are None, and the crossfade is a plain fade by seconds. All scores are in 0..1, 1 being the best.
    """

    score: float
    bass: float  #: The two low ends do not sound at once.
    level: float  #: The level of the sum neither pumps nor drops.
    transients: float  #: Onsets of both tracks meet, instead of flamming.
    phrase: float  #: The crossfade begins where phrases of both tracks begin.
    out_at_s: float  #: Start of the crossfade in the outgoing track, seconds from its start.
    in_at_s: float  #: Start of the crossfade in the incoming track, seconds from its start at its own tempo.
    length_s: float  #: At the tempo of the outgoing track.
    out_at_beat: int | None  #: Place among `AudioDescription.outro_beats_s` of the outgoing track.
    in_at_beat: int | None  #: Place among `AudioDescription.beats_s` of the incoming track.
    length_beats: int | None  #: In beats of the outgoing track.
    tempo_change_percent: float | None  #: By which the incoming track is played faster.


def simulate(outgoing: AudioDescription, incoming: AudioDescription, settings: DjSettings) -> Transition:
    """The best crossfade from one track into the next: bars of both, and lengths of 8, 16 and 32 beats, are tried.

    Levels are matched by loudness before, and the incoming track runs at a steady pace that meets the outgoing one's.
    Where beats are missing, or tempos are more than 16 % apart, plain fades of 4, 8 and 16 seconds are tried instead.
    """
    relation = _relation(outgoing, incoming)
    out = grid_of(outgoing.outro, outgoing.outro_beats_s, outgoing.tempo.bpm, relation and "same")
    into = grid_of(incoming.intro, incoming.beats_s, incoming.tempo.bpm, relation)
    if not (out.tracked and into.tracked):
        out, into = (grid_of(segment, (), None, None) for segment in (outgoing.outro, incoming.intro))
        relation = None
    gain_db = _gain_db(outgoing, incoming)
    lengths = [length for length in LENGTHS if length <= min(out.n_beats, into.n_beats)]
    found = [_best(out, into, length, gain_db, settings) for length in lengths]
    if not found:
        return _cut(outgoing, incoming)
    best = max(found, key=lambda choice: choice.rank)
    return _described(best, out, into, relation)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A crossfade in beats of both grids."""

    rank: float
    score: float
    parts: dict[str, float]
    out_at: int
    in_at: int
    length: int


def _relation(outgoing: AudioDescription, incoming: AudioDescription) -> str | None:
    """What the incoming tempo is to the outgoing one; None where beats cannot be mixed."""
    before, after = outgoing.tempo.bpm, incoming.tempo.bpm
    if not before or not after:
        return None
    match = match_tempos(before, np.array([after], np.float32))
    place, percent = int(match.relation[0]), float(match.change_percent[0])
    return RELATIONS[place][0] if place >= 0 and abs(percent) <= _LARGEST_CHANGE_PERCENT else None


def _gain_db(outgoing: AudioDescription, incoming: AudioDescription) -> float:
    """The gain that makes the incoming track as loud, as a DJ would set it; 0 where a loudness is not known."""
    gain = outgoing.loudness_lufs - incoming.loudness_lufs
    return float(np.clip(gain, -12, 12)) if np.isfinite(gain) else 0.0


def _best(out: BeatGrid, into: BeatGrid, length: int, gain_db: float, settings: DjSettings) -> _Choice:
    """The best place for a crossfade of this length."""
    first_out, first_in = out.downbeat(), into.downbeat()
    outs = _starts(first_out, out.n_beats - length, len(out.beats_s))
    ins = _starts(first_in, into.n_beats - length, min(len(into.beats_s), _LATEST_BAR * BEATS_PER_BAR))
    parts = judge(Windows.of(out, outs, length), Windows.of(into, ins, length), gain_db, out.tracked)
    # Music ends with a phrase, and begins with one.
    last_bar = first_out + (out.n_beats - first_out) // BEATS_PER_BAR * BEATS_PER_BAR
    from_end = (last_bar - outs) % _BEATS_PER_PHRASE == 0
    from_start = (ins - first_in) % _BEATS_PER_PHRASE == 0
    parts["phrase"] = (from_end[:, None] + from_start[None, :].astype(np.float32)) / 2
    weights = settings.transition_weights.model_dump()
    score = sum(weights[name] * part for name, part in parts.items()) / sum(weights.values())
    unplayed = (out.n_beats - outs - length) / out.n_beats
    skipped = ins / into.n_beats
    rank = score - _CUT * (unplayed[:, None] + skipped[None, :]) - _HURRY * np.log2(LENGTHS[0] / length)
    at = np.unravel_index(int(np.argmax(rank)), rank.shape)
    return _Choice(
        float(rank[at]),
        float(score[at]),
        {name: float(part[at]) for name, part in parts.items()},
        int(outs[at[0]]),
        int(ins[at[1]]),
        length,
    )


def _starts(first: int, last: int, before: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Starts of bars from `first` to `last`, and before `before`; at least one."""
    starts = np.arange(first, min(last, before - 1) + 1, BEATS_PER_BAR, dtype=np.intp)
    return starts if len(starts) else np.array([max(min(first, last), 0)], np.intp)


def _described(best: _Choice, out: BeatGrid, into: BeatGrid, relation: str | None) -> Transition:
    scores = {"score": best.score, **best.parts}
    places_s = {
        "out_at_s": float(out.beats_s[best.out_at]),
        "in_at_s": float(into.beats_s[best.in_at]),
        "length_s": best.length * out.period_s,
    }
    if relation is None:
        return Transition(
            **scores, **places_s, out_at_beat=None, in_at_beat=None, length_beats=None, tempo_change_percent=None
        )
    per_beat = {"same": 1.0, "double": 2.0, "half": 0.5}[relation]
    return Transition(
        **scores,
        **places_s,
        out_at_beat=out.first_beat + best.out_at,
        in_at_beat=into.first_beat + round(best.in_at * per_beat),
        length_beats=best.length,
        tempo_change_percent=100 * (into.period_s / out.period_s - 1),
    )


def _cut(outgoing: AudioDescription, incoming: AudioDescription) -> Transition:
    """One after the other, where one of them is too short for any crossfade."""
    end_s = outgoing.outro.start_s + outgoing.outro.seconds
    return Transition(0.5, 1.0, 0.5, 0.5, 0.0, end_s, incoming.intro.start_s, 0.0, None, None, None, None)
