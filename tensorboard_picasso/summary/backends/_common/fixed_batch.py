"""Models that take batches of one size alone: exported graphs, programs that are compiled."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends.base import BATCH_INPUTS, out_of_memory
from tensorboard_picasso.summary.kit import report

# All rows, or some of them, perhaps repeated.
Rows = slice | NDArray[np.int64]

_NUMBER = re.compile(r"(?<![\w.])\d{1,4}(?![\w.]*\w)")
# How many of the numbers in an error are tried as the size that it wants.
_MOST_TRIED = 12


class FixedBatch:
    """Calls a model on the rows of a batch, in batches of its one size where it has one.

    That it has is found where a batch fails: one is tried, then what numbers its error holds.
    A model that has taken batches of two sizes has none, nor one that takes the batch then.

    Attributes:
      size: the one, None where none is known.
    """

    def __init__(self, name: str) -> None:
        self.size: int | None = None
        self._name = name
        self._taken: set[int] = set()

    def run(self, count: int, call: Callable[[Rows], Any]) -> list[Any]:
        """What a model makes of a batch of `count`, in parts: one, where it takes any size.

        Args:
          call: from rows of the batch to what the model makes of them, one row each.

        Returns:
          Parts with `count` rows together.

        Raises:
          Exception: what `call` raises where no size does.
        """
        size = self.size
        if size is None:
            try:
                made = [call(slice(None))]
            except Exception as e:
                if len(self._taken) > 1 or out_of_memory(e):
                    raise
                size = self._wanted(f"{e} {e.__cause__ or ''}", count, call)
                if size is None:
                    raise
                made = self._once_more(call)
                self._taken.add(size)
            if made or size is None:
                self._taken.add(count)
                return made
            self.size = size
            report.tell(
                f"fixed batch {self._name}",
                f"{self._name} takes batches of {size} alone: others are cut and padded to that",
            )
        parts = []
        for start in range(0, count, size):
            # The last row stands in for those that are missing.
            rows = np.minimum(np.arange(start, start + size), count - 1)
            parts.append(call(rows)[: count - start])
        return parts

    def _once_more(self, call: Callable[[Rows], Any]) -> list[Any]:
        """The whole batch, which a failure that has passed kept from being taken; else empty."""
        try:
            return [call(slice(None))]
        except Exception as e:
            if out_of_memory(e):
                raise
            return []

    def _wanted(self, error: str, count: int, call: Callable[[Rows], Any]) -> int | None:
        # The last line first: others may number the lines of a traceback.
        lines = [line for line in error.splitlines() if line.strip()]
        digits = _NUMBER.findall("\n".join([*lines[-1:], *lines[:-1]]))
        numbers = dict.fromkeys([1, *map(int, digits)])
        sizes = [each for each in numbers if 0 < each <= BATCH_INPUTS and each != count]
        for size in sizes[:_MOST_TRIED]:
            try:
                made = call(np.arange(size) % count)
            except Exception as e:
                if out_of_memory(e):
                    raise
                continue
            if getattr(made, "shape", ())[:1] == (size,):
                return size
        return None
