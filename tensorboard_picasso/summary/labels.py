"""Class names, labels and targets as people write them, brought to class indices."""

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tensorboard_picasso.summary.images import to_numpy


def class_names(names: Any) -> tuple[str, ...]:
    """Names by class index, from a sequence or a mapping of index to name.

    Raises:
      TypeError, ValueError: they are neither, with the remedy.
    """
    if names is None:
        return ()
    if isinstance(names, Mapping):
        indices = [_index(key, "class_names key") for key in names]
        found = {index: names[key] for index, key in zip(indices, names, strict=True)}
        names = [found.get(index, str(index)) for index in range(max(found, default=-1) + 1)]
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise TypeError(f"class_names={names!r}: pass a list of names")
    return tuple(_name(each) for each in names)


def _name(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str | int | np.integer):
        return str(value)
    raise TypeError(f"class name {value!r} is a {type(value).__name__}: pass strings")


def _index(value: Any, what: str) -> int:
    try:
        index = operator.index(value)
    except TypeError as e:
        raise TypeError(f"{what} {value!r} is no class index: pass an integer") from e
    if index < 0:
        raise ValueError(f"{what} {index} is negative: pass a class index from 0")
    return index


def to_class(value: Any, names: tuple[str, ...], what: str) -> int:
    """A class index, from an integer or a class name.

    Raises:
      TypeError, ValueError: it is no class, with the names there are.
    """
    if isinstance(value, np.bytes_ | bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        if not names:
            raise ValueError(f"{what} {value!r} is a name: pass class_names= too")
        count = names.count(value)
        if count != 1:
            reason = "is not in class_names" if not count else "is in class_names twice"
            raise ValueError(f"{what} {value!r} {reason} ({_some(names)}): pass its index")
        return names.index(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    index = _index(value, what)
    if names and index >= len(names):
        raise ValueError(f"{what} {index} is not below {len(names)}, the number of class_names")
    return index


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def labels(given: Any, names: tuple[str, ...], count: int) -> tuple[int, ...] | None:
    """The images' classes, from class indices, one-hot rows or class names.

    Raises:
      TypeError, ValueError: they are none of these, or not one an image.
    """
    if given is None:
        return None
    array = to_numpy(given, "labels")
    if array.ndim == 0 or len(array) != count:
        size = "a single value" if array.ndim == 0 else len(array)
        raise ValueError(f"labels: {size} for {count} images: pass one an image")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "biuf":
        array = _from_one_hot(array)
    if array.ndim != 1:
        raise ValueError(f"labels has shape {array.shape}: pass one class an image")
    return tuple(
        to_class(value, names, f"label of image {index}:") for index, value in enumerate(array)
    )


def _from_one_hot(array: Any) -> Any:
    for index, row in enumerate(array):
        if np.count_nonzero(row) != 1 or row.max() != 1:
            raise ValueError(
                f"label of image {index} is neither a class nor a one-hot row:"
                " pass labels.argmax(axis=1)"
            )
    return array.argmax(1)


def targets(given: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    """The caller's targets as class indices without repeats.

    Raises:
      TypeError, ValueError: one of them is no class.
    """
    if isinstance(given, str | int | np.integer):
        given = (given,)
    if not isinstance(given, Iterable):
        raise TypeError(f"targets={given!r}: pass a list of classes")
    return tuple(dict.fromkeys(to_class(each, names, "target") for each in given))


def decoded(result: Any, count: int) -> tuple[str, ...]:
    """All classes' names from what the caller's `decode_prob` returned.

    Args:
      result: the names of all classes, in order; or, for each image, entries
        that name some of them: (index, name) or {"index": …, "name": …}.
      count: how many classes there are; those without a name get their index.

    Raises:
      TypeError, ValueError: it is neither.
    """
    rows = list(result) if isinstance(result, Iterable) else []
    if len(rows) == count and all(isinstance(row, str) for row in rows):
        return tuple(rows)
    names = [str(index) for index in range(count)]
    try:
        for row in rows:
            for entry in row.items() if isinstance(row, Mapping) else row:
                pair = (entry["index"], entry["name"]) if isinstance(entry, Mapping) else entry
                index, name = pair
                names[_index(index, "decode_prob index")] = _name(name)
    except (TypeError, ValueError, KeyError, IndexError) as e:
        raise ValueError(_undecoded(rows, count)) from e
    if not rows:
        raise ValueError(_undecoded(result, count))
    return tuple(names)


def _undecoded(result: Any, count: int) -> str:
    return (
        f"decode_prob returns {str(result)[:60]!r}: return the names of all {count} classes, or"
        " for each image a list of (index, name) with the class index first (Keras'"
        " decode_predictions gives (id, name, score), which has none)"
    )
