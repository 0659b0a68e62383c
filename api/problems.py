"""Errors as `application/problem+json` (RFC 9457), with the stable codes of `core.errors`."""

import math
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.schemas.imports import RejectedRow
from core.error_codes import ERROR_CODES
from core.errors import MusicSpaceError, RetryableError
from core.telemetry import get_logger
from services.playlists.reader import NoUsableRowsError

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5.0
MAX_REJECTS = 100

# Errors of HTTP itself, which carry a status and no code of ours.
_CODES_BY_STATUS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "file-too-large",
}


class FieldProblem(BaseModel):
    """One part of a request that does not fit."""

    field: str = Field(description="Where it stands: `body.user_id`, `query.limit`, `path.job_id`.")
    detail: str


class Problem(BaseModel):
    """What went wrong. Programs read `code`; people read `detail` and `remedy`."""

    type: str = Field(description="`urn:musicspace:error:` and the code.")
    title: str = Field(description="What the code means.")
    status: int
    detail: str = Field(description="What happened this time.")
    code: str = Field(description="Stable, one of those in docs/ERRORS.md.")
    instance: str = Field(description="The path of the request.")
    remedy: str = Field(description="What to do about it.")
    request_id: str | None = Field(None, description="Finds the request in the logs; also in `X-Request-ID`.")
    errors: list[FieldProblem] | None = Field(None, description="For `invalid-request`: the parts that do not fit.")
    rejects: list[RejectedRow] | None = Field(None, description="For `no-usable-rows`: the first rejected rows.")

    model_config = ConfigDict(extra="forbid")


def problem(code: str, detail: str, instance: str, status: int | None = None, **more: Any) -> Problem:
    """The problem of a code; its status is the one of `ERROR_CODES` unless HTTP itself asks for another."""
    info = ERROR_CODES[code]
    return Problem(
        type=f"urn:musicspace:error:{code}",
        title=info.meaning,
        status=status or info.status,
        detail=detail,
        code=code,
        instance=instance,
        remedy=info.remedy,
        **more,
    )


def problem_response(
    request: Request,
    code: str,
    detail: str,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """The answer to a request that failed."""
    request_id = getattr(request.state, "request_id", None)
    body = problem(code, detail, quote(request.scope["path"]), status, request_id=request_id, **more)
    return JSONResponse(
        body.model_dump(exclude_none=True), status_code=body.status, headers=headers, media_type=MEDIA_TYPE
    )


def unexpected(request: Request) -> JSONResponse:
    """The answer to a request that met a bug; what happened is in the log, under the request id."""
    return problem_response(request, "unexpected", "The request failed for a reason nobody classified.")


def answer_with_problems(app: FastAPI) -> None:
    """Turn typed errors, invalid requests and the errors of routing into problems."""
    app.add_exception_handler(MusicSpaceError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MusicSpaceError)
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if isinstance(error, RetryableError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s or RETRY_AFTER_S))
    if isinstance(error, NoUsableRowsError):
        more["rejects"] = [RejectedRow.of(reject) for reject in error.rejects[:MAX_REJECTS]]
    if ERROR_CODES[error.code].status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_refused", code=error.code, reason=error.message)
    return problem_response(request, error.code, error.message, headers=headers, **more)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [FieldProblem(field=".".join(map(str, item["loc"])), detail=item["msg"]) for item in error.errors()]
    detail = "; ".join(f"{item.field}: {item.detail}" for item in errors[:3])
    return problem_response(request, "invalid-request", detail, errors=errors)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    fallback = "invalid-request" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "unexpected"
    code = _CODES_BY_STATUS.get(error.status_code, fallback)
    headers = dict(error.headers) if error.headers else None
    detail = f"{error.detail.rstrip('.')}: {request.method} {quote(request.scope['path'])}."
    return problem_response(request, code, detail, status=error.status_code, headers=headers)
