"""What a track tells in numbers: year, duration, flags in its title and album, and the look of its texts."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.tracks import TrackBatch
from models.predictors.blend.names import plain
from models.predictors.blend.tokens import words

# Words that tell a kind of recording; in a title or in the name of an album.
_FLAG_WORDS: dict[str, str] = {
    "live": "live vivo unplugged concert",
    "remix": "remix remixed mix rework bootleg vip dub",
    "acoustic": "acoustic acustico acustica stripped piano",
    "instrumental": "instrumental karaoke backing",
    "remaster": "remaster remastered mono stereo",
    "edit": "edit",
    "extended": "extended original club 12",
    "version": "version",
    "guest": "feat ft featuring with",
    "demo": "demo take outtake session sessions",
    "interlude": "interlude intro outro skit prelude",
    "classical": "op no concerto sonata symphony minor major suite movement allegro adagio bwv andante opus",
    "christmas": "christmas noel santa jingle snow xmas",
    "soundtrack": "soundtrack theme ost motion picture",
    "calm": "rain sleep noise ocean meditation relax lullaby calm waves",
    "part": "pt part vol",
}
FLAGS = tuple(_FLAG_WORDS)
_FLAG_OF_WORD = {word: flag for flag, listed in enumerate(_FLAG_WORDS.values()) for word in listed.split()}

_TEXT_COLUMNS = (
    *("title length", "title words", "upper case", "all lower case", "not ascii", "east asian", "digits"),
    *("artist words", "the", "various", "title is album", "artist in album"),
)
#: The columns of `numbers`.
NUMBERS = (
    *("year", "year known", "decade alone", "log duration", "explicit", "genres", "looked-up genres", "credits"),
    "album known",
    *(f"title {flag}" for flag in FLAGS),
    *(f"album {flag}" for flag in FLAGS),
    *_TEXT_COLUMNS,
)
_AT = {name: column for column, name in enumerate(NUMBERS)}
_FLAG_COLUMNS = slice(_AT[f"title {FLAGS[0]}"], _AT[f"album {FLAGS[-1]}"] + 1)

# A decade is taken for its middle.
_MID_DECADE = 4.5
_YEARS = (1900, 2100)
_DURATIONS_MS = (1_000, 36_000_000)

_YEAR_KNOTS = np.array(
    [*(1900, 1940), *range(1950, 2000, 5), *range(2000, 2017, 4), *range(2018, 2025, 2)],
    dtype=np.float64,
)
_DURATION_KNOTS = np.log([20, 60, 90, 120, 150, 180, 200, 220, 240, 270, 300, 360, 420, 500, 700, 1500])
_FLAG_WEIGHT = 0.7


def numbers(
    tracks: TrackBatch, credited: Sequence[tuple[str, ...]], looked_up: Sequence[tuple[str, ...]]
) -> NDArray[np.float32]:
    """The columns `NUMBERS` of n tracks, [n, len(NUMBERS)]; NaN where unknown.

    `credited` and `looked_up` hold the credits and the genres of the leading artist of each track.
    """
    year = _years(tracks)
    facts = [
        year,
        [known is not None for known in tracks.release_year],
        [
            known is None and decade is not None
            for known, decade in zip(tracks.release_year, tracks.decade, strict=True)
        ],
        _log_durations(tracks),
        [np.nan if value is None else float(value) for value in tracks.explicit],
        [len(genres) for genres in tracks.genres],
        [len(genres) for genres in looked_up],
        [len(names) for names in credited],
        [bool(album and album.strip()) for album in tracks.album],
    ]
    texts = [
        _flags(plain(title)) + _flags(plain(album or "")) + _look(title, plain(album or ""), names[0])
        for title, album, names in zip(tracks.title, tracks.album, credited, strict=True)
    ]
    columns = np.array(facts, dtype=np.float32).T.reshape(len(tracks), len(facts))
    of_texts = np.array(texts, dtype=np.float32).reshape(len(tracks), len(NUMBERS) - len(facts))
    return np.hstack([columns, of_texts])


def splines(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Piecewise linear bases of year and duration, and flags, of [n, len(NUMBERS)] numbers: what a linear model needs.

    A missing value is zero in all its bases. Exact years and mere decades have bases of their own.
    """
    year = _hats(columns[:, _AT["year"]], _YEAR_KNOTS)
    parts = [
        year * columns[:, [_AT["year known"]]],
        year * columns[:, [_AT["decade alone"]]],
        _hats(columns[:, _AT["log duration"]], _DURATION_KNOTS),
        columns[:, _FLAG_COLUMNS] * _FLAG_WEIGHT,
        columns[:, [_AT["genres"], _AT["looked-up genres"]]] > 0,
        columns[:, [_AT["album known"]]],
        columns[:, [_AT["explicit"]]] == 1,
        np.ones((len(columns), 1)),
    ]
    return np.hstack(parts).astype(np.float32)


def years(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The year of each row, the middle of its decade where only that is known, NaN where neither is, [n]."""
    return columns[:, _AT["year"]]


def _years(tracks: TrackBatch) -> NDArray[np.float64]:
    year = np.array(tracks.release_year, dtype=np.float64)
    decade = np.array(tracks.decade, dtype=np.float64) + _MID_DECADE
    return np.clip(np.where(np.isnan(year), decade, year), *_YEARS)


def _log_durations(tracks: TrackBatch) -> NDArray[np.float64]:
    """Logarithm of seconds; a duration of zero is unknown."""
    duration = np.array(tracks.duration_ms, dtype=np.float64)
    known = duration > 0
    return np.where(known, np.log(np.clip(np.where(known, duration, 1), *_DURATIONS_MS) / 1000), np.nan)


@lru_cache(maxsize=1 << 15)
def _flags(text: str) -> tuple[float, ...]:
    found = {flag for word in words(text) if (flag := _FLAG_OF_WORD.get(word)) is not None}
    return tuple(float(flag in found) for flag in range(len(FLAGS)))


def _look(title: str, album: str, lead: str) -> tuple[float, ...]:
    """The columns `_TEXT_COLUMNS`; `album` and `lead` are plain."""
    name = plain(title)
    n = max(1, len(title))
    return (
        float(len(name)),
        float(len(words(name))),
        sum(map(str.isupper, title)) / n,
        float(title == title.lower()),
        0.0 if title.isascii() else sum(char > "\x7f" for char in title) / n,
        0.0 if title.isascii() else sum(char > "\u2e80" for char in title) / n,
        float(sum(map(str.isdigit, title))),
        float(len(lead.split())),
        float(lead.startswith("the ")),
        float("various" in lead),
        float(bool(album) and album.split(" (")[0].split(" - ")[0] == name),
        float(bool(lead) and lead in album),
    )


def _hats(values: NDArray[np.float32], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation weights of [n] values between knots, [n, knots]; rows of zeros for NaN."""
    known = ~np.isnan(values)
    inside = np.clip(np.where(known, values, knots[0]), knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    share = (inside - knots[left]) / (knots[left + 1] - knots[left])
    bases = np.zeros((len(values), len(knots)))
    rows = np.arange(len(values))
    bases[rows, left] = (1 - share) * known
    bases[rows, left + 1] = share * known
    return bases
