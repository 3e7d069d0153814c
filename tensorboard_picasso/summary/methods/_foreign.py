"""What the code of others draws and warns of, in one thread alone.

NumPy's and Python's common random numbers, and the filters of warnings, are the whole process's:
a training may draw at any moment. In the modules of others the names of these stand for
something that asks which thread it is.
"""

import random
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit.locks import Lock

_REAL: dict[int, types.ModuleType] = {id(each): each for each in (np, random, warnings)}


class _Here(threading.local):
    """By the name of a module, what has some of its attributes for this thread."""

    def __init__(self) -> None:
        self.instead: dict[str, Any] = {}


class _Stand(types.ModuleType):
    """In place of a module: what a thread has instead, or else the module's own."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module.__name__)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        instead = _here.instead.get(self._module.__name__)
        return _either(instead, self._module, name)


class _Random:
    """`numpy.random`, whose functions draw from a state of their own."""

    def __init__(self, state: np.random.RandomState) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        return _either(self._state, np.random, name)


class _Numpy:
    def __init__(self, seed: Any) -> None:
        self.random = _Random(np.random.RandomState(seed))


class _Warnings:
    def __init__(self, *untold: str) -> None:
        self._untold = untold

    def warn(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Warn of all but what begins so."""
        if not str(message).startswith(self._untold):
            warnings.warn(message, *args, **{"stacklevel": 2, **kwargs})


_here = _Here()
_lock = Lock()
# Who needs the stands, and where they are.
_users: list[object] = []
_replaced: list[tuple[dict[str, Any], str, types.ModuleType]] = []


def _either(first: Any, second: Any, name: str) -> Any:
    value = getattr(first, name, None)
    return getattr(second, name) if value is None else value


@contextmanager
def standing(*names: str) -> Iterator[None]:
    """Put stands into these modules, and those of Captum, for a while."""
    user = object()
    with _lock:
        _users.append(user)
        # A copy is made at once; of a list's making, what is collected meanwhile may import.
        for name, module in sys.modules.copy().items():
            if name in names or name.startswith("captum."):
                _put(vars(module))
    try:
        yield
    finally:
        with _lock:
            _users.remove(user)
            while _replaced and not _users:
                known, name, real = _replaced.pop()
                known[name] = real


def _put(known: dict[str, Any]) -> None:
    for name, value in known.copy().items():
        if id(value) in _REAL:
            known[name] = _Stand(_REAL[id(value)])
            _replaced.append((known, name, _REAL[id(value)]))


@contextmanager
def seeded(seed: Any, untold: str) -> Iterator[None]:
    """What stands are asked in this thread draws from a seed, and some warnings are not told.

    Args:
      seed: of NumPy's `RandomState`, an array.
      untold: how they begin.
    """
    before = _here.instead
    _here.instead = {
        "numpy": _Numpy(seed),
        "random": random.Random(int(seed[0])),
        "warnings": _Warnings(untold),
    }
    try:
        yield
    finally:
        _here.instead = before
