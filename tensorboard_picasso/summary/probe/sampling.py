"""A class-balanced sample of a dataset, in one streaming pass."""

import hashlib
import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import is_tensor, to_numpy
from tensorboard_picasso.summary.probe import groups as grouping
from tensorboard_picasso.summary.probe.labels import are_hot, are_soft, are_values, to_class

# An example that competes for a place: its key, negated so that a heap's head
# is the one to drop, its number in this reading, the image, its label, its index in the dataset,
# its group.
_Example = tuple[float, int, Any, Any, int | None, str | None]
# As what it competes: a class, or several.
_Classes = tuple[int, ...]
# The same within a group; "": in none.
_Side = tuple[_Classes, str]

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
    raw: bool = False,
    groups: Any = None,
) -> tuple[list[Any], list[Any] | None, list[int | None], list[str | None] | None]:
    """Draw `n` images, as evenly over the classes, and their groups, as there are images.

    Where any number of labels is true of an image, over their sets; where labels are no
    classes, over the images.

    The draw depends on the order of the examples and the seed, not on the batch
    size. At most 2n + 1 images are kept at any time: a class's examples compete
    by a random key, and so do the classes where there are more of them than `n`.

    Args:
      dataset: a `tf.data.Dataset` or any iterable of batches, or of single examples:
        (images, labels), or dicts of them; labels are as `labels.labels` has them.
      n: how many images; fewer where the dataset has fewer.
      seed: of the keys.
      batches: how many batches to read at most; None reads all.
      names: of the classes, where labels may be names.
      indices: of each batch's examples in the dataset, where they come in another order
        than the dataset's; None: they come in order.
      keys: of a batch's images and labels, None where it tells.
      raw: the model's output is values, and so are labels of floats.
      groups: of a batch's groups the key, as of `keys`; or a list of the whole dataset's; None: it
        has none.

    Returns:
      Images (arrays, of PyTorch's tensors tensors), labels as they are (None: neither
      classes nor numbers), indices in the dataset (None: not known), and names of groups (None:
      `groups` is), ascending in class, then in group.

    Raises:
      TypeError, ValueError: it is no such dataset, is empty or never ends.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n={n!r}: pass an integer from 1")
    if keys is not None and not (isinstance(keys, tuple | list) and len(keys) == 2):
        raise ValueError(f"keys={keys!r}: pass (images, labels), the keys of both")
    pair = None if keys is None else (keys[0], keys[1])
    kept: dict[_Side, list[_Example]] = {}
    number, plain, lists, named = 0, False, _Lists(), _Groups(groups)
    for batch in _batches(dataset, batches):
        images, labels = _pair(batch, pair)
        places = _places(indices, number, len(labels))
        each_of = zip(images, labels, places, named.of(batch, places), strict=True)
        for image, label, place, group in each_of:
            lists.note(label)
            classes = None if plain else _classes(label, names, raw)
            if classes is None and not plain:
                # Whole numbers among values were no classes.
                plain, kept = True, _without_classes(kept, n)
            example = (-_key(seed, number), number, image, label, place, group)
            _offer(kept, (classes or (), group or ""), example, n, seed)
            number += 1
    if not number:
        raise ValueError("the dataset is empty: it gave no batch")
    drawn, drawn_labels, sources, of_groups = _deal(kept, n)
    drawn_groups = None if groups is None else of_groups
    if drawn_labels[0] is None or _ndim(drawn_labels[0]) > 1:
        report.tell("no labels", "the dataset's labels are neither classes nor numbers: left out")
        return drawn, None, sources, drawn_groups
    return (
        drawn,
        [set(each) for each in drawn_labels] if lists.of_classes else drawn_labels,
        sources,
        drawn_groups,
    )


class _Groups:
    """The group of each example: in its batch, or in a list of the whole dataset's."""

    def __init__(self, given: Any) -> None:
        self._key = given if isinstance(given, str | int | np.integer) else None
        listed = given is not None and self._key is None
        self._all = grouping.listed(given) if listed else None

    def of(self, batch: Any, places: Sequence[int | None]) -> Sequence[str | None]:
        """Their names, of a batch whose examples have these places in the dataset."""
        if self._all is not None:
            return [grouping.name(self._at(place, self._all)) for place in places]
        if self._key is None:
            return [None] * len(places)
        try:
            given = batch[self._key]
        except (KeyError, IndexError, TypeError):
            raise ValueError(
                f"groups={self._key!r}, and the dataset gives {_listed(batch)}: pass that of the"
                " groups"
            ) from None
        found = grouping.listed(given)
        if len(found) != len(places):
            raise ValueError(f"a batch has {len(places)} images and {len(found)} groups")
        return list(map(grouping.name, found))

    @staticmethod
    def _at(place: int | None, names: list[Any]) -> Any:
        if place is None:
            raise ValueError(
                "groups= is a list, and which examples the images are is not known: pass the key"
                " or index of the groups in a batch"
            )
        if place >= len(names):
            raise ValueError(f"groups: {len(names)}, and there are more examples: pass one each")
        return names[place]


