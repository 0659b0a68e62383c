"""Imports: what is sent, what comes back."""

import unicodedata
from dataclasses import asdict
from typing import Annotated, Any, Self

from fastapi import UploadFile
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from api.schemas.links import JobLinks
from core.ids import MAX_ID
from services.playlists.reader import MAX_NAME_LENGTH
from services.playlists.rejects import Reject

_TRACKS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["artist", "title"],
        "description": "Keys as in the columns of a CSV file, or a track object of the Spotify Web API.",
        "additionalProperties": True,
    },
}

TRACK_LIST_EXAMPLE: dict[str, Any] = {
    "user_id": 1,
    "name": "Morning",
    "tracks": [
        {"artist": "아이유", "title": "밤편지", "album": "Palette", "duration_ms": 253000},
        {"artist": "Nina Simone", "title": "Feeling Good"},
    ],
}


def _storable(name: str) -> str:
    """The name in NFC. Control characters and half characters are refused, emoji and their joiners are not."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise ValueError("Control characters and lone surrogates are not allowed")
    return unicodedata.normalize("NFC", name)


def _none_if_blank(name: Any) -> Any:
    """Forms send an empty text for a field left empty."""
    return None if isinstance(name, str) and not name.strip() else name


PlaylistName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_LENGTH),
    AfterValidator(_storable),
]


class FileForm(BaseModel):
    """A playlist file and whose it is."""

    file: UploadFile = Field(description="CSV (Exportify or plain), JSON, M3U or M3U8.")
    user_id: int = Field(ge=1, le=MAX_ID, description="The platform's id of the user.")
    name: Annotated[PlaylistName | None, BeforeValidator(_none_if_blank)] = Field(
        None, description="Name of the playlist; by default the one in the file, else the file's own."
    )


class TrackList(BaseModel):
    """A playlist as JSON."""

    user_id: int = Field(ge=1, le=MAX_ID, strict=True, description="The platform's id of the user.")
    name: PlaylistName = Field(description="Name of the playlist.")
    tracks: Annotated[list[Any], WithJsonSchema(_TRACKS_SCHEMA)] = Field(description="The tracks, in their order.")

    model_config = ConfigDict(json_schema_extra={"examples": [TRACK_LIST_EXAMPLE]})


class RejectedRow(BaseModel):
    """A row that was not imported as a track of its own."""

    line: int = Field(description="Line of the file; for JSON the 1-based position in the list.")
    reason: str = Field(description="Stable, such as `blank-title` or `duplicate`.")
    detail: str
    text: str = Field(description="The row itself, shortened.")

    @classmethod
    def of(cls, reject: Reject) -> Self:
        """The row as the reader reported it."""
        return cls(**asdict(reject))


class ImportAccepted(BaseModel):
    """What an import did; the enrichment of its tracks goes on as a job."""

    job_id: int
    playlist_id: int
    playlist: str = Field(description="Name of the playlist.")
    rows: int = Field(description="Rows seen.")
    rejected: int = Field(description="Rows left out, duplicates included.")
    rejects: dict[str, int] = Field(description="Rejected rows by reason.")
    new_tracks: int
    known_tracks: int
    added_to_playlist: int
    measured: int = Field(description="Tracks that came with measured features.")
    enqueued: int = Field(description="Tracks handed to enrichment.")
    in_progress: int = Field(description="Tracks another job enriches at this moment.")
    shared_jobs: list[int] = Field(description="Those other jobs.")
    analyze_job: int | None = Field(None, description="The job that listens to the audio of the tracks, if any has.")
    rejected_rows: list[RejectedRow] = Field(description="The first 100 rejected rows.")
    links: JobLinks

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": 42,
                    "playlist_id": 3,
                    "playlist": "Morning",
                    "rows": 3,
                    "rejected": 1,
                    "rejects": {"blank-title": 1},
                    "new_tracks": 2,
                    "known_tracks": 0,
                    "added_to_playlist": 2,
                    "measured": 0,
                    "enqueued": 2,
                    "in_progress": 0,
                    "shared_jobs": [],
                    "analyze_job": None,
                    "rejected_rows": [
                        {"line": 4, "reason": "blank-title", "detail": "The row names no title.", "text": "IU,"}
                    ],
                    "links": JobLinks.of(42).model_dump(),
                }
            ]
        }
    )
