"""Layers of Flax nnx modules: how they are found and listened to."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tensorboard_picasso.summary.backends.base import Layer, UnsupportedError, attends

Tap = Callable[[Any], Any]


def tap(model: Any, name: str, through: Tap) -> None:
    """Have what a named layer of a module returns pass through a function, from now on.

    Raises:
      UnsupportedError: there is none of that name.
    """
    _put(model, _path(model, name), through)


def listen(model: Any, count: int, noted: list[Layer]) -> None:
    """Note the calls of a module's layers as they end, from now on.

    Args:
      model: the module.
      count: of the batch that it is called on.
      noted: gets the calls.
    """
    paths = _paths(model)
    attentions = {
        path for path in paths.values() if attends(str(path[-1]), type(_at(model, path)).__name__)
    }

    def note(name: str, layer: Any, inside: bool, output: Any) -> Any:
        shape = getattr(output, "shape", ())
        row = tuple(shape[1:]) if shape and shape[0] == count else None
        channels, images = _kind(layer, row or ())
        noted.append(Layer(name, row, channels, images, inside))
        return output

    # The inner ones first: what is tapped is no module to look into.
    for name, path in sorted(paths.items(), key=lambda each: -len(each[1])):
        inside = any(path[:end] in attentions for end in range(1, len(path) + 1))
        _put(model, path, functools.partial(note, name, _at(model, path), inside))


class _Tapped:
    """A layer whose outputs pass through a tap."""

    def __init__(self, layer: Any, tap: Tap) -> None:
        self._layer, self._tap = layer, tap

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._tap(self._layer(*args, **keywords))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)


def _paths(model: Any) -> dict[str, tuple[Any, ...]]:
    """The layers of a module: their dotted paths, and these in parts."""
    from flax import nnx

    return {
        ".".join(map(str, path)): tuple(path)
        for path, layer in nnx.iter_modules(model)
        if path and callable(layer)
    }


def _path(model: Any, name: str) -> tuple[Any, ...]:
    """The path of a layer.

    Raises:
      UnsupportedError: there is none of that name.
    """
    paths = _paths(model)
    if name not in paths:
        # The last ones see most of the image, and are the ones that are asked for.
        some = ", ".join(repr(each) for each in list(paths)[-8:])
        raise UnsupportedError(f"no layer {name!r}: the model has {some or 'none'}")
    return paths[name]


def _at(model: Any, path: Sequence[Any]) -> Any:
    """The layer at a path."""
    for part in path:
        model = model[part] if isinstance(part, int) else getattr(model, part)
    return model


def _kind(layer: Any, row: tuple[int, ...]) -> tuple[str, bool]:
    """Where a layer's kind puts the channels of an output, and whether it makes images."""
    from flax import nnx

    if isinstance(layer, nnx.Conv | nnx.ConvTranspose):
        return "last", len(row) in (3, 4)
    if isinstance(layer, nnx.BatchNorm):
        return ("last", len(row) in (3, 4)) if layer.axis in (-1, len(row)) else ("", False)
    if isinstance(layer, nnx.Linear | nnx.LayerNorm | nnx.RMSNorm | nnx.GroupNorm):
        return "last", False
    return "", False


def _put(model: Any, path: tuple[Any, ...], tap: Tap) -> None:
    """Tap a layer."""
    *parents, last = path
    holder = _at(model, parents)
    if isinstance(last, int):
        holder[last] = _Tapped(holder[last], tap)
    else:
        # Past nnx' own bookkeeping of attributes.
        object.__setattr__(holder, last, _Tapped(getattr(holder, last), tap))
