"""One file a framework whose datasets are read in a way of their own.

It has the name of the package that they come from, with `reading` and `class_names`.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from tensorboard_picasso.summary.kit import frameworks


@dataclass(frozen=True)
class Reading:
    """What to read of a dataset.

    data: to iterate over. indices: of each batch that was read the indices of its examples in
      the dataset, one list a batch; an index is None where it is not known. None where the
      examples come in the dataset's order.
    """

    data: Any
    indices: Iterator[Sequence[int | None]] | None = None


def reading(dataset: Any, seed: int) -> AbstractContextManager[Reading]:
    """What to read of a dataset, while the context lasts.

    Args:
      dataset: the user's.
      seed: of the order, where the dataset shuffles by itself.
    """
    module = _module(dataset)
    return nullcontext(Reading(dataset)) if module is None else module.reading(dataset, seed)


def class_names(dataset: Any) -> Any:
    """The names of the classes, None where the dataset does not tell."""
    module = _module(dataset)
    return getattr(dataset, "class_names", None) if module is None else module.class_names(dataset)


def tensor(array: NDArray[Any]) -> Any:
    """An array as PyTorch's tensor, for images that were handed in as such."""
    from tensorboard_picasso.summary.probe.datasets import torch

    return torch.tensor(array)


def _module(dataset: Any) -> ModuleType | None:
    for name in frameworks.packages(dataset):
        file = f"{__name__}.{name}"
        if name.isidentifier() and importlib.util.find_spec(file):
            return importlib.import_module(file)
    return None
