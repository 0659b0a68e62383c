"""Metrics for Prometheus."""

from fastapi import APIRouter, Request, Response

from api.dependencies import AppSettings
from api.openapi import problem_content
from core.metrics import CONTENT_TYPE, exposition
from services.metrics import MetricsReader

router = APIRouter(tags=["health"], responses={500: problem_content(["unexpected"])})

_EXAMPLE = """# HELP musicspace_user_models Versions of users' models.
# TYPE musicspace_user_models gauge
musicspace_user_models{kind="m1",state="serving"} 1000.0
"""


@router.get(
    "/metrics",
    summary="Metrics in the text format of Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
)
def show_metrics(request: Request, settings: AppSettings) -> Response:
    """Models, trainings and live work are read from the database at most every ten seconds; no label names a user."""
    reader: MetricsReader = request.app.state.metrics
    return Response(exposition(reader.read(settings)), media_type=CONTENT_TYPE)
