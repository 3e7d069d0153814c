"""Memory that does not suffice: how it is known, and batches that are halved until it does."""

from collections.abc import Callable, Hashable

import numpy as np

from tensorboard_picasso.summary.backends._common.question import Array


def out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that failed, which says nothing of the model.

    Frameworks' errors are known by their names and texts, without importing them.
    """
    names = ("ResourceExhaustedError", "OutOfMemoryError")
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind in names:
        return True
    # PyTorch's, of processors, of Apple's GPUs and of libraries for Nvidia's; and XLA's.
    texts = ("can't allocate memory", "out of memory", "_ALLOC_FAILED", "RESOURCE_EXHAUSTED")
    kinds = ("RuntimeError", "AcceleratorError", "XlaRuntimeError", "JaxRuntimeError")
    return kind in kinds and any(text in str(error) for text in texts)


class Halving:
    """Runs batches in as few parts as memory allows, and remembers how large those may be."""

    def __init__(self) -> None:
        self._most: dict[Hashable, int] = {}

    def run(
        self,
        kind: Hashable,
        count: int,
        run: Callable[[slice], Array],
        most: int | None = None,
    ) -> Array:
        """What is made of a batch, one row an input.

        Args:
          kind: of batches that take as much memory by input.
          count: inputs.
          run: from a slice of them to their rows.
          most: how many inputs a part has at most; None: all.

        Raises:
          Exception: whatever `run` raises, but for lack of memory for several inputs.
        """
        rows: list[Array] = []
        start = 0
        while start < count or not rows:
            size = min(self._most.get(kind, most or count), count - start)
            try:
                rows.append(run(slice(start, start + size)))
            except Exception as e:
                if not out_of_memory(e) or size < 2:
                    raise
                self._most[kind] = size // 2
            else:
                start += size
        return rows[0] if len(rows) == 1 else np.concatenate(rows)
