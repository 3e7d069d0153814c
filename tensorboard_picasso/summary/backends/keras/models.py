"""Models of Keras: how they are told and called, of Keras 3 on whichever of its backends."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tensorboard_picasso.summary.backends.base import Call, UnsupportedError
from tensorboard_picasso.summary.kit import frameworks
from tensorboard_picasso.summary.reuse.keras_taps import replaced


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
