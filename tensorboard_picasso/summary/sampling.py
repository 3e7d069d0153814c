"""A class-balanced sample of a dataset, in one streaming pass."""

import hashlib
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from tensorboard_picasso.summary import report
from tensorboard_picasso.summary.images import Array, is_tensor, to_numpy
from tensorboard_picasso.summary.labels import to_class

# An example that competes for a place: its key, negated so that a heap's head
# is the one to drop, its number in this reading, the image, its index in the dataset.
_Example = tuple[float, int, Any, int | None]

# Keys of dicts that say of themselves what they hold.
_IMAGES = ("image", "images", "img", "pixel_values")
_LABELS = ("label", "labels", "target", "targets")

# What tf.data says of a dataset that never ends.
_INFINITE = -1

# Reading more batches than this is told, in case there is no end.
_MANY = 10_000


def balanced(
    dataset: Any,
    n: int,
    seed: int,
    batches: int | None,
    names: tuple[str, ...] = (),
    indices: Iterator[Sequence[int | None]] | None = None,
    keys: Any = None,
) -> tuple[list[Any], list[int], list[int | None]]:
    """Draw `n` images, as evenly over the classes as there are images.

    The draw depends on the order of the examples and the seed, not on the batch
    size. At most 2n + 1 images are kept at any time: a class's examples compete
    by a random key, and so do the classes where there are more of them than `n`.

    Args:
      dataset: a `tf.data.Dataset` or any iterable of batches, or of single examples:
        (images, labels), or dicts of them; labels are indices or one-hot.
      n: how many images; fewer where the dataset has fewer.
      seed: of the keys.
      batches: how many batches to read at most; None reads all.
      names: of the classes, where labels may be names.
      indices: of each batch's examples in the dataset, where they come in another order
        than the dataset's; None: they come in order.
      keys: of a batch's images and labels, None where it tells.

    Returns:
      Images (arrays, of PyTorch's tensors tensors), labels, and indices in the dataset
      (None: not known), ascending in label.

    Raises:
      TypeError, ValueError: it is no such dataset, is empty or never ends.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n={n!r}: pass an integer from 1")
    if keys is not None and not (isinstance(keys, tuple | list) and len(keys) == 2):
        raise ValueError(f"keys={keys!r}: pass (images, labels), the keys of both")
    pair = None if keys is None else (keys[0], keys[1])
    kept: dict[int, list[_Example]] = {}
    number = 0
    for batch in _batches(dataset, batches):
        images, labels = _pair(batch, pair)
        places = _places(indices, number, len(labels))
        for image, label, place in zip(images, labels, places, strict=True):
            example = (-_key(seed, number), number, image, place)
            _offer(kept, _label(label, names), example, n, seed)
            number += 1
    if not kept:
        raise ValueError("the dataset is empty: it gave no batch")
    return _deal(kept, n)


def _batches(dataset: Any, batches: int | None) -> Iterator[Any]:
    if batches is not None and (not isinstance(batches, int | np.integer) or batches < 1):
        raise ValueError(f"batches={batches!r}: pass an integer from 1")
    indexed = hasattr(dataset, "__getitem__") and isinstance(dataset, Sized)
    if isinstance(dataset, Mapping | str) or not (isinstance(dataset, Iterable) or indexed):
        raise TypeError(f"{type(dataset).__name__} is no dataset: pass batches of (images, labels)")
    if batches is None and _endless(dataset):
        raise ValueError("the dataset never ends: pass batches=, how many to read")
    # Some loaders that state a length start over at the end instead of stopping.
    length = _length(dataset)
    limit = min((each for each in (batches, length) if each is not None), default=None)
    each = dataset if isinstance(dataset, Iterable) else map(dataset.__getitem__, itertools.count())
    for number, batch in enumerate(itertools.islice(each, limit)):
        if number == _MANY and limit is None:
            report.tell("long dataset", f"from_dataset read {_MANY} batches; batches= limits it")
        yield batch


def _places(
    indices: Iterator[Sequence[int | None]] | None, first: int, count: int
) -> Sequence[int | None]:
    """The examples of a batch in the dataset; None where that is not known."""
    if indices is None:
        return range(first, first + count)
    found = next(indices)
    # A batch may have lost examples on its way, such as damaged files: nobody tells which.
    return found if len(found) == count else [None] * count


def _length(dataset: Any) -> int | None:
    if not isinstance(dataset, Sized) or _is_tf(dataset):
        return None
    try:
        return len(dataset)
    except TypeError:  # a loader of a dataset that does not tell
        return None


def _is_tf(dataset: Any) -> bool:
    # Its len() raises where the length is unknown.
    return callable(getattr(dataset, "cardinality", None))


def _endless(dataset: Any) -> bool:
    if isinstance(dataset, itertools.cycle | itertools.count):
        return True
    return _is_tf(dataset) and int(dataset.cardinality()) == _INFINITE


def _pair(batch: Any, keys: tuple[Any, Any] | None) -> tuple[Any, Array]:
    if not isinstance(batch, Mapping | tuple | list) or len(batch) < 2:
        kind = "one element" if isinstance(batch, tuple | list) else type(batch).__name__
        raise TypeError(
            f"the dataset gives {kind}: give (images, labels), or without labels"
            " Probe(name, images)"
        )
    one, other = keys or (_known_keys(batch) if isinstance(batch, Mapping) else (0, 1))
    try:
        found = batch[one], batch[other]
    except (KeyError, IndexError, TypeError):
        raise ValueError(
            f"keys={keys!r}, and the dataset gives {_listed(batch)}: pass those of the images and"
            " of the labels"
        ) from None
    # Tensors stay what they are: they have their channels first.
    images = found[0] if is_tensor(found[0]) else to_numpy(found[0], "dataset images")
    labels = to_numpy(found[1], "dataset labels")
    if labels.ndim == 0:  # single examples instead of batches
        images, labels = images[None], labels[None]
    if images.ndim == 0 or len(images) != len(labels):
        raise ValueError(f"a batch has images {tuple(images.shape)} and labels {labels.shape}")
    return images, labels


def _known_keys(batch: Mapping[Any, Any]) -> tuple[Any, Any]:
    """Under which keys a dict has its images and labels.

    Raises:
      ValueError: the names of its keys do not tell.
    """
    named = [[key for key in batch if key in names] for names in (_IMAGES, _LABELS)]
    if any(len(each) != 1 for each in named):
        raise ValueError(
            f"the dataset gives {_listed(batch)}: pass keys=(images, labels), which of them to read"
        )
    return named[0][0], named[1][0]


def _listed(batch: Any) -> str:
    if isinstance(batch, Mapping):
        return f"{type(batch).__name__} with keys {', '.join(map(repr, batch))}"
    return f"{len(batch)} elements, 0 to {len(batch) - 1}"


def _label(label: Array, names: tuple[str, ...]) -> int:
    if label.size == 1:
        value = label.reshape(()).item()
        return to_class(int(value) if isinstance(value, bool) else value, names, "dataset label")
    if label.ndim != 1 or np.count_nonzero(label) != 1 or label.max() != 1:
        raise ValueError(
            f"dataset label of shape {label.shape} is neither an index nor one-hot: give"
            " labels.argmax(axis=-1)"
        )
    return int(label.argmax())


def _key(*parts: int) -> float:
    """A number in 0..1 that depends on these integers alone."""
    digest = hashlib.blake2b(repr(tuple(map(int, parts))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2.0**64


def _offer(
    kept: dict[int, list[_Example]], label: int, example: _Example, n: int, seed: int
) -> None:
    if label not in kept and len(kept) == n:
        last = max(kept, key=lambda each: _key(seed, -1, each))
        if _key(seed, -1, label) > _key(seed, -1, last):
            return
        del kept[last]
    heap = kept.setdefault(label, [])
    if len(heap) == n and example[0] < heap[0][0]:
        return
    # A copy: a view would hold the whole batch.
    image = example[2]
    image = image.detach().clone() if is_tensor(image) else np.array(image)
    heapq.heappush(heap, (*example[:2], image, example[3]))
    if len(heap) > n or sum(map(len, kept.values())) > 2 * n:
        # With more than 2n kept, no fair deal can need the last of the fullest class.
        heapq.heappop(kept[max(kept, key=lambda each: (len(kept[each]), each))])


def _deal(kept: dict[int, list[_Example]], n: int) -> tuple[list[Any], list[int], list[int | None]]:
    """One example of each class in turn until `n` are dealt."""
    queues = {label: sorted(kept[label], reverse=True) for label in sorted(kept)}
    turns = itertools.zip_longest(*queues.values())
    rounds = ((label, each) for turn in turns for label, each in zip(queues, turn, strict=True))
    dealt = itertools.islice(((label, each) for label, each in rounds if each is not None), n)
    ordered = sorted(dealt, key=lambda pair: pair[0])
    labels = [label for label, _ in ordered]
    return [each[2] for _, each in ordered], labels, [each[3] for _, each in ordered]
