"""The application: `create_app(settings)`. Building it connects to nothing."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.middleware import Middleware

from api.limits import BodyLimit
from api.openapi import DocumentedApi
from api.problems import answer_with_problems
from api.request_log import RequestLog
from api.routes import (
    audio,
    content,
    dj,
    enrichment,
    health,
    interactions,
    job_events,
    jobs,
    look_ups,
    metrics,
    model_life,
    model_usage,
    models,
    playlists,
    providers,
    recommend,
    tracks,
    user_models,
    users,
    work_items,
)
from core.settings import Settings
from integrations.exposure import check_key_setting
from services.dj.library_cache import LibraryCache
from services.metrics import MetricsReader

# Together below the 20 connections of the database pool, so that no endpoint waits for one.
THREADS = 14
IMPORT_THREADS = 4

_DESCRIPTION = """
MusicSpace fills the nine audio features of playlists, with source and confidence, through a distributed worker system.

Import a playlist, follow its job, read its tracks. Writes need the `X-API-Key` header unless the server runs in the
embedded default on loopback. Errors are `application/problem+json` with a stable `code`.
"""
_TAGS = [
    {"name": "playlists", "description": "Import."},
    {"name": "enrichment", "description": "The whole library."},
    {"name": "jobs", "description": "What was asked for, and how far it is."},
    {"name": "work items", "description": "The units of work, for operators."},
    {"name": "audio", "description": "What is heard in the audio files of tracks."},
    {"name": "tracks", "description": "Features with source and confidence."},
    {"name": "dj", "description": "What to play next, whole sets, and what listeners made of them."},
    {"name": "models", "description": "Versions of the predictors: train, promote, roll back."},
    {"name": "personal", "description": "What users do, their models, and what these recommend."},
    {"name": "providers", "description": "Those who are asked about tracks: limits, spend, state."},
    {"name": "health", "description": "For load balancers and people."},
]


def create_app(settings: Settings) -> FastAPI:
    """The API under these settings.

    Raises
    ------
    ConfigurationError
        `invalid-settings`: it would let anybody write, because MUSICSPACE_API__KEY is not set.
    """
    check_key_setting(settings)
    app = DocumentedApi(
        title="MusicSpace",
        version=version("musicspace"),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=_lifespan,
        middleware=[Middleware(RequestLog), Middleware(BodyLimit, max_bytes=settings.imports.max_bytes)],
    )
    app.state.settings = settings
    app.state.import_limiter = CapacityLimiter(IMPORT_THREADS)
    #: Reads nothing before the first question to the DJ.
    app.state.dj_library = LibraryCache()
    app.state.metrics = MetricsReader()
    #: Set when the server begins to stop; open event streams then end.
    app.state.stopping = threading.Event()
    answer_with_problems(app)
    for topic in (
        playlists,
        audio,
        enrichment,
        look_ups,
        jobs,
        job_events,
        work_items,
        tracks,
        dj,
        models,
        interactions,
        user_models,
        content,
        recommend,
        users,
        model_life,
        model_usage,
        providers,
        health,
        metrics,
    ):
        app.include_router(topic.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
