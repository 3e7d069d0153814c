"""PyTorch's `DataLoader`s and `Dataset`s."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader


@contextmanager
def reading(dataset: Any, seed: int) -> Iterator[Any]:
    """What to read, in an order that the seed alone decides; random numbers stay as they were.

    Two trainings with seeds of their own then watch the same images.
    """
    generators = [torch.default_generator]
    if isinstance(dataset, DataLoader):
        # A copy: workers that stay between epochs would start with our random numbers.
        dataset = copy.copy(dataset)
        dataset._iterator = None
        given = (dataset.generator, getattr(dataset.sampler, "generator", None))
        generators += [each for each in given if each is not None]
    states = [each.get_state() for each in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield dataset
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def class_names(dataset: Any) -> Any:
    """`class_names`, or `classes` as torchvision calls them, also of what a dataset wraps."""
    while dataset is not None:
        for name in ("class_names", "classes"):
            if (found := getattr(dataset, name, None)) is not None:
                return found
        dataset = getattr(dataset, "dataset", None)
    return None


def tensor(array: NDArray[Any]) -> Any:
    """An array as a tensor, without a copy."""
    return torch.from_numpy(array)
