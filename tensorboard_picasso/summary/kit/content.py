"""Values by their content, so that an op finds the probe that an earlier call made."""

import dataclasses
import hashlib
import os
from collections.abc import Hashable, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np


class _Itself:
    """A value that only it itself equals; kept, because the id of a live object is its own."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def key(value: Any) -> Hashable:
    """A key that is equal for values of equal content.

    Arrays are compared by dtype, shape and numbers; containers and dataclasses
    by what they hold; functions by their code and all that it is bound to, so
    that a `lambda` written in a loop is one. Anything else equals itself only.
    """
    return _key(value, ())


def _key(value: Any, around: tuple[int, ...]) -> Hashable:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        # As text: NaN differs from itself, and 0.0 equals -0.0.
        return type(value), repr(value)
    if id(value) in around:
        return _Itself(value)
    around = (*around, id(value))
    if isinstance(value, FunctionType | MethodType | partial):
        return _function(value, around)
    # A variable is what it is, whatever its numbers are by now.
    numbers = hasattr(value, "__array__") or hasattr(value, "__array_interface__")
    if numbers and not hasattr(value, "assign"):
        return _array(value, around)
    return _held(value, around)


def _held(value: Any, around: tuple[int, ...]) -> Hashable:
    if isinstance(value, os.PathLike):
        return "path", os.fspath(value)
    if isinstance(value, Mapping):
        return "mapping", tuple((_key(k, around), _key(v, around)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(_key(each, around) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), _key(vars(value), around)
    return _Itself(value)


def _function(value: Any, around: tuple[int, ...]) -> Hashable:
    if isinstance(value, partial):
        bound = value.func, value.args, value.keywords
        return "partial", _key(bound, around)
    if isinstance(value, MethodType):
        return "method", _Itself(value.__self__), _key(value.__func__, around)
    defaults = value.__defaults__, value.__kwdefaults__
    cells = []
    for cell in value.__closure__ or ():
        try:
            cells.append(_key(cell.cell_contents, around))
        except ValueError:  # not assigned yet
            cells.append(_Itself(cell))
    return value.__code__, _Itself(value.__globals__), _key(defaults, around), tuple(cells)


def _array(value: Any, around: tuple[int, ...]) -> Hashable:
    try:
        array = np.asarray(value)
    except Exception:
        # A tensor on a device, or of a graph.
        return _Itself(value)
    if array.dtype.kind == "O":
        return "objects", array.shape, _key(array.ravel().tolist(), around)
    digest = hashlib.blake2b(array.tobytes(), digest_size=16).digest()
    return array.dtype.str, array.shape, digest
