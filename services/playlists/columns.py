"""Which column, or JSON key, holds which field."""

from collections.abc import Sequence
from functools import lru_cache

from core.features import FEATURE_NAMES

# Names as `plain_name` leaves them, the best one first: a file with both "Artist Name(s)" and "Album Artist Name(s)"
# means the former.
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "artist": (
        "artistnames",
        "artistname",
        "artists",
        "artist",
        "trackartists",
        "trackartist",
        "performers",
        "performer",
        "아티스트",
        "가수",
        "albumartistnames",
        "albumartist",
    ),
    "title": (
        "trackname",
        "tracktitle",
        "title",
        "songtitle",
        "songname",
        "song",
        "제목",
        "곡명",
        "노래",
        "name",
        "track",
    ),
    "album": ("albumname", "albumtitle", "album", "release", "앨범"),
    "spotify_id": (
        "trackuri",
        "spotifyid",
        "spotifyuri",
        "spotifytrackid",
        "spotifytrackuri",
        "spotifyurl",
        "trackid",
        "trackurl",
        "uri",
        "url",
        "id",
    ),
    "isrc": ("isrc", "isrccode", "trackisrc"),
    "artist_ids": ("artisturis", "artistids", "artisturi", "artistid"),
    "duration_ms": ("durationms", "trackdurationms", "lengthms", "durationmillis", "durationmilliseconds"),
    "duration_s": ("durations", "durationsec", "durationsecs", "durationseconds", "lengthseconds", "seconds"),
    "duration": ("duration", "trackduration", "time", "length", "tracklength", "재생시간"),
    "release_year": (
        "releaseyear",
        "year",
        "releasedate",
        "albumreleasedate",
        "originalreleasedate",
        "date",
        "발매일",
        "연도",
    ),
    "explicit": ("explicit", "isexplicit"),
    "popularity": ("popularity", "trackpopularity"),
    "genres": ("genres", "genre", "artistgenres", "trackgenres", "albumgenres", "장르"),
    "moods": ("moods", "mood", "moodtags", "분위기"),
    "track_number": ("tracknumber", "tracknum", "trackno", "trackposition", "트랙번호"),
    "album_total_tracks": ("albumtotaltracks", "albumtracktotal", "albumtrackcount", "totaltracks", "tracktotal"),
    "audio_uri": ("audiouri", "path", "filepath", "file", "filename", "location"),
    **{name: (name,) for name in FEATURE_NAMES},
    "tempo": ("tempo", "tempobpm", "bpm"),
    "loudness": ("loudness", "loudnessdb"),
}

REQUIRED = ("artist", "title")

_RANKS: dict[str, tuple[str, int]] = {
    name: (field, rank) for field, names in FIELD_NAMES.items() for rank, name in enumerate(names)
}


@lru_cache(maxsize=1024)
def plain_name(header: str) -> str:
    """A header reduced to its letters and digits: "Artist Name(s)" and "artist_names" are the same column."""
    return "".join(filter(str.isalnum, header.casefold()))


def match_columns(headers: Sequence[str]) -> dict[str, int]:
    """The position of the best column for each known field; unknown columns are left out."""
    best: dict[str, tuple[int, int]] = {}
    for position, header in enumerate(headers):
        field, rank = _RANKS.get(plain_name(header), (None, 0))
        if field is not None and (field not in best or rank < best[field][0]):
            best[field] = (rank, position)
    return {field: position for field, (_, position) in best.items()}


def is_exportify(headers: Sequence[str]) -> bool:
    """Whether both Exportify generators could have written this header."""
    names = {plain_name(header) for header in headers}
    return {"trackname", "artistnames"} <= names and not names.isdisjoint({"trackuri", "spotifyid"})
