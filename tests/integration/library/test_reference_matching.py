"""Looking tracks up in the reference table: which method finds them, and what none may find."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_files import reference, spotify_id, write_references
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from core.identity import normalized_key
from services.reference.loading import load_reference
from services.reference.matching import ReferenceMatches, match_tracks

ISRC = "USRC17607839"


def load(session: Session, folder: Path, *rows: dict[str, Any]) -> None:
    load_reference(session, write_references(folder / "references.csv", *rows), None, lambda *_: None)
    session.commit()


def track(session: Session, artist: str, title: str, **columns: Any) -> int:
    values = {"spotify_id": None, "isrc": None, "duration_ms": 200_000} | columns
    statement = text("""
        INSERT INTO tracks (identity_key, artist, title, spotify_id, isrc, duration_ms)
        VALUES (:key, :artist, :title, :spotify_id, :isrc, :duration_ms) RETURNING id
    """)
    parameters = {"key": normalized_key(artist, title), "artist": artist, "title": title, **values}
    return int(session.execute(statement, parameters).scalar_one())


def one(matches: ReferenceMatches) -> dict[str, Any]:
    (evidence,) = matches.evidence
    return evidence


def test_an_empty_table_costs_one_query(session: Session) -> None:
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    matches = match_tracks(session, [1, 2, 3], near=True)
    assert (len(matches.track_ids), matches.values.shape, matches.evidence) == (0, (0, 9), [])
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("artist", "title", "columns", "method"),
    [
        ("Whoever", "Whatever", {"spotify_id": spotify_id(1), "duration_ms": None}, "spotify-id"),
        ("Whoever", "Whatever", {"isrc": ISRC, "duration_ms": 201_000}, "isrc"),
        ("Whoever", "Whatever", {"isrc": ISRC, "duration_ms": None}, "isrc"),
        ("ALPHA BAND", "Some Song - Remastered 2011", {"duration_ms": 202_000}, "key"),
        ("Alpha Band", "Some Song (feat. X)", {"duration_ms": None}, "key"),
        ("Alpha Bnad", "Some Song", {}, "near"),
        ("Alpha Band", "Smoe Song", {}, "near"),
        ("알파 (Alpha Band)", "Some Song", {}, "near"),
    ],
)
def test_methods(
    session: Session, tmp_path: Path, artist: str, title: str, columns: dict[str, Any], method: str
) -> None:
    wanted = reference(1, "Alpha Band", "Some Song", isrc=ISRC)
    load(session, tmp_path, wanted, reference(2, "Alpha Band", "Another One"), reference(3, "Omega", "Some Song"))
    track_id = track(session, artist, title, **columns)
    matches = match_tracks(session, [track_id], near=True)
    evidence = one(matches)
    assert (evidence["method"], evidence["spotify_id"]) == (method, spotify_id(1))
    assert 0 < evidence["score"] <= 1
    assert matches.track_ids.tolist() == [track_id]
    assert matches.values.dtype == np.float32
    assert matches.values[0, 1] == pytest.approx(wanted["energy"])


def test_only_exact_matches_where_near_ones_are_not_wanted(session: Session, tmp_path: Path) -> None:
    load(session, tmp_path, reference(1, "Alpha Band", "Some Song"))
    exact, near = track(session, "Alpha Band", "Some Song"), track(session, "Alpha Bnad", "Some Song")
    assert match_tracks(session, [near, exact], near=False).track_ids.tolist() == [exact]
    assert match_tracks(session, [near, exact], near=True).track_ids.tolist() == [exact, near]


@pytest.mark.parametrize(
    ("artist", "title", "columns"),
    [
        ("Alpha Band", "Some Song - Live", {}),
        ("Alpha Band", "Some Song (Nova Remix)", {}),
        ("Alpha Band", "Some Song feat. Guest Remix", {}),
        ("Alpha Band", "Some Song, Pt. 2", {}),
        ("Alpha Band", "Some Song", {"duration_ms": 204_500}),
        ("Alpha Bnad", "Some Song", {"duration_ms": None}),
        ("Alpha Band feat. Omega Tribute", "Some Song", {}),
        ("Alpha Band", "Unknown Song", {}),
        ("Other Band", "Some Song", {}),
        ("Alpha Band", "Unknown Song", {"isrc": ISRC, "duration_ms": 100_000}),
        ("Alpha Band", "Unknown Song", {"spotify_id": spotify_id(9)}),
        ("Alpha Bnad", "Some Song", {"isrc": "USRC17607840"}),
    ],
)
def test_what_must_not_match(
    session: Session, tmp_path: Path, artist: str, title: str, columns: dict[str, Any]
) -> None:
    load(session, tmp_path, reference(1, "Alpha Band", "Some Song", isrc=ISRC))
    assert match_tracks(session, [track(session, artist, title, **columns)], near=True).evidence == []


def test_without_a_duration_all_of_that_name_must_be_one_recording(session: Session, tmp_path: Path) -> None:
    same = {"danceability": 0.5, "energy": 0.5}
    load(
        session,
        tmp_path,
        reference(1, "Alpha", "Same", **same),
        reference(1, "Alpha", "Same", **same, spotify_id=spotify_id(11), duration_ms=260_000),
        reference(2, "Alpha", "Different"),
        reference(3, "Alpha", "Different", duration_ms=260_000),
    )
    same_id = track(session, "Alpha", "Same", duration_ms=None)
    other_id = track(session, "Alpha", "Different", duration_ms=None)
    assert match_tracks(session, [same_id, other_id], near=True).track_ids.tolist() == [same_id]


def test_the_runner_up_must_be_behind(session: Session, tmp_path: Path) -> None:
    load(session, tmp_path, reference(1, "Alpha", "Some Songs"), reference(2, "Alpha", "Some Sonny"))
    assert match_tracks(session, [track(session, "Alpha", "Some Sonns")], near=True).evidence == []


def test_a_new_load_is_seen(session: Session, tmp_path: Path) -> None:
    load(session, tmp_path, reference(1, "Alpha Band", "Some Song"))
    track_id = track(session, "Omgea Band", "New Song")
    assert match_tracks(session, [track_id], near=True).evidence == []
    load(session, tmp_path, reference(2, "Omega Band", "New Song"))
    assert one(match_tracks(session, [track_id], near=True))["spotify_id"] == spotify_id(2)


def test_tracks_come_back_by_id_and_unknown_ones_are_left_out(session: Session, tmp_path: Path) -> None:
    load(session, tmp_path, *(reference(number, "Alpha", f"Song {number}") for number in range(1, 6)))
    ids = [track(session, "Alpha", f"Song {number}") for number in range(1, 6)]
    matches = match_tracks(session, [*reversed(ids), 999_999_999], near=True)
    assert matches.track_ids.tolist() == sorted(ids)
    assert [evidence["spotify_id"] for evidence in matches.evidence] == [spotify_id(n) for n in range(1, 6)]
