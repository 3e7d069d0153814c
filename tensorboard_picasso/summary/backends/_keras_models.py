"""How layers of Keras 3 are told, found and listened to, on whichever of its backends."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary.backends.base import Function, UnsupportedError


def is_keras(model: Any) -> bool:
    """True for models and layers of Keras 3."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Layer)


def runs_on(*backends: str) -> bool:
    """Whether Keras runs on one of these."""
    return sys.modules["keras"].backend.backend() in backends


def inputs_of(model: Any) -> Any:
    """The inputs that a model tells: one at most.

    Raises:
      UnsupportedError: it takes several.
    """
    inputs = (getattr(model, "inputs", None) or ()) if model.built else ()
    if len(inputs) > 1:
        raise UnsupportedError(
            f"{type(model).__name__} takes {len(inputs)} inputs: wrap it to take one"
        )
    return inputs


def layer_named(model: Any, name: str) -> Any:
    """A layer of a Keras model, of nested models too.

    Raises:
      UnsupportedError: there is none of that name, or several.
    """
    if not is_keras(model):
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
    """Pass what a layer returns through a function, while the model is called."""
    call = layer.call

    def tapping(*args: Any, **kwargs: Any) -> Any:
        return tap(call(*args, **kwargs))

    # Past Keras' own bookkeeping of attributes: the layer stays as it was.
    object.__setattr__(layer, "call", tapping)
    try:
        yield
    finally:
        object.__delattr__(layer, "call")


@contextmanager
def shapes(model: Any) -> Iterator[list[tuple[str, tuple[int, ...] | None]]]:
    """Collect the names of a model's layers as their calls end, each with its output's shape.

    Raises:
      UnsupportedError: it is no Keras model.
    """
    if not is_keras(model):
        raise UnsupportedError(f"{type(model).__name__} is no Keras model: its layers are unknown")
    found: list[tuple[str, tuple[int, ...] | None]] = []

    def noting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        # With the name and signature of the call: Keras looks at both.
        @functools.wraps(call)
        def note(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            shape = getattr(output, "shape", None)
            found.append((name, None if shape is None else tuple(shape)))
            return output

        return note

    layers = list(model._flatten_layers(include_self=False))
    for layer in layers:
        # Past Keras' own bookkeeping of attributes: the layer stays as it was.
        object.__setattr__(layer, "call", noting(layer.name, layer.call))
    try:
        yield found
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


class End:
    """A model's last layer, where it tells what scores are.

    Attributes:
      shown: of what its activation is given; None where it does not tell.
      plain: it has none, so that `shown` holds of its output.
    """

    def __init__(self, model: Any) -> None:
        import keras

        linear = (keras.activations.linear, keras.activations.log_softmax)
        shows = {
            keras.activations.softmax: Output.LOGITS,
            keras.activations.sigmoid: Output.SIGMOID,
            **dict.fromkeys(linear, Output.LOGITS),
        }
        self._calls: list[tuple[Any, Any]] = []
        self._layer = _last(model)
        activation = getattr(self._layer, "activation", None)
        if isinstance(self._layer, keras.layers.Softmax) and self._layer.axis == -1:
            activation = keras.activations.softmax
        self.shown = shows.get(activation) if callable(activation) else None
        self.plain = activation in linear
        if activation is keras.activations.linear and not isinstance(
            self._layer, keras.layers.Dense
        ):
            self.shown = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what the activation is given, while the model is called."""
        if self.shown is None or self.plain:
            yield
            return
        name = "activation" if "activation" in vars(self._layer) else "call"
        own = vars(self._layer).get(name)
        function = getattr(self._layer, name)

        def note(given: Any, *args: Any, **kwargs: Any) -> Any:
            output = function(given, *args, **kwargs)
            self._calls[:] = [(given, output)]
            return output

        object.__setattr__(self._layer, name, note)
        try:
            yield
        finally:
            if own is None:
                object.__delattr__(self._layer, name)
            else:
                object.__setattr__(self._layer, name, own)

    def behind(self, output: Any) -> Any:
        """What the activation was given that made an output; None where it made none."""
        noted, self._calls = self._calls, []
        return noted[0][0] if noted and noted[0][1] is output else None


def _last(model: Any) -> Any:
    """The layer that makes a model's one output, where that can be told."""
    while is_keras(model) and (outputs := getattr(model, "outputs", None)):
        history = getattr(outputs[0], "_keras_history", None)
        if len(outputs) != 1 or history is None:
            return None
        model = history.operation
    return model if is_keras(model) else None
