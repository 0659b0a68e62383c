"""One row of a playlist: from texts by field name to a validated `ImportRow`."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from core.identity import isrc, normalized_key, spotify_id
from services.playlists import values
from services.playlists.artists import join_artists
from services.playlists.rejects import RowError

# Zero-width space, word joiner and byte order mark, which spreadsheets and web pages leave around a text.
_INVISIBLE = "\u200b\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A track as a playlist file describes it; None, or nothing in `genres`, `moods` and `features`, means unknown."""

    line: int  #: Physical line where the row starts; in JSON the 1-based index of the element.
    artist: str  #: All artists, joined with ";".
    title: str
    album: str | None
    spotify_id: str | None
    isrc: str | None
    duration_ms: int | None
    release_year: int | None
    explicit: bool | None
    popularity: int | None  #: 0..100
    genres: tuple[str, ...]  #: Lower case, each once.
    moods: tuple[str, ...]  #: Lower case, each once.
    track_number: int | None  #: From 1.
    album_total_tracks: int | None
    features: dict[str, float]  #: Measured values by the names of `core.features.FEATURE_NAMES`, each inside its range.
    audio_uri: str | None
    key: str  #: `core.identity.normalized_key` of artist and title.


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row before validation."""

    line: int
    fields: Mapping[str, str]  #: Texts by the names of `columns.FIELD_NAMES`; unknown columns are left out.
    source: object  #: What the file held: cells, an object or a line; shown when the row is rejected.


@dataclass(frozen=True, slots=True)
class RowReader:
    """Turns raw rows into import rows under the limits of one file."""

    max_text_length: int
    commas_separate_artists: bool = True

    def read(self, raw: RawRow) -> ImportRow:
        """Validate one row.

        Raises
        ------
        RowError
            With the reason to report for this row.
        """
        get = raw.fields.get
        artist = self._artist(raw.fields)
        title = self._text("title", get("title", ""))
        if not artist:
            raise RowError("blank-artist", "The row names no artist.")
        if not title:
            raise RowError("blank-title", "The row names no title.")
        return ImportRow(
            line=raw.line,
            artist=artist,
            title=title,
            album=self._text("album", get("album", "")) or None,
            # Ids that do not parse are ignored: the artist and the title still find the track.
            spotify_id=spotify_id(get("spotify_id", "")),
            isrc=isrc(get("isrc", "")),
            duration_ms=values.duration_ms(raw.fields),
            release_year=values.release_year(get("release_year", "")),
            explicit=values.flag("explicit", get("explicit", "")),
            popularity=values.popularity(get("popularity", "")),
            genres=self._names("genre", get("genres", "")),
            moods=self._names("mood", get("moods", "")),
            track_number=values.track_number(get("track_number", "")),
            album_total_tracks=values.album_total_tracks(raw.fields),
            features=values.features(raw.fields),
            audio_uri=self._location(get("audio_uri", "")),
            key=normalized_key(artist, title),
        )

    def _artist(self, fields: Mapping[str, str]) -> str:
        cell = self._text("artist", fields.get("artist", ""))
        if "," not in cell and ";" not in cell:
            return cell
        n_ids = sum(map(bool, fields.get("artist_ids", "").replace(";", ",").split(",")))
        return join_artists(cell, n_ids, commas_separate=self.commas_separate_artists)

    def _text(self, field: str, text: str) -> str:
        """The text to store: NFC, because macOS writes Hangul and accents in pieces, and without control characters."""
        self._check_length(field, text)
        if not text.isprintable():
            check_characters(field, text)
            text = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
            text = text.strip().strip(_INVISIBLE)
        text = text.strip()
        return text if text.isascii() else unicodedata.normalize("NFC", text)

    def _names(self, field: str, text: str) -> tuple[str, ...]:
        """Genres or moods. The limit holds for each one: a track of many artists lists the genres of them all."""
        check_characters(f"{field}s", text)
        names = values.names(text)
        for name in names:
            self._check_length(field, name)
        return names

    def _location(self, text: str) -> str | None:
        """A path or URL as it stands: a file system may tell NFC and NFD apart."""
        self._check_length("path", text)
        check_characters("path", text)
        return text.strip() or None

    def _check_length(self, field: str, text: str) -> None:
        if len(text) > self.max_text_length:
            limit = f"{self.max_text_length} (MUSICSPACE_IMPORTS__MAX_TEXT_LENGTH)"
            raise RowError("too-long", f"The {field} has {len(text)} characters; the limit is {limit}.")


def check_characters(field: str, text: str) -> None:
    """Refuse what Postgres cannot store.

    Raises
    ------
    RowError
        The text holds a NUL character, or a lone surrogate: half a character, or a byte the decoder could not read.
    """
    if text.isprintable():
        return
    if "\x00" in text:
        raise RowError("nul-character", f"The {field} holds a NUL character.")
    if any(unicodedata.category(char) == "Cs" for char in text):
        raise RowError("undecodable", f"The {field} holds bytes that are no valid text in the file's encoding.")
