"""The OpenAPI document: which problems an endpoint answers with, and the schemas FastAPI cannot find by itself."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.problems import MEDIA_TYPE, Problem, problem
from api.schemas.imports import FileForm, TrackList
from core.error_codes import ERROR_CODES

_REF = "#/components/schemas/{model}"
_ALWAYS = ("invalid-request", "unexpected", "database-unavailable")


def ref(model: type[BaseModel]) -> dict[str, str]:
    """A reference to a model's schema."""
    return {"$ref": _REF.format(model=model.__name__)}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that can fail with these codes and those that any endpoint can."""
    by_status: dict[int | str, list[str]] = {}
    for code in (*codes, *_ALWAYS):
        by_status.setdefault(ERROR_CODES[code].status, []).append(code)
    return {status: problem_content(codes_of_status) for status, codes_of_status in by_status.items()}


def problem_content(codes: Sequence[str], status: int | None = None) -> dict[str, Any]:
    """One entry of an endpoint's `responses`, with an example for each code; `status` where it is not the code's."""
    examples = {
        code: {"value": problem(code, ERROR_CODES[code].meaning, "/api/...", status).model_dump(exclude_none=True)}
        for code in codes
    }
    return {
        "description": " ".join(ERROR_CODES[code].meaning for code in codes),
        "content": {MEDIA_TYPE: {"schema": ref(Problem), "examples": examples}},
    }


class DocumentedApi(FastAPI):
    """A FastAPI application whose document also holds the schemas that `ref` names."""

    def openapi(self) -> dict[str, Any]:
        """The document, built once."""
        if not self.openapi_schema:
            _, extra = models_json_schema(
                [(Problem, "serialization"), (FileForm, "validation"), (TrackList, "validation")], ref_template=_REF
            )
            document = super().openapi()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(extra["$defs"])
        return self.openapi_schema or {}
