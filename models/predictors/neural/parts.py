"""The files of the artifact `neural`, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from models.artifacts import Artifact, write_arrays, write_document
from models.predictors.intervals import IntervalTable
from models.predictors.neural.bags import EmbeddingTable
from models.predictors.neural.encoding import EncodedTracks, TrackEncoder

Variant = Literal["full", "int8"]
VARIANTS: tuple[Variant, ...] = ("full", "int8")

NETWORK_FILES: Mapping[Variant, str] = {"full": "model.onnx", "int8": "model-int8.onnx"}
TABLE_FILES: Mapping[Variant, str] = {"full": "tables.npz", "int8": "tables-int8.npz"}
_ENCODING_FILE, _NUMBERS_FILE = "encoding.json", "numbers.npz"


@dataclass(frozen=True, slots=True)
class Tables:
    """The embedding tables of one variant."""

    text: EmbeddingTable
    genres: EmbeddingTable
    moods: EmbeddingTable

    def pool(self, tracks: EncodedTracks, sentences: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """The network's input [n, input_width]: pooled text, or the vectors of a sentence encoder, labels, metadata."""
        bags = (tracks.names, tracks.words, tracks.grams)
        text = [self.text.pool(each) for each in bags] if sentences is None else [sentences]
        labels = [self.genres.pool(tracks.genres), self.moods.pool(tracks.moods)]
        return np.concatenate([*text, *labels, tracks.metadata], axis=1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The content of their file."""
        named = {"text": self.text, "genres": self.genres, "moods": self.moods}
        values = {f"{name}_values": table.values for name, table in named.items()}
        return values | {f"{name}_scales": table.scales for name, table in named.items()}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> "Tables":
        """The inverse of `arrays`."""
        names = ("text", "genres", "moods")
        return cls(*(EmbeddingTable(arrays[f"{name}_values"], arrays[f"{name}_scales"]) for name in names))


@dataclass(frozen=True, slots=True)
class Network:
    """One variant of the trained network."""

    tables: Tables
    onnx: bytes

    @classmethod
    def read(cls, artifact: Artifact, variant: Variant) -> "Network":
        """The files of a variant."""
        return cls(Tables.restore(artifact.arrays(TABLE_FILES[variant])), artifact.read(NETWORK_FILES[variant]))


@dataclass(frozen=True, slots=True)
class NeuralParts:
    """Everything a predictor is made of."""

    encoder: TrackEncoder
    sentence_encoder: str | None  #: The sentence-transformers model that reads the text; None: the n-gram table
    intervals: IntervalTable
    networks: Mapping[Variant, Network]
    default_variant: Variant

    def with_fresh_encoder(self) -> "NeuralParts":
        """The same with nothing in the caches of the encoder."""
        scaler = self.encoder.scaler
        return replace(self, encoder=TrackEncoder.restore(self.encoder.vocabulary(), scaler.means, scaler.stds))

    def write(self, folder: Path) -> None:
        """Write the data files of the artifact into `folder`."""
        settings = {"sentence_encoder": self.sentence_encoder, "default_variant": self.default_variant}
        write_document(folder / _ENCODING_FILE, self.encoder.vocabulary() | settings)
        scales = {"means": self.encoder.scaler.means, "stds": self.encoder.scaler.stds}
        write_arrays(folder / _NUMBERS_FILE, scales | self.intervals.arrays())
        for variant, network in self.networks.items():
            write_arrays(folder / TABLE_FILES[variant], network.tables.arrays())
            (folder / NETWORK_FILES[variant]).write_bytes(network.onnx)

    @classmethod
    def read(cls, artifact: Artifact, *variants: Variant) -> "NeuralParts":
        """Read an artifact with the given variants of its network; with the default one where none is given.

        Raises
        ------
        ConfigurationError
            `artifact-missing` or `artifact-corrupt`.
        """
        document, numbers = artifact.document(_ENCODING_FILE), artifact.arrays(_NUMBERS_FILE)
        default = document["default_variant"]
        if default not in VARIANTS:
            reason = (
                f"{artifact.folder} names the unknown variant {default!r}. Train it again, or reinstall MusicSpace."
            )
            raise ConfigurationError("artifact-corrupt", reason)
        return cls(
            encoder=TrackEncoder.restore(document, numbers["means"], numbers["stds"]),
            sentence_encoder=document["sentence_encoder"],
            intervals=IntervalTable.restore(numbers),
            networks={variant: Network.read(artifact, variant) for variant in variants or (default,)},
            default_variant=default,
        )
