"""Tells when a Keras model, or its weights, are saved."""

import weakref
from collections.abc import Callable
from typing import Any

# `keras.saving.save_model` calls no method of the model but the last of these.
_NAMES = ("save", "save_weights", "save_own_variables")

# Who listens to each model. Kept for all in one place, so that listeners come and go in any order.
_listeners: weakref.WeakKeyDictionary[Any, list[Callable[[], None]]] = weakref.WeakKeyDictionary()


def listen(model: Any, listener: Callable[[], None]) -> None:
    """Call the listener whenever the model is saved, or its weights are: once a save."""
    listeners = _listeners.setdefault(model, [])
    if not listeners:
        telling = _Telling(listeners)
        for name in _names(model):
            # Past Keras' own bookkeeping of attributes.
            object.__setattr__(model, name, telling.after(getattr(model, name)))
    listeners.append(listener)


def leave(model: Any, listener: Callable[[], None]) -> None:
    """Undo `listen`; the last one leaves the model as it was."""
    listeners = _listeners.get(model, [])
    if listener not in listeners:
        return
    listeners.remove(listener)
    if not listeners:
        for name in _names(model):
            object.__delattr__(model, name)


def _names(model: Any) -> list[str]:
    return [name for name in _NAMES if hasattr(model, name)]  # Keras 2 has not all of them


class _Telling:
    def __init__(self, listeners: list[Callable[[], None]]) -> None:
        self._listeners = listeners
        self._depth = 0

    def after(self, save: Callable[..., Any]) -> Callable[..., Any]:
        """The same, telling the listeners when the outermost of them is done."""

        def saving(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            try:
                result = save(*args, **kwargs)
            finally:
                self._depth -= 1
            if not self._depth:
                for listener in list(self._listeners):
                    listener()
            return result

        return saving
