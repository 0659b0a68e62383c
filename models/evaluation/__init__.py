"""How good predictors are: mean normalized error (MNE) and interval coverage on tracks with known features.

`evaluate` scores one predictor on the holdouts; `compare` sets several side by side. See `errors` for the measure.
"""

from models.evaluation.cost import CHUNK_SIZE, measure_speed
from models.evaluation.errors import interval_coverage, mne_eight, normalized_errors
from models.evaluation.holdouts import BENCHMARK_POPULARITY, Evaluation, Score, evaluate

__all__ = [
    "BENCHMARK_POPULARITY",
    "CHUNK_SIZE",
    "Evaluation",
    "Score",
    "evaluate",
    "interval_coverage",
    "measure_speed",
    "mne_eight",
    "normalized_errors",
]
