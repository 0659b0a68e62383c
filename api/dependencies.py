"""What endpoints ask for: the settings, a database session, ids that fit the database."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from core.ids import MAX_ID
from core.settings import Settings
from db.engine import open_session
from db.session import Session

MAX_PAGE = 500


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


AppSettings = Annotated[Settings, Depends(_settings)]


def _session(settings: AppSettings) -> Iterator[Session]:
    with open_session(settings.required_database_url) as session:
        yield session


# Closed before the response is sent: a slow client holds no connection.
DatabaseSession = Annotated[Session, Depends(_session, scope="function")]

JobId = Annotated[int, Path(ge=1, le=MAX_ID, description="The job.", examples=[42])]
WorkItemId = Annotated[int, Path(ge=1, le=MAX_ID, description="The work item.", examples=[1001])]
TrackId = Annotated[int, Path(ge=1, le=MAX_ID, description="The track.", examples=[7])]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most entries to return.", examples=[50])]
