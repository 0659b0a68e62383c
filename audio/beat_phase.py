"""Which part of a period is the beat: the kick, or the chord half a beat after it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from audio import beats_constants
from audio.spectra import Spectra

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Steps of a beat that levels are compared at.
STEPS = 12
_FEWEST_BEATS = 6
_CANDIDATES = 8
#: Steps of a beat that onsets are counted in, and how much each band says about where something is played at all.
_ONSET_STEPS = 24
_ONSET_WEIGHTS = np.array([1.0, 1.0, 1.0, 0.6])
#: Bands that levels are measured in, and which of them are kick, bass, chords and everything above.
_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 30, 35.0, 10_500.0
_PARTS = {"kick": slice(0, 3), "bass": slice(3, 8), "chords": slice(8, 20), "high": slice(20, 30)}
_CHANGING = {"bass": slice(0, 8), "chords": slice(8, 20), "high": slice(20, 30)}
#: Loudness grows with the logarithm of 1 + this many times the level; a band this far below the mean counts as empty.
_COMPRESSION, _FLOOR = 10.0, 0.02
#: Steps after a candidate that levels are read at.
_PLACES = (0, 1, 2, 3, 6, 9, 10, 11)
#: Beats before and after a moment that are compared, for notes and for harmony in bars of three and of four.
_NOTE_BEATS, _BAR_BEATS, _METERS = (1, 2), (2, 4), (3, 4)
#: Differences between phases that are smaller than these are taken for none.
_LEVEL_FLOOR, _NOTE_FLOOR, _BAR_FLOOR = 0.02, 0.01, 0.002

NAMES: tuple[str, ...] = (
    *(f"level {part} {place}/{STEPS}" for part in _PARTS for place in _PLACES),
    *(f"change {beats} {part}" for beats in _NOTE_BEATS for part in _CHANGING),
    *(f"bar {meter} change {beats} {part}" for beats in _BAR_BEATS for part in ("bass", "chords") for meter in _METERS),
)


def beat_phase(spectra: Spectra, onset_bands: Floats, grid: Floats) -> float:
    """The beat's distance from `grid` in beats, 0..1.

    A conditional logit (McFadden, 1974) chooses among the phases at which something is played, by how loud low and
    high sounds are at and after them, and by where notes and chords change, as downbeats are found by harmonic change
    (Goto, "An Audio-based Real-time Beat Tracking System", 2001). `grid` holds one frame per period, rising, in frames
    of `onset_bands` [4, frames].
    """
    grid = grid[(grid >= 0) & (grid <= onset_bands.shape[1] - 1)]
    if len(grid) < _FEWEST_BEATS:
        return 0.0
    phases = candidate_phases(onset_bands, grid)
    if not len(phases):
        return 0.0
    scores = features(spectra, grid, phases) @ np.array(beats_constants.WEIGHTS)
    return float(phases[np.argmax(scores)])


def candidate_phases(onset_bands: Floats, grid: Floats) -> Floats:
    """Phases in beats at which onsets gather, the strongest first."""
    onsets = _folded(_warped(_ONSET_WEIGHTS @ onset_bands, grid, _ONSET_STEPS), 0, _ONSET_STEPS)
    peaks = np.flatnonzero((onsets >= np.roll(onsets, 1)) & (onsets > np.roll(onsets, -1)))
    strongest = peaks[np.argsort(-onsets[peaks], kind="stable")[:_CANDIDATES]]
    return np.asarray(strongest / _ONSET_STEPS)


def features(spectra: Spectra, grid: Floats, phases: Floats) -> Floats:
    """What speaks for each phase, float64 [phases, len(NAMES)]; every feature is relative to the other phases."""
    loudness = _warped(_loudness(spectra), grid * (spectra.frame_rate_hz / spectra.onset_rate_hz), STEPS)
    at = np.round(phases * STEPS).astype(np.int64)
    columns: list[Floats] = []
    for part in _PARTS.values():
        level = _relative(_folded(loudness[part].mean(axis=0), 0, STEPS), _LEVEL_FLOOR)
        columns += [level[(at + place) % STEPS] for place in _PLACES]
    sums = np.pad(np.cumsum(loudness, axis=1), ((0, 0), (1, 0)))
    changes = {beats: _changes(sums, beats * STEPS) for beats in {*_NOTE_BEATS, *_BAR_BEATS}}
    for beats in _NOTE_BEATS:
        for part in _CHANGING.values():
            change = _relative(_folded(changes[beats][part].mean(axis=0), beats * STEPS, STEPS), _NOTE_FLOOR)
            columns.append(change[at % STEPS])
    for beats in _BAR_BEATS:
        for name in ("bass", "chords"):
            change = changes[beats][_CHANGING[name]].mean(axis=0)
            for meter in _METERS:
                bar = _relative(_folded(change, beats * STEPS, meter * STEPS), _BAR_FLOOR)
                # Which beat of the bar the harmony changes on is not known: the one it changes on most.
                columns.append(bar.reshape(meter, STEPS).max(axis=0)[at % STEPS])
    return np.stack(columns, axis=1)


def _loudness(spectra: Spectra) -> Floats:
    """Compressed level of each band, relative to its own mean, [bands, frames]."""
    levels: NDArray[np.float32] = spectra.magnitude @ _bank(spectra.n_fft, spectra.frequencies_hz[1].item())
    means = levels.mean(axis=0)
    levels /= np.maximum(means, _FLOOR * means.mean()) + np.float32(1e-9)
    return np.asarray(np.log1p(np.float32(_COMPRESSION) * levels).T, dtype=np.float64)


@cache
def _bank(n_fft: int, bin_hz: float) -> NDArray[np.float32]:
    """Means over bands of logarithmic width, at least one bin each, [bins, bands]."""
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1) / bin_hz
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    bins = np.arange(n_fft // 2 + 1)[:, None]
    overlap: Floats = np.clip(np.minimum(bins + 0.5, edges[1:]) - np.maximum(bins - 0.5, edges[:-1]), 0, 1)
    bank: NDArray[np.float32] = (overlap / np.maximum(overlap.sum(axis=0), 1e-9)).astype(np.float32)
    return bank


def _warped(values: Floats, grid: Floats, steps: int) -> Floats:
    """`values` [..., frames] at so many steps in each period of the grid, linearly interpolated."""
    count = (len(grid) - 1) * steps
    position = np.interp(np.arange(count) / steps, np.arange(len(grid)), grid)
    index = np.clip(position.astype(np.int64), 0, max(values.shape[-1] - 2, 0))
    part = np.clip(position - index, 0, 1)
    result: Floats = values[..., index] * (1 - part) + values[..., index + 1] * part
    return result


def _changes(sums: Floats, width: int) -> Floats:
    """How much each band's mean over `width` steps differs from that over the steps before, from step `width` on."""
    means = (sums[:, width:] - sums[:, :-width]) / width
    result: Floats = np.abs(means[:, width:] - means[:, :-width])
    return result


def _folded(values: Floats, first: int, length: int) -> Floats:
    """Means of the values of steps `first`, `first + 1`, ... that are a multiple of `length` apart, [length].

    Steps that nothing is known of get the mean of all.
    """
    place = (first + np.arange(len(values))) % length
    count = np.bincount(place, minlength=length)
    mean = values.mean() if len(values) else 0.0
    means = np.bincount(place, weights=values, minlength=length) / np.maximum(count, 1)
    return np.where(count > 0, means, mean)


def _relative(values: Floats, floor: float) -> Floats:
    """Values less their mean, in deviations."""
    result: Floats = (values - values.mean()) / (values.std() + floor)
    return result
