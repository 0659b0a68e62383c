"""`musicspace dj`: an index of a folder of audio, and what to play next. Needs no server."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import logs_to_stderr, out, print_json, progress_bar, steps_on
from cli.dj_feedback import feedback_app
from cli.dj_session import chosen, session
from cli.dj_tables import recommendations_as_json, show_recommendations, show_summary, summary_as_json
from core.errors import PermanentError

EXIT_FAILED = 1
_EMBEDDERS = ("auto", "dsp", "clap")

app = typer.Typer(help="The DJ: index a folder of audio, choose the next track, plan a set.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The DJ: index a folder of audio, choose the next track, plan a set."""
    logs_to_stderr()


app.command()(session)
app.add_typer(feedback_app, name="feedback")

IndexDir = Annotated[Path, typer.Option("--index-dir", metavar="DIR", help="The folder of the index.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    audio_dir: Annotated[Path, typer.Option("--audio-dir", metavar="DIR", help="The folder of audio.")],
    index_dir: IndexDir,
    intro_seconds: Annotated[
        float | None, typer.Option(min=1, max=120, help="Length of the intro. Default: as before, else 30.")
    ] = None,
    outro_seconds: Annotated[
        float | None, typer.Option(min=1, max=120, help="Length of the outro. Default: as before, else 30.")
    ] = None,
    bpm_tolerance: Annotated[
        float | None, typer.Option(min=0.1, max=50, help="What `recommend` tolerates. Default: as before, else 4.")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(metavar="auto|dsp|clap", help="Default: as before, else MUSICSPACE_EMBED__EMBEDDER.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, max=256, help="Processes that listen. 0: one for each core.")] = 0,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try files again that failed before.")] = False,
    failures: Annotated[bool, typer.Option("--failures", help="List every file that failed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Index a folder of audio, or bring its index up to date: only new and changed files are listened to.

    Every finished file is kept at once; interrupted, the next run goes on from there. Moved and renamed files are
    recognized, deleted ones leave. Other lengths or another embedder than before mean listening to everything again.
    """
    from core.settings import get_settings
    from services.dj.building import build_index
    from services.dj.index_header import BuildRequest

    _check_embedder(embedder)
    request = BuildRequest(
        audio_dir, index_dir, intro_seconds, outro_seconds, bpm_tolerance, embedder, jobs, retry_failed
    )
    with progress_bar(quiet=as_json) as progress:
        summary = build_index(request, get_settings(), steps_on(progress))
    if as_json:
        print_json(summary_as_json(summary, index_dir))
    else:
        show_summary(summary, index_dir, all_failures=failures)
    if not summary.tracks:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def recommend(
    index_dir: IndexDir,
    current: Annotated[str, typer.Option(metavar="FILE|ID", help="The track that plays; it may lie elsewhere.")],
    goal: Annotated[str, typer.Option(metavar="maintain|up|down|peak", help="Where the energy goes.")] = "maintain",
    top_k: Annotated[int, typer.Option(min=1, max=1000, help="Tracks to suggest.")] = 10,
    candidate_k: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Nearest tracks to rank. Default: MUSICSPACE_DJ__CANDIDATES.")
    ] = None,
    history: Annotated[
        list[str] | None, typer.Option(metavar="FILE|ID", help="A track that was played, the latest last; repeatable.")
    ] = None,
    bpm_tolerance: Annotated[
        float | None, typer.Option(min=0.1, max=50, help="Largest difference of tempo. Default: the index's.")
    ] = None,
    simulate: Annotated[
        int | None, typer.Option(min=0, max=100, help="Simulate the crossfade into so many of the best.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Suggest what to play next, with every term of the score."""
    from models.dj.goals import Goal
    from services.dj.session_recommender import SessionRecommender

    aim = chosen(Goal, goal)
    dj = SessionRecommender(index_dir)
    changes = {"candidates": candidate_k, "bpm_tolerance": bpm_tolerance, "simulate": simulate}
    dj.settings = dj.settings.model_copy(update={name: value for name, value in changes.items() if value is not None})
    for track in history or ():
        dj.add_played(track)
    playing = dj.index.playing(current)
    found = dj.after(playing, aim, top_k)
    if as_json:
        print_json(recommendations_as_json(playing, aim, found))
    elif not found:
        out.print("No track may follow: every other one was played.")
    else:
        show_recommendations(playing, aim, found)


def _check_embedder(name: str | None) -> None:
    if name not in (None, *_EMBEDDERS):
        raise PermanentError("invalid-option", f"There is no embedder {name!r}. Known ones: {', '.join(_EMBEDDERS)}.")
