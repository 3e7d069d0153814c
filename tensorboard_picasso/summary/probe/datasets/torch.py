"""PyTorch's `DataLoader`s and `Dataset`s."""

import copy
import itertools
import operator
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset

from tensorboard_picasso.stored.record import MAX_SOURCES
from tensorboard_picasso.summary.probe.datasets import Reading


@contextmanager
def reading(dataset: Any, seed: int) -> Iterator[Reading]:
    """What to read, in an order that the seed alone decides; random numbers stay as they were.

    Two trainings with seeds of their own then watch the same images. Of a loader the
    indices are those that its sampler takes of `loader.dataset`.
    """
    generators = [torch.default_generator]
    indices: Iterator[Sequence[int | None]] | None = None
    if isinstance(dataset, DataLoader):
        # A copy: workers that stay between epochs would start with our random numbers.
        dataset = copy.copy(dataset)
        dataset._iterator = None
        # Workers that hand over whatever is ready first have no order that the seed decides.
        dataset.in_order = True
        if not isinstance(dataset.dataset, IterableDataset):
            noted = _Noted(dataset._index_sampler)
            # Assigning is refused once a loader is made; this one is ours.
            name = "sampler" if dataset.batch_sampler is None else "batch_sampler"
            object.__setattr__(dataset, name, noted)
            # A loader with an iteration of its own may leave batches out, split or swap them.
            own = type(dataset).__iter__ is not DataLoader.__iter__
            indices = itertools.repeat(()) if own else noted.indices()
        given = (dataset.generator, getattr(dataset.sampler, "generator", None))
        generators += [each for each in given if each is not None]
    states = [each.get_state() for each in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield Reading(dataset, indices)
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


class _Noted:
    """A sampler, or a sampler of batches, that notes what the loader takes from it."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        # Ahead of what was read, where workers fetch.
        self._taken: deque[Sequence[int | None]] = deque()

    def __iter__(self) -> Iterator[Any]:
        for drawn in self._sampler:
            several = isinstance(drawn, Sequence | np.ndarray | torch.Tensor) and np.ndim(drawn)
            self._taken.append([_index(one) for one in (drawn if several else [drawn])])
            yield drawn

    def __len__(self) -> int:
        return len(self._sampler)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def indices(self) -> Iterator[Sequence[int | None]]:
        """Of each batch in turn; empty where it was made past this sampler."""
        while True:
            yield self._taken.popleft() if self._taken else []


def _index(value: Any) -> int | None:
    """An index; None for what a sampler of another kind takes, such as an index and a size."""
    try:
        index = operator.index(value)
    except TypeError:
        return None
    return index if 0 <= index < MAX_SOURCES else None


def class_names(dataset: Any) -> Any:
    """`class_names`, or `classes` as torchvision calls them, also of what a dataset wraps."""
    while dataset is not None:
        for name in ("class_names", "classes"):
            if (names := getattr(dataset, name, None)) is not None:
                return names
        dataset = getattr(dataset, "dataset", None)
    return None


def tensor(array: NDArray[Any]) -> Any:
    """An array as a tensor, without a copy."""
    return torch.from_numpy(array)
