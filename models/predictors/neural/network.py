"""The network in torch: four branches to 512 numbers, fused to 256 and 128, and one head per feature.

text 384 | genre 64 | mood 32 | metadata 32 = 512 -> 256 -> 128 -> 9 heads. The text branch factorizes its 50,000 x 384
embedding into a narrow trained table and a linear map to 384 (Lan et al., 2020). Averaging commutes with the map, so
this is a mean of 384-dimensional embeddings of lower rank: a sixth of the size, and fast to train with plain AdamW.
Artists' names, words and n-grams are averaged apart, so that a name does not drown among the many n-grams of a title.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.features import FEATURE_NAMES, N_FEATURES
from models.predictors.neural.encoding import N_METADATA

#: Width of the n-gram table; `TEXT_WIDTH` is what the text branch makes of it.
TABLE_WIDTH = 64
TEXT_WIDTH, GENRE_WIDTH, MOOD_WIDTH, METADATA_WIDTH = 384, 64, 32, 32
FUSED_WIDTH = TEXT_WIDTH + GENRE_WIDTH + MOOD_WIDTH + METADATA_WIDTH
HIDDEN_WIDTH, TRUNK_WIDTH = 256, 128
DROPOUT = 0.3

#: What a head's linear output of 1 stands for. Features in 0..1 go through a sigmoid instead.
HEAD_UNITS = {"tempo": 200.0, "loudness": 60.0}

#: Rows [entries] and where each bag starts [n].
TorchBags = tuple[Tensor, Tensor]

# Small enough for the first steps to shape the table, not its random start.
_EMBEDDING_STD = 0.1
_IS_SHARE = torch.tensor([name not in HEAD_UNITS for name in FEATURE_NAMES])
_UNITS = torch.tensor([HEAD_UNITS.get(name, 1.0) for name in FEATURE_NAMES])


@dataclass(frozen=True, slots=True)
class TableSizes:
    """Rows of the three embedding tables, and how wide the text vectors are."""

    text: int  #: 0 where a sentence encoder reads the text
    genres: int
    moods: int
    text_width: int = 3 * TABLE_WIDTH


class FusionNetwork(nn.Module):
    """What follows the embedding tables; this part is exported to ONNX."""

    def __init__(self, text_width: int) -> None:
        super().__init__()
        self.text_width = text_width
        self.text = nn.Linear(text_width, TEXT_WIDTH)
        self.metadata = nn.Linear(N_METADATA, METADATA_WIDTH)
        self.hidden = nn.Linear(FUSED_WIDTH, HIDDEN_WIDTH)
        self.trunk = nn.Linear(HIDDEN_WIDTH, TRUNK_WIDTH)
        self.heads = nn.Linear(TRUNK_WIDTH, N_FEATURES)
        self.dropout = nn.Dropout(DROPOUT)

    @property
    def input_width(self) -> int:
        """Columns of the input: pooled text, genres and moods, then metadata."""
        return self.text_width + GENRE_WIDTH + MOOD_WIDTH + N_METADATA

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, 9] in their units, not clipped, and trunk activations [n, 128], from inputs [n, input_width]."""
        text, metadata = pooled[:, : self.text_width], pooled[:, -N_METADATA:]
        labels = pooled[:, self.text_width : -N_METADATA]
        fused = torch.cat([self.text(text), labels, self.metadata(metadata)], dim=1)
        hidden = self.dropout(torch.relu(self.hidden(fused)))
        trunk = self.dropout(torch.relu(self.trunk(hidden)))
        return head_features(self.heads(trunk)), trunk

    def start_at(self, means: NDArray[np.floating]) -> None:
        """Let the heads begin at the means of the training data, [9], in each feature's unit."""
        bias = [_head_output(name, float(mean)) for name, mean in zip(FEATURE_NAMES, means, strict=True)]
        with torch.no_grad():
            self.heads.bias.copy_(torch.tensor(bias))


class NeuralNetwork(nn.Module):
    """The embedding tables and the fusion network."""

    def __init__(self, sizes: TableSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.text_table = _table(sizes.text, TABLE_WIDTH)
        self.genre_table = _table(sizes.genres, GENRE_WIDTH)
        self.mood_table = _table(sizes.moods, MOOD_WIDTH)
        self.fusion = FusionNetwork(sizes.text_width)

    def forward(
        self,
        text: tuple[TorchBags, TorchBags, TorchBags] | Tensor,
        genres: TorchBags,
        moods: TorchBags,
        metadata: Tensor,
    ) -> Tensor:
        """Features [n, 9].

        Parameters
        ----------
        text
            Bags of names, of words and of n-grams, or the vectors [n, text_width] of a sentence encoder.
        genres, moods
            Bags of rows of their tables.
        metadata
            [n, N_METADATA]
        """
        vectors = [text] if isinstance(text, Tensor) else [self.text_table(*bags) for bags in text]
        pooled = torch.cat([*vectors, self.genre_table(*genres), self.mood_table(*moods), metadata], dim=1)
        features: Tensor = self.fusion(pooled)[0]
        return features


def head_features(raw: Tensor) -> Tensor:
    """Features [n, 9] in their units from the linear outputs of the heads, [n, 9]."""
    return torch.where(_IS_SHARE, torch.sigmoid(raw), raw * _UNITS)


def _table(rows: int, width: int) -> nn.EmbeddingBag:
    # A table without rows still needs one to be a table; no bag ever names it.
    table = nn.EmbeddingBag(max(rows, 1), width, mode="mean")
    nn.init.normal_(table.weight, std=_EMBEDDING_STD)
    return table


def _head_output(name: str, value: float) -> float:
    """The linear output at which a head says `value`."""
    if name in HEAD_UNITS:
        return value / HEAD_UNITS[name]
    share = min(max(value, 0.01), 0.99)
    return float(np.log(share / (1 - share)))
