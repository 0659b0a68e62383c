"""Alive, and ready to work."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})


class Check(BaseModel):
    """The result of one check."""

    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether the whole system can work, check by check."""

    ready: bool
    checks: dict[str, Check] = Field(description="`postgres`, `schema`, `broker`, and `worker:<queue>` for each queue.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ready": False,
                    "checks": {
                        "postgres": {"ok": True, "detail": "PostgreSQL 18.1"},
                        "schema": {"ok": True, "detail": "revision 0001"},
                        "broker": {"ok": True, "detail": "Valkey 9.1.0"},
                        "worker:enrich": {"ok": True, "detail": "enrich@host-1:4711, seen 2 s ago"},
                        "worker:maintenance": {"ok": False, "detail": "nobody consumes this queue"},
                    },
                }
            ]
        }
    )
