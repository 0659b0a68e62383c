"""`musicspace demo`: the whole system at work on a bundled playlist, in a folder that is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import out

if TYPE_CHECKING:
    from core.settings import Settings
    from services.importing import ImportSummary

SHOWN = 20
EXIT_FAILED = 1


def demo(
    file: Annotated[Path | None, typer.Option("--file", help="Another playlist than the bundled one.")] = None,
) -> None:
    """Import a playlist of about 100 songs, fill its features through the workers, and show them."""
    from cli.importing import store
    from cli.servers import connected
    from cli.watching import complete_job
    from core.settings import get_settings
    from services.playlists.reader import read_playlist

    playlist = read_playlist(file or bundled_playlist(), get_settings().imports)
    with _own_folder(), connected() as settings:
        out.print("Postgres and Valkey are up; importing the playlist and starting a worker.")
        summary = store(settings, playlist, user=1, name=playlist.name or "demo")
        job = complete_job(settings, summary.job_id)
        _show_tracks(settings, summary)
        _show_totals(summary, job)
    if job.state != "done":
        raise typer.Exit(EXIT_FAILED)


def bundled_playlist() -> Path:
    """The playlist that ships with the command."""
    return Path(__file__).parent / "demo_playlist.csv"


@contextmanager
def _own_folder() -> Iterator[None]:
    """Embedded servers in a temporary folder, whatever the settings name: a demo leaves nothing behind."""
    from core.settings import EnrichSettings, get_settings, use_settings

    configured = get_settings()
    folder = Path(tempfile.mkdtemp(prefix="musicspace-demo-"))
    # As root the servers run as a user of their own, who has to reach the folder.
    folder.chmod(0o755)
    own: dict[str, Any] = {"database_url": None, "redis_url": None, "data_dir": folder}
    use_settings(configured.model_copy(update={**own, "enrich": EnrichSettings(chunk_size=5)}))
    try:
        yield
    finally:
        use_settings(configured)
        shutil.rmtree(folder)


def _show_tracks(settings: "Settings", summary: "ImportSummary") -> None:
    from rich.table import Table

    from core.features import FEATURES
    from db.engine import open_session
    from db.repositories.tracks import playlist_tracks

    with open_session(settings.required_database_url) as session:
        tracks = playlist_tracks(session, summary.playlist_id)
    shown = tracks[:: max(len(tracks) // SHOWN, 1)][:SHOWN]
    table = Table(title=f"{len(shown)} of {len(tracks)} tracks", box=None, padding=(0, 1, 0, 0))
    table.add_column("track", overflow="ellipsis", no_wrap=True, max_width=max(16, min(44, out.width - 62)))
    for feature in FEATURES:
        table.add_column(feature.unit or feature.name[:4], justify="right", no_wrap=True, min_width=4)
    table.add_column("source", no_wrap=True, min_width=2)
    table.add_column("conf", justify="right", no_wrap=True, min_width=4)
    for track in shown:
        values = [f"{track[feature.name]:.{min(feature.decimals, 2)}f}" for feature in FEATURES]
        sources = ", ".join(sorted(set(track["feature_sources"].values())))
        confidence = track["external_metadata"]["audio_features"]["confidence"]
        table.add_row(f"{track['artist']} - {track['title']}", *values, sources, f"{confidence:.2f}")
    out.print(table)


def _show_totals(summary: "ImportSummary", job: Any) -> None:
    out.print(
        f"{summary.new_tracks} tracks imported, {job.done} enriched in {sum(job.items.values())} work items, "
        f"{sum(job.errors.values())} failed; {job.rate_per_s or 0:,.0f} tracks/s from import to last result."
    )
    out.print(
        "Confidence: 0 knows no more than the average song, 1 is exact. `musicspace up` runs the system for good."
    )
