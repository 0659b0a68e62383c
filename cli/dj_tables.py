"""What the commands of the DJ print: tables for people, objects for JSON."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.console import out

if TYPE_CHECKING:
    from models.dj.goals import Goal
    from models.dj.suggestion import Suggestion
    from services.dj.building import BuildSummary
    from services.dj.folder_index import Playing
    from services.dj.session_recommender import PlannedTrack, Recommendation

_SHOWN_FAILURES = 10
_BARS = "▁▂▃▄▅▆▇█"
# Terms whose names are too long for a column, or are taken by another one.
_SHORT = {"similarity": "sound", "mixability": "mixes", "key": "keys", "tempo": "pace", "diversity": "varied"}


def text_of(path: Path | str) -> str:
    """A path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def summary_as_json(summary: "BuildSummary", index_dir: Path) -> dict[str, Any]:
    """A build."""
    failed = [
        {"path": text_of(file.path), "code": file.code, "message": text_of(file.message)} for file in summary.failed
    ]
    return {
        "index_dir": text_of(index_dir),
        **{name: text_of(v) if isinstance(v, str) else v for name, v in asdict(summary.header).items()},
        **{name: getattr(summary, name) for name in ("tracks", "analyzed", "unchanged", "moved", "copies", "removed")},
        "seconds": round(summary.seconds, 2),
        "failed_by_code": summary.failed_by_code,
        "failed": failed,
    }


def show_summary(summary: "BuildSummary", index_dir: Path, *, all_failures: bool) -> None:
    """A build: what it did, what the index holds, and the first or all failures."""
    rate = f", {summary.analyzed / summary.seconds:.1f}/s" if summary.analyzed and summary.seconds else ""
    if summary.redone is not None:
        out.print("The index was built with other lengths, another embedder or version: everything is heard anew.")
    out.print(
        f"{summary.analyzed:,} analyzed ({summary.seconds:.1f} s{rate}), {summary.unchanged:,} unchanged, "
        f"{summary.moved:,} moved, {summary.copies:,} copies, {summary.removed:,} removed."
    )
    if summary.failed:
        counts = ", ".join(f"{count:,} {code}" for code, count in summary.failed_by_code.items())
        out.print(f"{len(summary.failed):,} failed: {counts}.")
        shown = summary.failed if all_failures else summary.failed[:_SHOWN_FAILURES]
        for file in shown:
            out.print(f"  {file.code}  {text_of(file.path)}: {text_of(file.message)}", soft_wrap=True)
        if len(shown) < len(summary.failed):
            out.print("  ... --failures lists all of them.")
    out.print(f"{summary.tracks:,} tracks in {text_of(index_dir)} ({summary.header.space}).", soft_wrap=True)


def recommendations_as_json(playing: "Playing", goal: "Goal", found: "list[Recommendation]") -> dict[str, Any]:
    """Suggestions with every term."""
    return {
        "current": {
            "id": playing.current.id,
            "file": text_of(playing.file),
            "bpm": playing.description.tempo.bpm,
            "tempo_confidence": playing.description.tempo.confidence,
            "energy": playing.description.texture.energy,
        },
        "goal": str(goal),
        "suggestions": [
            {"rank": rank, "file": text_of(each.file), **suggestion_as_json(each.suggestion)}
            for rank, each in enumerate(found, start=1)
        ],
    }


def suggestion_as_json(suggestion: "Suggestion") -> dict[str, Any]:
    """All of a suggestion; numbers of six significant digits."""
    values: dict[str, Any] = _plain(asdict(suggestion))
    return values


def show_recommendations(playing: "Playing", goal: "Goal", found: "list[Recommendation]") -> None:
    """Suggestions as a table, and where to mix where that was simulated."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    terms = list(found[0].suggestion.terms)
    title = f"After {text_of(playing.file.name)} ({_tempo(playing)}), goal {goal}"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("#", justify="right")
    table.add_column("track", overflow="fold", min_width=20)
    for name in ("BPM", "change", "key", "score", *(_SHORT.get(term, term.replace("_", " ")) for term in terms)):
        table.add_column(name, justify="right")
    for rank, each in enumerate(found, start=1):
        suggestion = each.suggestion
        numbers = (f"{suggestion.terms[term]:.2f}" for term in terms)
        table.add_row(str(rank), text_of(each.file.name), *_mixing(suggestion), f"{suggestion.score:.3f}", *numbers)
    out.print(table)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in found[0].suggestion.weights.items())
    out.print(f"Weights: {weights}.")
    for rank, each in enumerate(found, start=1):
        if each.suggestion.transition is not None:
            out.print(f"{rank}. {_mix_point(each.suggestion)}", soft_wrap=True)
    if relaxed := found[0].suggestion.relaxed:
        out.print(f"No track was left within the limits of {' and '.join(relaxed)}, so these were lifted.")


def show_set(tracks: "list[PlannedTrack]", title: str) -> None:
    """A set as a table, and its course of energy as a small picture."""
    from rich.table import Table

    table = Table(title=title)
    for name in ("at", "plays"):
        table.add_column(name, justify="right")
    table.add_column("track", overflow="fold", min_width=20)
    for name in ("BPM", "change", "key", "energy", "target", "mix in at"):
        table.add_column(name, justify="right")
    for track in tracks:
        step = track.step
        mixing = _mixing(step.suggestion) if step.suggestion else ("", "", "")
        energy = "" if step.energy is None else f"{step.energy:.2f}"
        table.add_row(
            clock(step.starts_s), clock(step.plays_s), text_of(track.file.name), *mixing, energy,
            f"{step.target_energy:.2f}", clock(step.in_at_s),
        )  # fmt: skip
    out.print(table)
    out.print(f"energy  {bars([track.step.energy for track in tracks])}")
    out.print(f"target  {bars([track.step.target_energy for track in tracks])}")


def set_as_json(tracks: "list[PlannedTrack]") -> list[dict[str, Any]]:
    """A set with every term of every choice."""
    return [{"file": text_of(track.file), **_plain(asdict(track.step))} for track in tracks]


def bars(levels: "list[float | None]") -> str:
    """Levels in 0..1 as a row of bars, two signs wide; a gap where nothing is known."""
    return "".join(
        "  " if level is None else 2 * _BARS[min(len(_BARS) - 1, int(max(level, 0) * len(_BARS)))] for level in levels
    )


def _tempo(playing: "Playing") -> str:
    bpm = playing.description.tempo.bpm
    return "no beat" if bpm is None else f"{bpm:.1f} BPM"


def _mixing(suggestion: "Suggestion") -> tuple[str, str, str]:
    change = suggestion.tempo_change_percent
    return (
        "" if suggestion.bpm is None else f"{suggestion.bpm:.1f}",
        "" if change is None else f"{change:+.1f} %",
        suggestion.camelot or "",
    )


def _mix_point(suggestion: "Suggestion") -> str:
    mix = suggestion.transition
    assert mix is not None
    beats = "" if mix.length_beats is None else f" ({mix.length_beats} beats)"
    return (
        f"from {clock(mix.out_at_s)} into {clock(mix.in_at_s)} over {mix.length_s:.1f} s{beats}: {mix.score:.2f} "
        f"(bass {mix.bass:.2f}, level {mix.level:.2f}, transients {mix.transients:.2f}, phrase {mix.phrase:.2f})"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
