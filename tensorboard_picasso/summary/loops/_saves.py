"""Tells when a Keras model, or its weights, are saved."""

import weakref
from collections.abc import Callable
from typing import Any

_NAMES = ("save", "save_weights")

# Who listens to each model. Kept for all in one place, so that listeners come and go in any order.
_listeners: weakref.WeakKeyDictionary[Any, list[Callable[[], None]]] = weakref.WeakKeyDictionary()


def listen(model: Any, listener: Callable[[], None]) -> None:
    """Call the listener after each `save` and `save_weights` of the model."""
    listeners = _listeners.setdefault(model, [])
    if not listeners:
        for name in _NAMES:
            # Past Keras' own bookkeeping of attributes.
            object.__setattr__(model, name, _telling(getattr(model, name), listeners))
    listeners.append(listener)


def leave(model: Any, listener: Callable[[], None]) -> None:
    """Undo `listen`; the last one leaves the model as it was."""
    listeners = _listeners.get(model, [])
    if listener not in listeners:
        return
    listeners.remove(listener)
    if not listeners:
        for name in _NAMES:
            object.__delattr__(model, name)


def _telling(save: Callable[..., Any], listeners: list[Callable[[], None]]) -> Callable[..., Any]:
    def saving(*args: Any, **kwargs: Any) -> Any:
        result = save(*args, **kwargs)
        for listener in list(listeners):
            listener()
        return result

    return saving
