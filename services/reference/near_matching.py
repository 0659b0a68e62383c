"""Near misses: tracks whose artist or title is spelled otherwise in the reference table.

Candidates are references that are about as long and either of an artist with a similar name, or of the same title. The
database finds them; `models.matching` alone says how alike they are.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from db.repositories import reference
from db.repositories.reference import NearQueries, NearRow, ReferenceDetails, ReferenceState, TrackColumns
from models.matching.choice import Candidate, Choice, choose_near
from models.matching.durations import widest_agreeing
from models.matching.forms import searched_forms
from models.matching.scoring import Description, Thresholds, near_score
from services.reference.artist_search import near_artists

Key = tuple[str, str]
NearChoices = dict[int, tuple[Choice, dict[int, ReferenceDetails]]]


def find_near(
    session: Session,
    state: ReferenceState,
    tracks: TrackColumns,
    keys: Sequence[Key],
    rows: Sequence[int],
    thresholds: Thresholds,
) -> NearChoices:
    """The best near miss of each of the given rows of `tracks`, where it is far enough ahead of every other recording.

    Tracks of unknown duration have none.
    """
    rows = [row for row in rows if tracks.duration_ms[row] is not None and all(keys[row])]
    if not rows:
        return {}
    described = {row: _describe(tracks, keys, row) for row in rows}
    scored = _scored(tracks, described, _candidates(session, state, described, thresholds), thresholds)
    details = reference.load_details(session, [row.reference_id for found in scored.values() for row, _ in found])
    choices: NearChoices = {}
    for n, found in scored.items():
        candidates = [_candidate(row, score, described[n], details) for row, score in found]
        if choice := choose_near(candidates, thresholds):
            choices[n] = choice, details
    return choices


def _describe(tracks: TrackColumns, keys: Sequence[Key], row: int) -> Description:
    return Description(*keys[row], tracks.artist[row], tracks.title[row], tracks.duration_ms[row])


def _candidates(
    session: Session, state: ReferenceState, described: dict[int, Description], thresholds: Thresholds
) -> list[NearRow]:
    forms = {n: searched_forms(one.artist_key) for n, one in described.items()}
    near = near_artists(session, state, {form for own in forms.values() for form in own}, thresholds)
    by_artist, by_title = NearQueries(), NearQueries()
    for n, one in described.items():
        assert one.duration_ms is not None
        bounds = widest_agreeing(one.duration_ms)
        keys = {one.artist_key}.union(*(near.get(form, ()) for form in forms[n]))
        _add(by_artist, n, sorted(keys), bounds)
        _add(by_title, n, [one.title_key], bounds)
    return [
        *reference.by_artist_and_duration(session, by_artist),
        *reference.by_title_and_duration(session, by_title),
    ]


def _add(queries: NearQueries, n: int, keys: Sequence[str], bounds: tuple[int, int]) -> None:
    queries.n += [n] * len(keys)
    queries.key += keys
    queries.shortest_ms += [bounds[0]] * len(keys)
    queries.longest_ms += [bounds[1]] * len(keys)


def _scored(
    tracks: TrackColumns, described: dict[int, Description], rows: Sequence[NearRow], thresholds: Thresholds
) -> dict[int, list[tuple[NearRow, float]]]:
    """Each candidate once, by track, with a score above 0. Different ISRCs are different recordings."""
    scored: dict[int, list[tuple[NearRow, float]]] = defaultdict(list)
    for row in {(row.n, row.reference_id): row for row in rows}.values():
        own = tracks.isrc[row.n]
        if own is not None and row.isrc is not None and own != row.isrc:
            continue
        other = Description(row.artist_key, row.title_key, row.artist, row.title, row.duration_ms)
        if score := near_score(described[row.n], other, thresholds):
            scored[row.n].append((row, score))
    return scored


def _candidate(row: NearRow, score: float, one: Description, details: dict[int, ReferenceDetails]) -> Candidate:
    assert one.duration_ms is not None
    assert row.duration_ms is not None
    known = details[row.reference_id]
    return Candidate(row.reference_id, known.key, score, abs(one.duration_ms - row.duration_ms), known.values)
