"""Training of the blend: every part learns from the errors that the parts before it make on tracks they had not seen.

Nothing but the fold `train` is used, and all draws are seeded: the same table gives the same files.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError
from core.features import N_FEATURES
from core.tracks import TrackBatch
from models.predictors.blend import network_training
from models.predictors.blend.columns import KNOWN, UNKNOWN
from models.predictors.blend.description import Describer, Description, read_texts
from models.predictors.blend.first_stage import SCALES, FirstGuess, FirstStage
from models.predictors.blend.genre_space import fit_genre_space
from models.predictors.blend.judge import View
from models.predictors.blend.judge_training import COARSE_VALUES, CV_FOLDS, MODELS, VALUES, WIDTHS, Cases, train_judge
from models.predictors.blend.linear_training import ALPHA, LinearInputs
from models.predictors.blend.memory import N_RECALLED, ArtistMemory, Recollection, fit_memory
from models.predictors.blend.names import plain
from models.predictors.blend.network_training import NetworkInputs, fit_network
from models.predictors.blend.networks import moments, split_groups, standardized, unit
from models.predictors.blend.runtime import BlendParts, BlendPredictor
from models.predictors.blend.sparse_copies import SHARE, with_sparse_copies
from models.predictors.blend.vocabulary import Vocabulary
from models.predictors.intervals import prior_uncertainty
from models.predictors.protocol import OnProgress, TrainedPredictor
from models.training_data import TRAIN_FOLD, ReferenceTable, describe_artist_genres, read_artist_genres

#: Version of the method; changes when the same table would give another model.
DESIGN = "1"
SUMMARY = (
    "Ridge regressions and small networks over genres, texts, year and duration (in folds that never saw the artist), "
    "a Gaussian process over the known tracks of each artist, and boosted trees for the absolute error over all of "
    "these, one set for known and one for unknown artists; 80 % intervals from trees for the size of the residuals, "
    "conformally calibrated. Popularity is no input."
)
STAGE_FOLDS, MEMORY_FOLDS = 5, 10
MIN_ROWS, MIN_ARTISTS = 500, 50
SEED = 42
# The benchmark looks at popular tracks; tracks whose popularity nobody recorded are of another kind.
_UNRATED_WEIGHT, _POPULAR_WEIGHT, _POPULAR = 0.8, 1.3, 50
_COPY_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class _Material:
    """Training tracks, copies with blanked fields included; n originals first, N in all."""

    described: Description
    origin: NDArray[np.intp]  #: [N], row among the originals
    targets: NDArray[np.float64]  #: [N, 9], normalized units
    weights: NDArray[np.float32]  #: [N]
    artist: NDArray[np.intp]  #: [N], number of the leading artist
    stage_fold: NDArray[np.intp]  #: [N], keeps artists together
    n: int

    @property
    def original(self) -> NDArray[np.bool_]:
        """Which rows are no copies, [N]."""
        return np.arange(len(self.origin)) < self.n


def train(table: ReferenceTable, on_progress: OnProgress) -> TrainedPredictor:
    """Train the blend on the fold `train` of a reference table.

    Genres of artists are read from `artist_genres.parquet` beside the table, where there is such a file.

    Parameters
    ----------
    table
        All of it; other folds are ignored.
    on_progress
        Called after each model: of the first stage, of the memory, of the judges.

    Raises
    ------
    PermanentError
        `invalid-option`: there are too few training rows, or artists.
    """
    rows = table.in_fold(TRAIN_FOLD)
    artists = len(set(rows.tracks.artist))
    if len(rows) < MIN_ROWS or artists < MIN_ARTISTS:
        reason = (
            f"{table.path} has {len(rows)} rows of {artists} artists in the fold {TRAIN_FOLD!r}; "
            f"the blend needs at least {MIN_ROWS} rows of {MIN_ARTISTS} artists."
        )
        raise PermanentError("invalid-option", reason)
    step = _steps(STAGE_FOLDS + MEMORY_FOLDS + 2 * MODELS, on_progress)
    artist_genres = read_artist_genres(table.path)
    rng = np.random.default_rng(SEED)
    describer = _fit_describer(rows.tracks, artist_genres)
    material = _material(rows, describer, rng)
    first_stage = _fit_first_stage(material, describer, step)
    guess = first_stage.guess(material.described, material.stage_fold)
    memory, recalled = _fit_memory(material, guess, rng, step)
    view = View(material.described, guess, recalled)
    judges = {
        KNOWN: train_judge(_known_cases(material, view, rng), step),
        UNKNOWN: train_judge(_unknown_cases(material, view, rng), step),
    }
    parts = BlendParts(
        describer=describer,
        first_stage=first_stage,
        memory=memory,
        artist_fold=_fold_of_artists(memory, material),
        judges=judges,
        prior_uncertainty=prior_uncertainty(rows.targets.astype(np.float64)).astype(np.float32),
    )
    predictor = BlendPredictor(parts, version=DESIGN)
    parameters = _parameters(describer, memory) | {"artist_genres": describe_artist_genres(table.path)}
    return TrainedPredictor(predictor, DESIGN, SUMMARY, parameters, predictor.write_files)


def _fit_describer(tracks: TrackBatch, artist_genres: dict[str, list[str]]) -> Describer:
    artists = {plain(name): [plain(genre) for genre in genres] for name, genres in artist_genres.items()}
    genre_space = fit_genre_space(artists, [[plain(genre) for genre in genres] for genres in tracks.genres])
    return Describer(Vocabulary.fit(read_texts(tracks, genre_space).tokens), genre_space)


def _material(rows: ReferenceTable, describer: Describer, rng: np.random.Generator) -> _Material:
    tracks, origin = with_sparse_copies(rows.tracks, rng)
    described = describer.describe(tracks)
    lead = np.array([names[0] for names in described.credits], dtype=np.uint64)
    names, artist = np.unique(lead, return_inverse=True)
    popularity = np.array(tracks.popularity, dtype=np.float64)
    weights = np.where(np.isnan(popularity), _UNRATED_WEIGHT, np.where(popularity >= _POPULAR, _POPULAR_WEIGHT, 1.0))
    weights[len(rows) :] *= _COPY_WEIGHT
    return _Material(
        described=described,
        origin=origin,
        targets=rows.targets.astype(np.float64)[origin] / SCALES,
        weights=weights.astype(np.float32),
        artist=artist,
        stage_fold=(rng.permutation(len(names)) % STAGE_FOLDS)[artist],
        n=len(rows),
    )


def _fit_first_stage(material: _Material, describer: Describer, step: Callable[[], None]) -> FirstStage:
    raw = material.described.dense()
    mean, deviation = moments(raw[: material.n])
    dense = standardized(raw, mean, deviation)
    center = np.median(material.targets[: material.n], axis=0).astype(np.float32)
    targets = (material.targets - center).astype(np.float32)
    spread = unit(targets[: material.n])
    sizes = describer.vocabulary.group_sizes
    linear = LinearInputs.of(material.described.tokens, dense, describer.vocabulary)
    inputs = NetworkInputs(
        groups=split_groups(material.described.tokens, sizes),
        sizes=sizes,
        dense=dense,
        targets=targets / spread,
        weights=material.weights,
        importance=(spread * (N_FEATURES / spread.sum())).astype(np.float32),
    )
    coefficients, networks = [], []
    for fold in range(STAGE_FOLDS):
        seen = np.flatnonzero(material.stage_fold != fold)
        coefficients.append(linear.fit(seen, targets, material.weights))
        networks.append(fit_network(inputs, seen, SEED + fold, network_training.FIRST_STAGE))
        step()
    tokens, numbers = (np.stack(parts) for parts in zip(*coefficients, strict=True))
    stage = FirstStage(center, spread, mean, deviation, _with_mean(tokens), _with_mean(numbers), networks)
    # As it will be loaded: what follows must learn from the rounded numbers.
    return FirstStage.restore(stage.arrays())


def _with_mean(folds: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([folds, folds.mean(axis=0, keepdims=True)])


def _fit_memory(
    material: _Material, guess: FirstGuess, rng: np.random.Generator, step: Callable[[], None]
) -> tuple[ArtistMemory, Recollection]:
    """The memory of all tracks, and what a memory without the track itself says of each."""
    residuals = material.targets - guess.value
    fold = (rng.permutation(material.n) % MEMORY_FOLDS)[material.origin]
    features = np.empty((len(fold), N_RECALLED), dtype=np.float32)
    artist = np.empty(len(fold), dtype=np.intp)
    for which in range(MEMORY_FOLDS):
        seen = np.flatnonzero((fold != which) & material.original)
        asked = np.flatnonzero(fold == which)
        # As it will be loaded, see above.
        memory = _rounded(fit_memory(material.described.take(seen), residuals[seen]))
        recalled = memory.recall(material.described.take(asked))
        features[asked], artist[asked] = recalled.features, recalled.artist
        step()
    originals = np.arange(material.n)
    memory = _rounded(fit_memory(material.described.take(originals), residuals[: material.n]))
    return memory, Recollection(artist, features)


def _rounded(memory: ArtistMemory) -> ArtistMemory:
    return ArtistMemory.restore(memory.arrays())


def _known_cases(material: _Material, view: View, rng: np.random.Generator) -> Cases:
    """Folds spread the tracks of an artist; intervals are calibrated on artists with other tracks."""
    return Cases(
        kind=KNOWN,
        view=view,
        targets=material.targets,
        weights=material.weights,
        fold=(rng.permutation(material.n) % CV_FOLDS)[material.origin],
        calibrating=_or_all(view.recalled.known & material.original, material.original),
    )


def _unknown_cases(material: _Material, view: View, rng: np.random.Generator) -> Cases:
    """Folds keep artists together, so every track counts as one of an unknown artist."""
    return Cases(
        kind=UNKNOWN,
        view=view,
        targets=material.targets,
        weights=material.weights,
        fold=(rng.permutation(material.artist.max() + 1) % CV_FOLDS)[material.artist],
        calibrating=material.original,
    )


def _or_all(chosen: NDArray[np.bool_], everything: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The chosen rows, or all where nothing was chosen: no artist may occur twice."""
    return chosen if chosen.any() else everything


def _fold_of_artists(memory: ArtistMemory, material: _Material) -> NDArray[np.int8]:
    lead = np.array([names[0] for names in material.described.credits[: material.n]], dtype=np.uint64)
    _, first = np.unique(lead, return_index=True)
    return material.stage_fold[first].astype(np.int8)


def _steps(total: int, on_progress: OnProgress) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        on_progress(done, total)

    return step


def _parameters(describer: Describer, memory: ArtistMemory) -> dict[str, Any]:
    return {
        "seed": SEED,
        "tokens": {kind: len(terms) for kind, terms in describer.vocabulary.terms.items()},
        "artists_remembered": len(memory.artists),
        "first_stage_folds": STAGE_FOLDS,
        "memory_folds": MEMORY_FOLDS,
        "ridge_alpha": ALPHA,
        "networks_of_first_stage": asdict(network_training.FIRST_STAGE),
        "networks_of_judges": asdict(network_training.JUDGE),
        "sparse_copies": SHARE,
        "values": asdict(VALUES),
        "values_for_residuals": asdict(COARSE_VALUES),
        "widths": asdict(WIDTHS),
        "interval_folds": CV_FOLDS,
    }
