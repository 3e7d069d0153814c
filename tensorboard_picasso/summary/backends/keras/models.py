"""How layers of Keras are told, found and listened to: of Keras 3 on whichever of its backends."""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.base import (
    Call,
    Function,
    Layer,
    UnsupportedError,
    attends,
)
from tensorboard_picasso.summary.kit import frameworks
from tensorboard_picasso.summary.reuse.keras_taps import real, replaced


def is_keras(model: Any) -> bool:
    """True for models and layers of Keras 3."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Layer)


def is_keras_2(model: Any) -> bool:
    """True for models and layers of Keras 2, whose package is `tf_keras`; TensorFlow's own."""
    return frameworks.is_a(model, "tf_keras", "layers.Layer")


def runs_on(*backends: str) -> bool:
    """Whether Keras runs on one of these."""
    return sys.modules["keras"].backend.backend() in backends


def inputs_of(model: Any) -> dict[str, Any]:
    """The inputs that a model tells, by name, in its own order."""
    inputs = (getattr(model, "inputs", None) or ()) if model.built else ()
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return {name: structure[name] for name in sorted(structure)}
    return {each.name: each for each in inputs}


def called(
    model: Any, function: Callable[..., Any], call: Call, x: Any, others: Sequence[Any]
) -> Any:
    """Call a model on images and its other inputs.

    Raises:
      UnsupportedError: its inputs are not those that are given.
    """
    inputs = inputs_of(model)
    if not inputs or (len(inputs) == 1 and not call.count and call.image is None):
        return call.outputs(function, model.call, x, others)
    name = type(model).__name__
    if call.count != len(inputs) - 1:
        number = f"{len(inputs)} input{'s' if len(inputs) > 1 else ''}"
        raise UnsupportedError(
            f"{name} takes {number} ({', '.join(inputs)}): give the probe inputs= with all but the"
            " image"
        )
    values = list(others[: call.count])
    if call.names or isinstance(call.image, str):
        given = dict(zip(call.names, values, strict=True))
        missing = [each for each in inputs if each not in given]
        if len(missing) != 1 or call.image not in (None, missing[0]):
            raise UnsupportedError(
                f"inputs= has {', '.join([*given, *_named(call)])}, and {name} takes"
                f" {', '.join(inputs)}"
            )
        values = [given.get(each, x) for each in inputs]
    else:
        values.insert(int(call.image or 0), x)
    import keras

    return function(keras.tree.pack_sequence_as(model._inputs_struct, values))


def _named(call: Call) -> list[str]:
    return [call.image] if isinstance(call.image, str) else []


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


def not_built(model: Any) -> UnsupportedError:
    """For a model that has no weights yet."""
    return UnsupportedError(f"{type(model).__name__} is not built: call it on a batch first")


@contextmanager
def built(model: Any) -> Iterator[None]:
    """Have nothing built in this thread, which would leave layers without values behind.

    A model says that it is built where Keras could not tell what its last layers are given.

    Raises:
      UnsupportedError: something would be.
    """

    def refusing(_: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise not_built(model)

        return refuse

    with ExitStack() as stack:
        for layer in model._flatten_layers():
            if not layer.built:
                stack.enter_context(replaced(layer, "build", refusing))
        yield


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
    found: list[Layer] = []
    layers = list(model._flatten_layers(include_self=False))
    attentions = [each for each in layers if attends(each.name, type(each).__name__)]
    within = {id(each) for attention in attentions for each in attention._flatten_layers()}

    def noting(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def note(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            shape = tuple(getattr(output, "shape", None) or ())
            row = shape[1:] if shape and shape[0] == count else None
            channels, images = _kind(layer, row or ())
            found.append(Layer(layer.name, row, channels, images, id(layer) in within))
            return output

        return note

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(replaced(layer, "call", functools.partial(noting, layer)))
        yield found


def _kind(layer: Any, row: tuple[int, ...]) -> tuple[str, bool]:
    """Where a layer's kind puts the channels of an output, and whether it makes images."""
    kinds = sys.modules["tf_keras" if is_keras_2(layer) else "keras"].layers
    lies = getattr(layer, "data_format", None)
    if lies in ("channels_last", "channels_first"):
        return lies.removeprefix("channels_"), len(row) == 3
    if isinstance(layer, kinds.Dense):
        return "last", False
    if isinstance(
        layer, kinds.BatchNormalization | kinds.LayerNormalization | kinds.GroupNormalization
    ):
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        places = {1: "first", -1: "last", len(row): "last"}
        images = isinstance(layer, kinds.BatchNormalization) and len(row) == 3
        return (places.get(axes[0], "") if len(axes) == 1 else ""), images
    return "", False


class End:
    """A model's last layer, where it tells what scores are.

    Attributes:
      shown: of what its activation is given; None where it does not tell.
      plain: it has none, so that `shown` holds of its output.
    """

    def __init__(self, model: Any, pick: str | int | None = None) -> None:
        import keras

        linear = (keras.activations.linear, keras.activations.log_softmax)
        shows = {
            keras.activations.softmax: Output.LOGITS,
            keras.activations.sigmoid: Output.SIGMOID,
            **dict.fromkeys(linear, Output.LOGITS),
        }
        self._calls: list[tuple[Any, Any]] = []
        self._layer = _last(model, pick)
        activation = real(self._layer, "activation")
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

        def noting(function: Callable[..., Any]) -> Callable[..., Any]:
            def note(given: Any, *args: Any, **kwargs: Any) -> Any:
                output = function(given, *args, **kwargs)
                self._calls[:] = [(given, output)]
                return output

            return note

        with replaced(self._layer, name, noting):
            yield

    def behind(self, output: Any) -> Any:
        """What the activation was given that made an output; None where it made none."""
        noted, self._calls = self._calls, []
        return noted[0][0] if noted and noted[0][1] is output else None


def _last(model: Any, pick: str | int | None) -> Any:
    """The layer that makes a model's one output, or the one picked, where that can be told."""
    while is_keras(model) and (outputs := getattr(model, "outputs", None)):
        if pick is not None:
            structure = model._outputs_struct
            try:
                outputs, pick = [structure[pick]], None
            except (KeyError, IndexError, TypeError):
                return None
        history = getattr(outputs[0], "_keras_history", None) if len(outputs) == 1 else None
        if history is None:
            return None
        model = history.operation
    return model if is_keras(model) else None
