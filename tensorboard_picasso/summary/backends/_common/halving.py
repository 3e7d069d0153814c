"""Batches that memory does not suffice for: halved until it does."""

from collections.abc import Callable, Hashable

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, out_of_memory


class Halving:
    """Runs batches in as few parts as memory allows, and remembers how large those may be."""

    def __init__(self) -> None:
        self._most: dict[Hashable, int] = {}

    def run(self, kind: Hashable, count: int, run: Callable[[slice], Array]) -> Array:
        """What is made of a batch, one row an input.

        Args:
          kind: of batches that take as much memory by input.
          count: inputs.
          run: from a slice of them to their rows.

        Raises:
          Exception: whatever `run` raises, but for lack of memory for several inputs.
        """
        rows: list[Array] = []
        start = 0
        while start < count or not rows:
            size = min(self._most.get(kind, count), count - start)
            try:
                rows.append(run(slice(start, start + size)))
            except Exception as e:
                if not out_of_memory(e) or size < 2:
                    raise
                self._most[kind] = size // 2
            else:
                start += size
        return rows[0] if len(rows) == 1 else np.concatenate(rows)
