"""Answers kept for tracks asked for before: bounded, exact, safe between threads."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What is known of a track, hashable; see `NetworkInputs.rows`.
Key = tuple[Any, ...]


class AnswerCache:
    """The least recently used answers leave when it is full.

    A key starts with artist, title and year and goes on with every other input: two songs of one name, or one song
    with other genres, never get each other's answer.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._answers: OrderedDict[Key, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()

    def get_all(
        self, keys: Sequence[Key], compute: Callable[[list[Key]], NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """The answer to each key; `compute` gives one row for each of the new ones, every key once."""
        with self._lock:
            known = {key: self._answers[key] for key in set(keys) if key in self._answers}
            for key in known:
                self._answers.move_to_end(key)
        new = [key for key in dict.fromkeys(keys) if key not in known]
        if new:
            # A copy of each row: a view would keep the whole batch alive for as long as one of its tracks is asked for.
            known |= {key: row.copy() for key, row in zip(new, compute(new), strict=True)}
            self._remember({key: known[key] for key in new})
        return [known[key] for key in keys]

    def _remember(self, answers: dict[Key, NDArray[np.float32]]) -> None:
        with self._lock:
            self._answers.update(answers)
            while len(self._answers) > self.size:
                self._answers.popitem(last=False)
