"""A class-balanced sample of a dataset, in one streaming pass."""

import hashlib
import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.images import to_numpy


def _key(seed: int, *parts: int) -> float:
    """A number in 0..1 that depends on these integers alone."""
    digest = hashlib.blake2b(repr((seed, *parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2.0**64


def _batches(dataset: Any, batches: int | None) -> Iterator[Any]:
    cardinality = getattr(dataset, "cardinality", None)
    # tf.data says -1 for a dataset that never ends.
    if batches is None and callable(cardinality) and int(cardinality()) == -1:
        raise ValueError("the dataset never ends: pass batches= to say how many to read")
    if not isinstance(dataset, Iterable):
        raise TypeError(f"{type(dataset).__name__} is no dataset: pass batches of (images, labels)")
    return itertools.islice(iter(dataset), batches)


def _label(label: NDArray[Any]) -> int:
    if label.size == 1:
        return int(label.reshape(()))
    return int(label.argmax())  # one-hot


def balanced(
    dataset: Any, n: int, seed: int, batches: int | None
) -> tuple[list[NDArray[Any]], list[int]]:
    """Draw `n` images, as evenly over the classes as there are images.

    Depends on the order of the examples and the seed, not on the batch size.
    Keeps O(n) examples at any time: a class's examples compete by a random
    key, and so do the classes where there are more of them than `n`.

    Args:
      dataset: a `tf.data.Dataset` or any iterable of (images, labels) batches.
      n: how many. seed: of the draw. batches: how many batches to read at most.

    Returns:
      Images and labels, ascending in label.

    Raises:
      ValueError, TypeError: not such a dataset, empty, or without an end.
    """
    if n < 1:
        raise ValueError(f"n={n}: pass at least 1")
    kept: dict[int, list[tuple[float, int, NDArray[Any]]]] = {}
    number = 0
    for batch in _batches(dataset, batches):
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise TypeError(
                f"a batch is a {type(batch).__name__}: map the dataset to (images, labels) first"
            )
        images, labels = to_numpy(batch[0]), to_numpy(batch[1])
        if len(images) != len(labels):
            raise ValueError(f"a batch has {len(images)} images and {len(labels)} labels")
        for image, label in zip(images, labels, strict=True):
            _offer(kept, _label(label), (-_key(seed, number), number, image), n, seed)
            number += 1
    if not kept:
        raise ValueError("the dataset is empty")
    return _deal(kept, n)


def _offer(
    kept: dict[int, list[tuple[float, int, NDArray[Any]]]],
    label: int,
    example: tuple[float, int, NDArray[Any]],
    n: int,
    seed: int,
) -> None:
    if label not in kept and len(kept) >= n:
        worst = max(kept, key=lambda each: _key(seed, -1, each))
        if _key(seed, -1, label) > _key(seed, -1, worst):
            return
        del kept[worst]
    heap = kept.setdefault(label, [])
    if len(heap) < n:
        heapq.heappush(heap, (example[0], example[1], np.array(example[2])))
    elif example[0] > heap[0][0]:
        heapq.heapreplace(heap, (example[0], example[1], np.array(example[2])))
    _shrink(kept, n)


def _shrink(kept: dict[int, list[tuple[float, int, NDArray[Any]]]], n: int) -> None:
    """Forget what no fair deal can need: at most 2n examples stay."""
    while sum(map(len, kept.values())) > 2 * n:
        fullest = max(kept, key=lambda label: (len(kept[label]), label))
        heapq.heappop(kept[fullest])


def _deal(
    kept: dict[int, list[tuple[float, int, NDArray[Any]]]], n: int
) -> tuple[list[NDArray[Any]], list[int]]:
    queues = {label: sorted(heap, reverse=True) for label, heap in sorted(kept.items())}
    dealt: dict[int, list[NDArray[Any]]] = {label: [] for label in queues}
    left = n
    while left and any(queues.values()):
        for label, queue in queues.items():
            if queue and left:
                dealt[label].append(queue.pop(0)[2])
                left -= 1
    images = [image for each in dealt.values() for image in each]
    return images, [label for label, each in dealt.items() for _ in each]
