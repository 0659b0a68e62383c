"""Optional cells as typed values: numbers, durations, years, flags, lists of names, features.

Every function takes the text of a cell and returns None (or nothing) for a blank one. A text that is there and cannot
be read raises `RowError`: a person who sees "9l" rejected can mend it, a silently dropped value is lost.
"""

import math
import re
from collections.abc import Mapping
from datetime import timedelta

from core.features import FEATURES
from services.playlists.rejects import RowError, shorten

# What programs write for "nothing".
_BLANK_WORDS = frozenset({"", "-", "null", "none", "nan", "na", "n/a", "undefined"})
_TRUE_WORDS = frozenset({"true", "1", "yes", "1.0"})
_FALSE_WORDS = frozenset({"false", "0", "no", "0.0"})

MAX_DURATION_MS = int(timedelta(days=1).total_seconds() * 1000)
# A plain number in a column that names no unit: nobody lists a track of ten seconds, nor one of three hours.
_SMALLEST_MILLISECONDS = 10_000
FIRST_YEAR, LAST_YEAR = 1860, 2100
# An audiobook has hundreds of tracks; a number beyond this is a year, an id or a slip.
MAX_TRACKS = 1_000

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})(?:\.\d+)?", re.ASCII)
_YEAR = re.compile(r"(?<!\d)(\d{4})(?:\d{4})?(?!\d)", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_NAME_SEPARATOR = re.compile(r"[,;|]")


def is_blank(text: str) -> bool:
    """Whether an optional cell holds nothing, or a program's word for nothing."""
    return text.strip().casefold() in _BLANK_WORDS


def number(field: str, text: str) -> float | None:
    """A finite or infinite number; a decimal comma is understood."""
    try:
        value = float(text)
    except ValueError:
        return _unusual_number(field, text)
    return None if math.isnan(value) else value


def _unusual_number(field: str, text: str) -> float | None:
    if is_blank(text):
        return None
    if _DECIMAL_COMMA.fullmatch(text.strip()):
        return float(text.replace(",", "."))
    raise _unreadable(field, text, "is not a number")


def popularity(text: str) -> int | None:
    """Spotify's popularity, a whole number in 0..100."""
    return _whole_number("popularity", text, 100)


def track_number(text: str) -> int | None:
    """The position on the album; of "4/12", as tags of audio files have it, the 4. 0 means unknown."""
    if is_blank(text):
        return None
    return _whole_number("track number", text.partition("/")[0], MAX_TRACKS) or None


def album_total_tracks(fields: Mapping[str, str]) -> int | None:
    """How many tracks the album has, from a column of its own or from a track number like "4/12"; 0 means unknown."""
    text = fields.get("album_total_tracks", "")
    if is_blank(text):
        number_of_total = fields.get("track_number", "")
        text = "" if is_blank(number_of_total) else number_of_total.partition("/")[2]
    return _whole_number("number of tracks on the album", text, MAX_TRACKS) or None if text else None


def _whole_number(field: str, text: str, highest: int) -> int | None:
    value = number(field, text)
    if value is None:
        return None
    if not 0 <= value <= highest:
        raise _outside(field, text, f"0..{highest}")
    if not value.is_integer():
        raise _unreadable(field, text, "is not a whole number")
    return int(value)


def duration_ms(fields: Mapping[str, str]) -> int | None:
    """The duration in milliseconds, whichever of the duration columns the row has; 0 means unknown."""
    milliseconds = _duration(fields)
    if milliseconds is None:
        return None
    if not 0 <= milliseconds <= MAX_DURATION_MS:
        raise RowError(
            "out-of-range", f"The duration is {milliseconds:g} ms; it must lie within 0..{MAX_DURATION_MS} ms."
        )
    return round(milliseconds) or None


def _duration(fields: Mapping[str, str]) -> float | None:
    if text := fields.get("duration_ms"):
        return number("duration", text)
    if text := fields.get("duration_s"):
        seconds = number("duration", text)
        return None if seconds is None else seconds * 1000
    text = fields.get("duration", "")
    if ":" in text:
        return _clock_ms(text)
    value = number("duration", text)
    return value if value is None or value >= _SMALLEST_MILLISECONDS else value * 1000


def _clock_ms(text: str) -> float:
    """Milliseconds of "3:45" or "1:02:03"."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise _unreadable("duration", text, "is not a duration such as 3:45")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 1000.0 * (3600 * hours + 60 * minutes + seconds)


def release_year(text: str) -> int | None:
    """The year of a date in any order; a year of 0000 means unknown."""
    if is_blank(text) or text.strip() == "0":
        return None
    match = _YEAR.search(text)
    if match is None:
        raise _unreadable("release date", text, "holds no four-digit year")
    year = int(match[1])
    if year and not FIRST_YEAR <= year <= LAST_YEAR:
        raise _outside("release year", text, f"{FIRST_YEAR}..{LAST_YEAR}")
    return year or None


def flag(field: str, text: str) -> bool | None:
    """True for true, yes and 1, False for false, no and 0."""
    word = text.strip().casefold()
    if word in _BLANK_WORDS:
        return None
    if word in _FALSE_WORDS:
        return False
    if word in _TRUE_WORDS:
        return True
    raise RowError("bad-flag", f"The {field} column holds {shorten(text)!r}; it takes true or false.")


def names(text: str) -> tuple[str, ...]:
    """Genres or moods: lower case, separated by comma, semicolon or bar, each once, in the order of the file."""
    if not text:
        return ()
    cleaned = [" ".join(name.split()) for name in _NAME_SEPARATOR.split(text.casefold())]
    return tuple(dict.fromkeys(filter(None, cleaned)))


def features(fields: Mapping[str, str]) -> dict[str, float]:
    """The measured audio features of a row, each inside its range.

    Zero in every column, and a tempo of zero, are how Spotify says that it has no analysis; they count as absent.
    """
    values: dict[str, float] = {}
    for feature in FEATURES:
        text = fields.get(feature.name, "")
        value = number(feature.name, text) if text else None
        if value is None:
            continue
        if not feature.low <= value <= feature.high:
            raise _outside(feature.name, text, f"{feature.low:g}..{feature.high:g}")
        values[feature.name] = value
    if len(values) > 1 and not any(values.values()):
        return {}
    if values.get("tempo") == 0:
        del values["tempo"]
    return values


def _unreadable(field: str, text: str, problem: str) -> RowError:
    return RowError("bad-number", f"The {field} {shorten(text)!r} {problem}.")


def _outside(field: str, text: str, span: str) -> RowError:
    return RowError("out-of-range", f"The {field} {shorten(text)!r} is outside {span}.")
