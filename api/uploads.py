"""Reading an import request: a multipart form with a file, or JSON. Receiving is async, parsing belongs in a thread."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.schemas.imports import FileForm, TrackList
from core.settings import ImportSettings
from services.playlists.reader import PlaylistFile, parse_playlist, rows_from_objects

FORM, JSON = "multipart/form-data", "application/json"
_MAX_FIELDS = 16
_UNNAMED = "Imported playlist"


@dataclass(frozen=True, slots=True)
class Submission:
    """A playlist somebody wants imported, parsed."""

    user_id: int
    name: str
    playlist: PlaylistFile


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A received form."""

    user_id: int
    name: str | None
    filename: str
    data: bytes

    def parse(self, limits: ImportSettings) -> Submission:
        """Read the file. Raises `PermanentError` for a file that cannot be used."""
        playlist = parse_playlist(self.data, self.filename, limits)
        return Submission(self.user_id, self.name or playlist.name or _UNNAMED, playlist)


@dataclass(frozen=True, slots=True)
class JsonUpload:
    """A received JSON body."""

    body: bytes

    def parse(self, limits: ImportSettings) -> Submission:
        """Read the tracks. Raises `RequestValidationError`, or `PermanentError` where no track can be used."""
        try:
            request = TrackList.model_validate_json(self.body)
        except ValidationError as error:
            raise _invalid(error) from None
        return Submission(request.user_id, request.name, rows_from_objects(request.tracks, limits))


async def receive(request: Request) -> FileUpload | JsonUpload:
    """Receive the body of an import request.

    Raises
    ------
    HTTPException
        415 for another content type.
    RequestValidationError
        The form is broken, or a field of it is missing or does not fit.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == JSON:
        return JsonUpload(await request.body())
    if content_type == FORM:
        return await _receive_form(request)
    raise HTTPException(415, f"Send {FORM} or {JSON}")


async def _receive_form(request: Request) -> FileUpload:
    try:
        async with request.form(max_files=1, max_fields=_MAX_FIELDS) as fields:
            form = FileForm.model_validate(dict(fields))
            return FileUpload(form.user_id, form.name, form.file.filename or "upload", await form.file.read())
    except ValidationError as error:
        raise _invalid(error) from None
    except HTTPException as error:
        raise RequestValidationError([{"loc": ("body",), "msg": error.detail, "type": "form_invalid"}]) from None


def _invalid(error: ValidationError) -> RequestValidationError:
    """The same errors, located in the body; the input itself is not repeated."""
    errors: list[dict[str, Any]] = [
        {"loc": ("body", *item["loc"]), "msg": item["msg"], "type": item["type"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return RequestValidationError(errors)
