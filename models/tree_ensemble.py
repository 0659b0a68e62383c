"""Boosted trees at inference: an ONNX file run by ONNX Runtime, whichever library grew them (see `tree_export`)."""

import numpy as np
from numpy.typing import NDArray

from models.onnx_session import open_session

#: Names of the only input and the only output of the graph.
INPUT, OUTPUT = "x", "y"


class TreeEnsemble:
    """k sums of regression trees over the same c columns.

    Parameters
    ----------
    content
        What `tree_export.export_trees` wrote.
    threads
        Threads of one prediction. With one, the default, no thread is started, so a loaded model survives a fork, and
        a row gets the same bits in any batch; with several, a small batch adds its trees up in another order.
    name
        What the model is called in messages.

    Raises
    ------
    ConfigurationError
        `artifact-corrupt`: the content is no such model.
    """

    def __init__(self, content: bytes, threads: int = 1, name: str = "the trees") -> None:
        self._session = open_session(content, threads, name)

    @property
    def n_columns(self) -> int:
        """c, the number of input columns."""
        return int(self._session.get_inputs()[0].shape[1])

    @property
    def n_targets(self) -> int:
        """k, the number of outputs."""
        return int(self._session.get_outputs()[0].shape[1])

    def predict(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums of the leaves that each row falls into.

        Parameters
        ----------
        columns
            [n, c], float32; NaN means missing, and takes the way it took in training. n may be 0.

        Returns
        -------
        sums
            [n, k], float32, in the unit of the targets.
        """
        if not len(columns):
            return np.empty((0, self.n_targets), dtype=np.float32)
        sums: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: columns})[0]
        return sums
