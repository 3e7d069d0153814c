"""Class names, labels and targets as people write them, brought to class indices."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import Array, to_numpy


def class_names(names: Any) -> tuple[str, ...]:
    """Names by class index, from a sequence or a mapping of index to name.

    Raises:
      TypeError, ValueError: they are neither, with the remedy.
    """
    if names is None:
        return ()
    if isinstance(names, Mapping):
        indices = [_index(key, "class_names key") for key in names]
        by_index = {index: names[key] for index, key in zip(indices, names, strict=True)}
        names = [by_index.get(index, str(index)) for index in range(max(by_index, default=-1) + 1)]
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
    if isinstance(value, np.bool_):
        value = int(value)
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


@dataclass(frozen=True)
class Labels:
    """What is true of a probe's images.

    truths: each image's true classes, ascending; None where labels are no classes.
    several: any number may be true of an image, also none; else each has one.
    values: of labels that are no classes, each image's numbers.
    """

    truths: tuple[tuple[int, ...], ...] | None
    several: bool = False
    values: tuple[tuple[float, ...], ...] | None = None

    def first(self, count: int) -> "Labels":
        """Those of the first images."""
        truths, values = self.truths, self.values
        return Labels(truths and truths[:count], self.several, values and values[:count])


_LISTS = (list, tuple, set)
# Rows of probabilities sum to 1 but for this.
_ROUNDING = 1e-3


def labels(given: Any, names: tuple[str, ...], count: int, raw: bool = False) -> Labels | None:
    """The images' labels.

    Args:
      given: class indices, bools (class 1 or 0) or names, one an image, or one-hot rows; where
        any number is true, multi-hot rows (n, classes) or lists of class indices or names.
        Floats that are not whole, or rows of numbers, are values.
      names: of the classes.
      count: how many images there are.
      raw: the model's output is values, and so are all floats.

    Raises:
      TypeError, ValueError: they are none of these, or not one an image.
    """
    if given is None:
        return None
    rows = _rows(given)
    array = to_numpy(given, "labels") if rows is None else np.empty(len(rows))
    if array.ndim == 0 or len(array) != count:
        size = "a single value" if array.ndim == 0 else len(array)
        raise ValueError(f"labels: {size} for {count} images: pass one an image")
    if rows is not None:
        truths = tuple(
            _classes(row, names, f"label of image {index}:") for index, row in enumerate(rows)
        )
        return Labels(truths, several=True)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "biuf":
        return _of_rows(array, names, raw)
    if array.ndim != 1:
        raise ValueError(
            f"labels has shape {array.shape}: pass one class an image, or leave them out"
        )
    if are_values(array, raw):
        return Labels(None, values=tuple((float(each),) for each in array))
    return Labels(
        tuple(
            (to_class(value, names, f"label of image {index}:"),)
            for index, value in enumerate(array)
        )
    )


def are_values(array: Array, raw: bool) -> bool:
    """Whether numbers are no class indices: floats that are not whole, of `raw` output any."""
    if array.dtype.kind != "f":
        return False
    return raw or not (np.isfinite(array) & (array == np.floor(array))).all()


def are_hot(array: Array) -> bool:
    """Whether rows have a place a class, true or not."""
    return array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())


def are_soft(array: Array) -> bool:
    """Whether rows are probabilities of classes, as of smoothed or mixed labels."""
    sums = array.sum(axis=-1)
    near = bool((np.abs(sums - 1) <= _ROUNDING).all())
    return array.dtype.kind == "f" and near and bool((array >= 0).all())


def _rows(given: Any) -> list[Any] | None:
    """Lists of classes, one an image; None where it is anything else."""
    if hasattr(given, "to_list") and hasattr(given, "row_lengths"):  # tf.RaggedTensor
        given = given.to_list()
    if not isinstance(given, list | tuple) or not given:
        return None
    if all(isinstance(each, _LISTS) for each in given):
        return [list(each) for each in given] if _are_of_classes(given) else None
    if not all(isinstance(each, _LISTS) or _is_row(each) for each in given):
        return None
    arrays = [to_numpy(each, "labels") for each in given]
    same = len({each.shape for each in arrays}) == 1
    return None if same else [each.tolist() for each in arrays]


def _are_of_classes(given: Sequence[Any]) -> bool:
    """Whether lists are of classes: they are no rows of numbers, nor a column of classes."""
    lengths = {len(each) for each in given}
    if len(lengths) > 1 or lengths == {0} or any(isinstance(each, set) for each in given):
        return True
    flat = [value for each in given for value in each]
    if lengths == {1} or all(isinstance(each, str | bytes) for each in flat):
        return lengths != {1}
    whole = all(isinstance(each, int | np.integer) for each in flat)
    return whole and not np.isin(flat, (0, 1)).all()


def _is_row(value: Any) -> bool:
    return len(getattr(value, "shape", ())) == 1


def _classes(row: Sequence[Any], names: tuple[str, ...], what: str) -> tuple[int, ...]:
    return tuple(sorted({to_class(each, names, what) for each in row}))


def _of_rows(array: Array, names: tuple[str, ...], raw: bool) -> Labels:
    if are_hot(array) and not (raw and array.dtype.kind == "f"):
        truths = tuple(
            _classes(np.flatnonzero(row).tolist(), names, f"label of image {index}:")
            for index, row in enumerate(array)
        )
        return Labels(truths, several=any(len(each) != 1 for each in truths))
    if array.dtype.kind != "f":
        raise ValueError(
            "labels are rows of whole numbers beside 0 and 1: pass lists of ints where they are"
            " classes, floats where they are values"
        )
    if are_soft(array) and not raw:
        report.tell("soft labels", "labels are probabilities: the likeliest class is the true one")
        return Labels(tuple((int(row.argmax()),) for row in array))
    return Labels(None, values=tuple(tuple(map(float, row)) for row in array))


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
