"""What a training can be told to do otherwise than by default."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.features import FEATURE_NAMES

#: Weight of each feature in the loss. Loudness counts as much as energy: it follows from the same cues.
LOSS_WEIGHTS = {
    "danceability": 1.2,
    "energy": 1.0,
    "valence": 1.0,
    "acousticness": 1.5,
    "instrumentalness": 1.5,
    "liveness": 2.0,
    "speechiness": 2.0,
    "tempo": 1.2,
    "loudness": 1.0,
}
#: Errors are divided by these, so that those of tempo (BPM) and loudness (dB) compare with those of a share in 0..1.
LOSS_SCALES = {name: {"tempo": 120.0, "loudness": 24.0}.get(name, 1.0) for name in FEATURE_NAMES}


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Defaults are the platform's."""

    loss: Literal["mse", "l1"] = "mse"
    max_epochs: int = 14
    patience: int = 4  #: Epochs without a smaller validation error before a training stops
    batch_size: int = 256
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-4  #: Where cosine annealing ends
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    #: Shares of what is blanked at random in training, so that a missing field, or an unknown artist, is no surprise.
    drop_tokens: float = 0.4
    drop_artist_name: float = 0.3
    drop_fields: float = 0.15
    drop_everything: float = 0.02  #: A track of which nothing is known should get about the mean
    calibration_runs: int = 3  #: Networks trained without a tenth of the artists and tracks, for epochs and intervals
    seed: int = 42
    #: A sentence-transformers model that reads the text instead of the trained n-gram table.
    sentence_encoder: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the model card and for recognizing a checkpoint."""
        return asdict(self)
