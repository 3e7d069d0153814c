"""Layers of Keras' models: how they are found and listened to, on whichever of its backends."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tensorboard_picasso.summary.backends.base import Function, Layer, UnsupportedError, attends
from tensorboard_picasso.summary.backends.keras.models import is_keras, is_keras_2
from tensorboard_picasso.summary.reuse.keras_taps import replaced


def layer_named(model: Any, name: str) -> Any:
    """A layer of a Keras model, of nested models too.

    Raises:
      UnsupportedError: there is none of that name, or several.
    """
    if not (is_keras(model) or is_keras_2(model)):
        raise UnsupportedError(f"layer={name!r}: {type(model).__name__} is no Keras model")
    layers = list(model._flatten_layers(include_self=False))
    named = [each for each in layers if each.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        raise UnsupportedError(f"layer {name!r}: the model has {len(named)} of that name")
    # The last ones see most of the image, and are the ones that are asked for.
    some = ", ".join(repr(layer.name) for layer in layers[-8:])
    raise UnsupportedError(f"no layer {name!r}: the model ends in {some}")


@contextmanager
def tapped(layer: Any, tap: Function) -> Iterator[None]:
    """Pass what a layer returns through a function, while the model is called in this thread."""

    def tapping(call: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: tap(call(*args, **kwargs))

    with replaced(layer, "call", tapping):
        yield


@contextmanager
def calls(model: Any, count: int) -> Iterator[list[Layer]]:
    """Collect the calls of a model's layers as they end, for a batch of so many inputs.

    Raises:
      UnsupportedError: it is no Keras model.
    """
    if not (is_keras(model) or is_keras_2(model)):
        raise UnsupportedError(f"{type(model).__name__} is no Keras model: its layers are unknown")
    noted: list[Layer] = []
    layers = list(model._flatten_layers(include_self=False))
    attentions = [each for each in layers if attends(each.name, type(each).__name__)]
    within = {id(each) for attention in attentions for each in attention._flatten_layers()}

    def noting(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def note(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            shape = tuple(getattr(output, "shape", None) or ())
            row = shape[1:] if shape and shape[0] == count else None
            channels, images = _kind(layer, row or ())
            noted.append(Layer(layer.name, row, channels, images, id(layer) in within))
            return output

        return note

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(replaced(layer, "call", functools.partial(noting, layer)))
        yield noted


def _kind(layer: Any, row: tuple[int, ...]) -> tuple[str, bool]:
    """Where a layer's kind puts the channels of an output, and whether it makes images."""
    kinds = sys.modules["tf_keras" if is_keras_2(layer) else "keras"].layers
    lies = getattr(layer, "data_format", None)
    if lies in ("channels_last", "channels_first"):
        return lies.removeprefix("channels_"), len(row) in (3, 4)
    if isinstance(layer, kinds.Dense):
        return "last", False
    if isinstance(
        layer, kinds.BatchNormalization | kinds.LayerNormalization | kinds.GroupNormalization
    ):
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        places = {1: "first", -1: "last", len(row): "last"}
        images = isinstance(layer, kinds.BatchNormalization) and len(row) in (3, 4)
        return (places.get(axes[0], "") if len(axes) == 1 else ""), images
    return "", False