class _Lists:
    """Labels that are lists: of classes, once one of them cannot be a row of 0 and 1."""

    def __init__(self) -> None:
        self._length: int | None = None
        self.of_classes = False

    def note(self, label: Any) -> None:
        """Take note of one."""
        if isinstance(label, list) and not self.of_classes:
            length = len(label) if self._length is None else self._length
            other = any(each not in (0, 1) for each in label)
            self.of_classes = len(label) != length or not length or other
            self._length = length


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
    places = next(indices)
    # A batch may have lost examples on its way, such as damaged files: nobody tells which.
    return places if len(places) == count else [None] * count


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


def _pair(batch: Any, keys: tuple[Any, Any] | None) -> tuple[Any, Any]:
    if not isinstance(batch, Mapping | tuple | list) or len(batch) < 2:
        kind = "one element" if isinstance(batch, tuple | list) else type(batch).__name__
        raise TypeError(
            f"the dataset gives {kind}: give (images, labels), or without labels"
            " Probe(name, images)"
        )
    one, other = keys or (_known_keys(batch) if isinstance(batch, Mapping) else (0, 1))
    try:
        parts = batch[one], batch[other]
    except (KeyError, IndexError, TypeError):
        raise ValueError(
            f"keys={keys!r}, and the dataset gives {_listed(batch)}: pass those of the images and"
            " of the labels"
        ) from None
    # Tensors stay what they are: they have their channels first.
    images = parts[0] if is_tensor(parts[0]) else to_numpy(parts[0], "dataset images")
    labels = _labels(parts[1], len(images) if images.ndim else 0)
    # Single examples instead of batches, perhaps with a row of labels.
    row = isinstance(labels, np.ndarray) and labels.ndim == 1 and images.ndim in (2, 3)
    if _ndim(labels) == 0 or (row and len(images) != len(labels)):
        images, labels = images[None], labels[None]
    if images.ndim == 0 or len(images) != len(labels):
        shape = getattr(labels, "shape", f"({len(labels)},)")
        raise ValueError(f"a batch has images {tuple(images.shape)} and labels {shape}")
    return images, labels


def _labels(given: Any, count: int) -> Any:
    """A batch's labels, one an image: an array, or a list of lists; None what is no label."""
    if isinstance(given, Mapping):
        return [None] * count
    if hasattr(given, "to_list") and hasattr(given, "row_lengths"):  # tf.RaggedTensor
        return given.to_list()
    if isinstance(given, list | tuple) and given:
        if all(isinstance(each, Mapping) for each in given):
            return [None] * len(given)
        if all(isinstance(each, list | tuple) for each in given):
            rows = [list(each) for each in given]
            whole = all(
                isinstance(label, int | str | bytes | np.integer) for row in rows for label in row
            )
            if whole:
                return rows
    return to_numpy(given, "dataset labels")


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


