"""What to play next, and whole sets, over the tracks in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.audio import AudioDescription
from core.audio_settings import DjSettings
from core.errors import PermanentError
from db.repositories import dj
from models.dj.arcs import Arc
from models.dj.goals import Goal
from models.dj.library import DjLibrary, TrackId
from models.dj.ranking import rank
from models.dj.session import Step, plan
from models.dj.suggestion import Describe, History, Suggestion
from services.dj.database_library import DatabaseLibrary, current_track, describe, not_analyzed, restricted


@dataclass(frozen=True, slots=True)
class NamedSuggestion:
    """A suggestion with the track's names; they are None for a track that was deleted a moment ago."""

    suggestion: Suggestion
    artist: str | None
    title: str | None


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A track of a set with its names."""

    step: Step
    artist: str | None
    title: str | None


def recommend(
    session: Session,
    found: DatabaseLibrary,
    current_track_id: int,
    goal: Goal,
    settings: DjSettings,
    top_k: int,
    history: Sequence[int],
    playlist_id: int | None,
) -> list[NamedSuggestion]:
    """The best tracks to follow one, of all or of a playlist.

    Raises
    ------
    PermanentError
        `not-found`: no such track or playlist; `audio-not-analyzed`.
    """
    current = current_track(session, found, current_track_id)
    playing = _playing(session, current_track_id) if settings.simulate else None
    suggestions = rank(
        _among(session, found, playlist_id),
        current,
        History(tuple(history)),
        goal,
        settings,
        top_k,
        _describer(session),
        playing,
    )
    names = dj.names_of(session, [int(each.id) for each in suggestions])
    return [NamedSuggestion(each, *names.get(int(each.id), (None, None))) for each in suggestions]


def plan_set(
    session: Session,
    found: DatabaseLibrary,
    minutes: float,
    arc: Arc,
    settings: DjSettings,
    start_track_id: int | None,
    playlist_id: int | None,
    seed: int,
) -> list[NamedStep]:
    """A whole set, of all tracks or of a playlist.

    Raises
    ------
    PermanentError
        `not-found`: no such track or playlist; `audio-not-analyzed`.
    """
    start = None if start_track_id is None else current_track(session, found, start_track_id)
    library = _among(session, found, playlist_id)
    steps = plan(library, start, minutes, arc, settings, seed, _describer(session))
    names = dj.names_of(session, [int(step.id) for step in steps])
    return [NamedStep(step, *names.get(int(step.id), (None, None))) for step in steps]


def _among(session: Session, found: DatabaseLibrary, playlist_id: int | None) -> DjLibrary:
    if playlist_id is None:
        return found.library
    tracks = dj.playlist_track_ids(session, playlist_id)
    if tracks is None:
        raise PermanentError("not-found", f"There is no playlist {playlist_id}.")
    return restricted(found.library, tracks)


def _describer(session: Session) -> Describe:
    def fetch(ids: Sequence[TrackId]) -> dict[TrackId, AudioDescription]:
        return dict(describe(session, ids))

    return fetch


def _playing(session: Session, track_id: int) -> AudioDescription:
    described = describe(session, [track_id])
    if track_id not in described:
        raise not_analyzed(track_id)
    return described[track_id]
