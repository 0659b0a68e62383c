"""Predict the features of a playlist file offline: no database, one output row for every usable input row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.durable_files import replacing
from core.errors import PermanentError
from core.features import FEATURES
from core.settings import ImportSettings
from core.side_by_side import side_by_side
from core.tracks import TrackBatch
from models.completeness import metadata_completeness
from models.predictors.protocol import FeaturePredictor, OnProgress, Prediction, clip_to_ranges
from services.playlists.reader import NoUsableRowsError, PlaylistFile, read_playlist
from services.playlists.rejects import Reject, write_rejects
from services.playlists.rows import ImportRow

_WRITERS: dict[str, Callable[[Any, Any], None]] = {
    ".csv": pyarrow.csv.write_csv,
    ".parquet": pyarrow.parquet.write_table,
}
_STEP = 500
_MOST_THREADS = 4
_SHARE_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """What one prediction run did."""

    out: Path
    rows: int  #: rows written
    rejected: int  #: rows of the input that could not be used
    rejects_file: Path | None  #: where they are listed with their reasons
    predictor: str
    version: str


def predict_file(
    source: Path, out: Path, predictor: FeaturePredictor, limits: ImportSettings, on_progress: OnProgress
) -> PredictionSummary:
    """Predict the nine features of every usable row of a playlist file, duplicates included, in input order.

    Columns of the output: `track_id` (Spotify id, else the line number), `artist`, `title`, the nine features,
    `<feature>_uncertainty` (half-width of the 80 % interval), `<feature>_low` and `<feature>_high` (that interval,
    clipped to the feature's range), `confidence` and `metadata_completeness` (both 0..1). A CSV file is rounded to each
    feature's decimals. The output appears whole or not at all.

    Parameters
    ----------
    source
        Any playlist file that an import accepts.
    out
        A `.csv` or `.parquet` file; replaced where it exists. Rejected rows go to `<out>.rejects.csv` beside it.
    on_progress
        Called with the rows predicted and all rows.

    Raises
    ------
    PermanentError
        `invalid-option`: `out` cannot be written. `file-...`, `no-usable-rows`: `source` cannot be used.
    """
    write = _writer_for(source, out)
    playlist = _read(source, out, limits)
    batch = to_batch(playlist.rows)
    prediction = _predict(predictor, batch, on_progress)
    columns = _columns(batch, prediction, rounded=out.suffix.lower() == ".csv")
    with replacing(out) as temporary:
        write(pa.table(columns), temporary)
    return PredictionSummary(
        out=out,
        rows=len(playlist.rows),
        rejected=len(playlist.rejects),
        rejects_file=_write_rejects(playlist.rejects, out),
        predictor=predictor.name,
        version=predictor.version,
    )


def to_batch(rows: Sequence[ImportRow]) -> TrackBatch:
    """Imported rows as the columns predictors read. Feature columns of the file are not among them."""
    return TrackBatch(
        track_id=[row.spotify_id or str(row.line) for row in rows],
        artist=[row.artist for row in rows],
        title=[row.title for row in rows],
        album=[row.album for row in rows],
        genres=[list(row.genres) for row in rows],
        duration_ms=[row.duration_ms for row in rows],
        release_year=[row.release_year for row in rows],
        explicit=[row.explicit for row in rows],
        popularity=[row.popularity for row in rows],
        moods=[list(row.moods) for row in rows],
        track_number=[row.track_number for row in rows],
        album_total_tracks=[row.album_total_tracks for row in rows],
    )


def _predict(predictor: FeaturePredictor, batch: TrackBatch, on_progress: OnProgress) -> Prediction:
    """Predict in steps, side by side: predictors are pure, and run their trees and networks outside Python's lock."""

    def report(done: int) -> None:
        on_progress(min(done * _STEP, len(batch)), len(batch))

    # One thread for each matrix product: several in every thread would fight for the cores.
    with threadpool_limits(limits=1, user_api="blas"):
        steps = side_by_side(predictor.predict, batch.chunks(_STEP), report, _MOST_THREADS)
    return Prediction(
        np.concatenate([step.values for step in steps]),
        np.concatenate([step.uncertainty for step in steps]),
        np.concatenate([step.confidence for step in steps]),
    )


def _columns(batch: TrackBatch, prediction: Prediction, *, rounded: bool) -> dict[str, Any]:
    """The output columns in order."""

    def number(values: NDArray[np.float32], decimals: int) -> NDArray[np.floating]:
        # Rounded as float64, whose shortest text is the rounded number itself.
        return values.astype(np.float64).round(decimals) if rounded else values

    columns: dict[str, Any] = {
        "track_id": pa.array(batch.track_id, pa.string()),
        "artist": pa.array(batch.artist, pa.string()),
        "title": pa.array(batch.title, pa.string()),
    }
    for feature, values in zip(FEATURES, prediction.values.T, strict=True):
        columns[feature.name] = number(values, feature.decimals)
    for feature, uncertainty in zip(FEATURES, prediction.uncertainty.T, strict=True):
        columns[f"{feature.name}_uncertainty"] = number(uncertainty, feature.decimals)
    lows = clip_to_ranges(prediction.values - prediction.uncertainty)
    highs = clip_to_ranges(prediction.values + prediction.uncertainty)
    for feature, low, high in zip(FEATURES, lows.T, highs.T, strict=True):
        columns[f"{feature.name}_low"] = number(low, feature.decimals)
        columns[f"{feature.name}_high"] = number(high, feature.decimals)
    shares = {"confidence": prediction.confidence, "metadata_completeness": metadata_completeness(batch)}
    return columns | {name: number(values, _SHARE_DECIMALS) for name, values in shares.items()}


def _writer_for(source: Path, out: Path) -> Callable[[Any, Any], None]:
    """The writer for the suffix of `out`; refuses early what could only fail after the work is done."""
    writer = _WRITERS.get(out.suffix.lower())
    if writer is None:
        raise PermanentError("invalid-option", f"{out}: the output must end in {' or '.join(_WRITERS)}.")
    if not out.parent.is_dir():
        raise PermanentError("invalid-option", f"{out}: the folder {out.parent} does not exist.")
    if out.is_dir() or (out.exists() and source.exists() and out.samefile(source)):
        raise PermanentError("invalid-option", f"{out} is a folder, or the input itself. Choose another output.")
    return writer


def _read(source: Path, out: Path, limits: ImportSettings) -> PlaylistFile:
    """Read the playlist; where no row is usable the rejects are listed all the same."""
    try:
        return read_playlist(source, limits, merge_duplicates=False)
    except NoUsableRowsError as error:
        _write_rejects(error.rejects, out)
        raise


def _write_rejects(rejects: Sequence[Reject], out: Path) -> Path | None:
    """List rejected rows beside the output; a list that an earlier run left there goes."""
    path = out.with_name(f"{out.name}.rejects.csv")
    if not rejects:
        path.unlink(missing_ok=True)
        return None
    write_rejects(path, rejects)
    return path
