"""The trainings behind one predictor: a few that leave tracks out, then the one that ships.

Each calibration run holds back a tenth of the artists, and a tenth of the other artists' tracks, and never sees their
words either. It stops when those tracks are no longer predicted better, which tells how many epochs to train, and its
errors on them tell how wide honest intervals are, for artists the network knows and for those it does not.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.predictors.intervals import IntervalTable, prior_uncertainty
from models.predictors.neural.checkpoint import CheckpointFile
from models.predictors.neural.encoding import N_STRATA, MetadataScaler, TrackEncoder, fit_labels
from models.predictors.neural.examples import Examples
from models.predictors.neural.inputs import NetworkInputs
from models.predictors.neural.loop import History, Run, Trainer, outputs
from models.predictors.neural.network import NeuralNetwork, TableSizes
from models.predictors.neural.options import TrainingOptions
from models.predictors.neural.sentences import SentenceEncoder
from models.predictors.neural.tokens import fit_vocabulary, sentence, tokens
from models.predictors.protocol import clip_to_ranges

# One in so many artists, and one in so many of the other tracks, is held back.
_HELD_BACK = 10

#: Where the state of a training run is kept, by the run's number.
Checkpoints = Callable[[int], CheckpointFile | None]
#: Called with a run's number and the epochs it has done.
OnEpoch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingTracks:
    """The training tracks of a table, and what is computed of them once."""

    inputs: NetworkInputs
    targets: NDArray[np.float32]  #: [n, 9], in each feature's unit
    tokens: Sequence[Sequence[str]]  #: Of each track
    sentences: NDArray[np.float32] | None  #: [n, width], where a sentence encoder reads the text

    @classmethod
    def of(
        cls, inputs: NetworkInputs, targets: NDArray[np.float32], encoder: SentenceEncoder | None
    ) -> "TrainingTracks":
        """Split the texts into tokens, and let the sentence encoder read them if there is one."""
        texts = list(zip(inputs.artist, inputs.title, strict=True))
        sentences = None if encoder is None else encoder.encode([sentence(*text) for text in texts])
        return cls(inputs, targets, [tokens(*text) for text in texts], sentences)

    def take(self, rows: NDArray[np.integer]) -> "TrainingTracks":
        """The given rows."""
        keys = self.inputs.rows()
        inputs = NetworkInputs.of_rows([keys[row] for row in rows])
        sentences = None if self.sentences is None else self.sentences[rows]
        return TrainingTracks(inputs, self.targets[rows], [self.tokens[row] for row in rows], sentences)

    def fit_encoder(self) -> TrackEncoder:
        """Vocabularies and scales of these tracks alone."""
        text = fit_vocabulary(self.tokens)
        if self.sentences is not None:
            # Only the names are needed then: they tell which artists are known.
            text = text.names_only()
        genres, moods = fit_labels(self.inputs.genres), fit_labels(self.inputs.moods)
        return TrackEncoder(text, genres, moods, MetadataScaler.fit(self.inputs))

    def examples(self, encoder: TrackEncoder) -> Examples:
        """These tracks as the network reads them."""
        tracks = encoder.encode(self.inputs)
        return Examples(tracks, self.targets, encoder.scaler, self.sentences)


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """The network that ships, its encoder, its intervals, and how the trainings went."""

    network: NeuralNetwork
    encoder: TrackEncoder
    intervals: IntervalTable
    epochs: int
    calibration: list[History]


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """What a calibration run said of tracks it had not seen."""

    values: NDArray[np.float32]  #: [n, 9], clipped
    targets: NDArray[np.float32]  #: [n, 9]
    strata: NDArray[np.intp]  #: [n]
    history: History


def train_network(
    tracks: TrainingTracks, options: TrainingOptions, checkpoints: Checkpoints, on_epoch: OnEpoch
) -> TrainedNetwork:
    """Run the calibration trainings, then train on all tracks for as many epochs as they found best."""
    masks = held_back_masks(tracks.inputs.artist, options)
    runs = [
        _calibrate(tracks, mask, number, options, checkpoints(number), on_epoch) for number, mask in enumerate(masks)
    ]
    epochs = round(statistics.median(run.history.best_epoch for run in runs))
    encoder = tracks.fit_encoder()
    run = Run(len(runs), tracks.examples(encoder), None, epochs)
    trainer = Trainer(run, sizes(encoder, tracks.sentences), options, checkpoints(run.number))
    network = trainer.train(lambda done: on_epoch(run.number, done))
    return TrainedNetwork(network, encoder, _intervals(runs, tracks.targets), epochs, [done.history for done in runs])


def held_back_masks(artists: Sequence[str], options: TrainingOptions) -> list[NDArray[np.bool_]]:
    """For each calibration run the tracks it never sees, [n]; no artist is held back as a whole twice."""
    rng = np.random.default_rng(options.seed)
    names, artist = np.unique([credits.partition(";")[0] for credits in artists], return_inverse=True)
    group = rng.permutation(len(names)) % _HELD_BACK
    part = rng.permutation(len(artists)) % _HELD_BACK
    masks = []
    for run in range(options.calibration_runs):
        mask = (group[artist] == run) | (part == run)
        # A table of very few artists: whole artists cannot be spared.
        masks.append(mask if mask.mean() < 0.5 else part == run)
    return masks


def sizes(encoder: TrackEncoder, sentences: NDArray[np.float32] | None) -> TableSizes:
    """Sizes of the embedding tables for an encoder."""
    n_genres, n_moods = len(encoder.genres), len(encoder.moods)
    if sentences is None:
        return TableSizes(len(encoder.text), n_genres, n_moods)
    return TableSizes(0, n_genres, n_moods, text_width=sentences.shape[1])


def _calibrate(
    tracks: TrainingTracks,
    held_back: NDArray[np.bool_],
    number: int,
    options: TrainingOptions,
    checkpoint: CheckpointFile | None,
    on_epoch: OnEpoch,
) -> _HeldBack:
    fit, rest = tracks.take(np.flatnonzero(~held_back)), tracks.take(np.flatnonzero(held_back))
    encoder = fit.fit_encoder()
    unseen = rest.examples(encoder)
    run = Run(number, fit.examples(encoder), unseen, options.max_epochs)
    trainer = Trainer(run, sizes(encoder, tracks.sentences), options, checkpoint)
    network = trainer.train(lambda done: on_epoch(number, done))
    values = clip_to_ranges(outputs(network, unseen))
    return _HeldBack(values, rest.targets, unseen.tracks.strata, trainer.history)


def _intervals(runs: Sequence[_HeldBack], targets: NDArray[np.float32]) -> IntervalTable:
    values, truth = (np.concatenate([getattr(run, name) for run in runs]) for name in ("values", "targets"))
    strata = np.concatenate([run.strata for run in runs])
    prior = prior_uncertainty(targets.astype(np.float64))
    return IntervalTable.fit(values.astype(np.float64), truth.astype(np.float64), strata, N_STRATA, prior)
