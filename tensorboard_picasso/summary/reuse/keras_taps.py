"""Functions of Keras' layers that others stand in for, in one thread alone.

A layer that is listened to may be called by the thread that trains it meanwhile: what stands
on it passes such calls through.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tensorboard_picasso.summary.kit.locks import Lock

_Function = Callable[..., Any]
_Key = tuple[int, str]


@dataclass
class _Standing:
    """What stands on a layer: for how many, and what the layer itself had of that name."""

    layer: Any
    own: tuple[Any, ...]
    original: _Function
    count: int = 0


class _Here(threading.local):
    """What this thread hears instead, by layer and name."""

    def __init__(self) -> None:
        self.functions: dict[_Key, _Function] = {}


_here = _Here()
_standing: dict[_Key, _Standing] = {}
_lock = Lock()


@contextmanager
def replaced(layer: Any, name: str, make: Callable[[_Function], _Function]) -> Iterator[None]:
    """Have this thread call another function in place of a layer's.

    Args:
      layer: it.
      name: of the attribute, such as "call".
      make: from what would be called to what is.
    """
    key = id(layer), name
    with _lock:
        if key not in _standing:
            original = getattr(layer, name)
            own = (vars(layer)[name],) if name in vars(layer) else ()
            _standing[key] = _Standing(layer, own, original)
            # Past Keras' own bookkeeping of attributes: the layer stays as it was.
            object.__setattr__(layer, name, _passing(key, original))
        standing = _standing[key]
        standing.count += 1
    before = _here.functions.get(key)
    _here.functions[key] = make(before or standing.original)
    try:
        yield
    finally:
        if before is None:
            del _here.functions[key]
        else:
            _here.functions[key] = before
        with _lock:
            standing.count -= 1
            if not standing.count:
                del _standing[key]
                if standing.own:
                    object.__setattr__(layer, name, standing.own[0])
                else:
                    object.__delattr__(layer, name)


def _passing(key: _Key, original: _Function) -> _Function:
    # With the name and signature of the original: Keras looks at both.
    @functools.wraps(original)
    def passing(*args: Any, **kwargs: Any) -> Any:
        return _here.functions.get(key, original)(*args, **kwargs)

    return passing


def own(layer: Any, name: str) -> Any:
    """What a layer itself has of a name, whoever listens; None where its class has it."""
    with _lock:
        standing = _standing.get((id(layer), name))
        if standing is None:
            return vars(layer).get(name)
        return standing.own[0] if standing.own else None


def real(layer: Any, name: str) -> Any:
    """What a layer has of a name, whoever listens; None where it has nothing."""
    with _lock:
        standing = _standing.get((id(layer), name))
        return getattr(layer, name, None) if standing is None else standing.original