def _classes(label: Any, names: tuple[str, ...], raw: bool) -> _Classes | None:
    """What an example competes as: its true classes; None where its label is none."""
    if label is None or _ndim(label) > 1:
        return None
    if isinstance(label, list):
        return tuple(sorted({to_class(each, names, "dataset label") for each in label}))
    if label.size > 1:
        if are_hot(label) and not (raw and label.dtype.kind == "f"):
            return tuple(np.flatnonzero(label).tolist())
        if label.dtype.kind in "iu":
            raise ValueError(
                "the dataset's labels are rows of whole numbers beside 0 and 1: give rows of 0 and"
                " 1, one a class, where they are classes, floats where they are values"
            )
        return (int(label.argmax()),) if are_soft(label) and not raw else None
    value = label.reshape(())
    if are_values(value, raw):
        return None
    plain = value.item()
    plain = int(plain) if isinstance(plain, bool) else plain
    return (to_class(plain, names, "dataset label"),)


def _ndim(label: Any) -> int:
    """The rank of an array, 1 of a list, whatever it holds."""
    return int(getattr(label, "ndim", 1))


def _key(*parts: int | str) -> float:
    """A number in 0..1 that depends on these integers and names alone."""
    plain = tuple(each if isinstance(each, str) else int(each) for each in parts)
    digest = hashlib.blake2b(repr(plain).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2.0**64


def _last(sides: Sequence[_Side], seed: int) -> _Side:
    """The one that leaves where there are too many: of the class, and group, of which most are."""
    classes = Counter(each for each, _ in sides)
    groups = Counter(each for _, each in sides)

    def full(side: _Side) -> tuple[int, int, float]:
        drawn = _key(seed, -1, *side[0], *filter(None, side[1:]))
        return classes[side[0]], groups[side[1]], drawn

    return max(sides, key=full)


def _without_classes(kept: dict[_Side, list[_Example]], n: int) -> dict[_Side, list[_Example]]:
    """What competes where labels turn out to be no classes: the images of each group."""
    merged: dict[_Side, list[_Example]] = {}
    for (_, group), heap in kept.items():
        merged.setdefault(((), group), []).extend(heap)
    return {side: sorted(heap)[-n:] for side, heap in merged.items()}


def _offer(
    kept: dict[_Side, list[_Example]], side: _Side, example: _Example, n: int, seed: int
) -> None:
    if side not in kept and len(kept) == n:
        last = _last([*kept, side], seed)
        if last == side:
            return
        del kept[last]
    heap = kept.setdefault(side, [])
    if len(heap) == n and example[0] < heap[0][0]:
        return
    # A copy: a view would hold the whole batch.
    image = example[2]
    image = image.detach().clone() if is_tensor(image) else np.array(image)
    heapq.heappush(heap, (*example[:2], image, *example[3:]))
    if len(heap) > n or sum(map(len, kept.values())) > 2 * n:
        # With more than 2n kept, no fair deal can need the last of the fullest side.
        heapq.heappop(kept[max(kept, key=lambda each: (len(kept[each]), each))])


def _turns(sides: Iterable[_Side]) -> list[_Side]:
    """In the order in which they are dealt: a round that stops early is even over both."""
    classes = sorted({each for each, _ in sides})
    groups = sorted({each for _, each in sides})

    def turn(side: _Side) -> tuple[int, int]:
        at = classes.index(side[0])
        return (groups.index(side[1]) - at) % len(groups), at

    return sorted(sides, key=turn)


def _deal(
    kept: dict[_Side, list[_Example]], n: int
) -> tuple[list[Any], list[Any], list[int | None], list[str | None]]:
    """One example of each class, and group of it, in turn until `n` are dealt."""
    queues = {side: sorted(kept[side], reverse=True) for side in _turns(kept)}
    turns = itertools.zip_longest(*queues.values())
    rounds = ((side, each) for turn in turns for side, each in zip(queues, turn, strict=True))
    dealt = itertools.islice(((side, each) for side, each in rounds if each is not None), n)
    ordered = [each for _, each in sorted(dealt, key=lambda pair: pair[0])]
    return (
        [each[2] for each in ordered],
        [each[3] for each in ordered],
        [each[4] for each in ordered],
        [each[5] for each in ordered],
    )
