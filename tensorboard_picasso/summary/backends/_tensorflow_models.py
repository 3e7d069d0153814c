"""How TensorFlow's kinds of models are told, called in inference mode and looked into."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tensorboard_picasso.summary import frameworks
from tensorboard_picasso.summary.backends.base import Claim, UnsupportedError

# What the framework's own classes are known by, without importing it.
_PACKAGES = {"tensorflow", "keras", "tf_keras"}


def adapts(model: Any) -> Claim:
    """TensorFlow's models are its own; where it is imported, a plain function may be."""
    if "tensorflow" not in sys.modules:
        return Claim.NO
    # A method of a model is TensorFlow's as the model is.
    owner = model.__self__ if inspect.ismethod(model) else model
    if is_keras(owner):
        ours = sys.modules["keras"].backend.backend() == "tensorflow"
        return Claim.YES if ours else Claim.NO
    bases = frameworks.packages(owner)
    if not _PACKAGES.isdisjoint(bases):
        return Claim.YES if callable(model) or hasattr(model, "signatures") else Claim.NO
    # A class that derives from nothing may call TensorFlow; one that derives
    # from another framework's does not.
    if inspect.isroutine(model) or (callable(model) and len(bases) == 1):
        return Claim.PERHAPS
    return Claim.NO


def is_keras(model: Any) -> bool:
    """True for models and layers of Keras 3."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Layer)


def caller(model: Any) -> tuple[Callable[[Any], Any], Any]:
    """How to call a model on one batch in inference mode, and the dtype it takes.

    Returns:
      A function of a tensor; and a NumPy dtype, None where it is not known.

    Raises:
      UnsupportedError: it cannot be called, or on several inputs only.
    """
    if is_keras(model):
        inputs = (getattr(model, "inputs", None) or ()) if model.built else ()
        if len(inputs) > 1:
            raise UnsupportedError(
                f"{type(model).__name__} takes {len(inputs)} inputs: wrap it to take one"
            )
        names = [each.dtype for each in inputs if each.dtype != "bfloat16"]
        return (lambda x: model(x, training=False)), np.dtype(names[0]) if names else None
    if not callable(model):
        return _signature_caller(model)
    if getattr(model, "structured_input_signature", ((), {}))[1]:
        return _concrete_caller(model)
    # TensorFlow's functions are looked through, so that a final softmax is seen.
    method = model if hasattr(model, "python_function") else model.__call__
    function = _converted(getattr(method, "python_function", model))
    known = getattr(method, "input_signature", None)
    dtype = _dtype_of(known[0], type(model).__name__) if known else None
    try:
        takes_training = "training" in inspect.signature(method).parameters
    except (TypeError, ValueError):
        takes_training = False
    if takes_training:
        return (lambda x: function(x, training=False)), dtype
    return function, dtype


def _converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its `if`s and loops over tensors made part of the graph.

    `tf.function` does so too, but it would do it to what calls the function as well.
    """
    import tensorflow as tf

    context = tf.__internal__.autograph.control_status_ctx()
    converted: Callable[..., Any] = tf.__internal__.autograph.tf_convert(function, context)
    return converted


def _signature_caller(model: Any) -> tuple[Callable[[Any], Any], Any]:
    signatures = getattr(model, "signatures", None) or {}
    signature = signatures.get("serving_default")
    if signature is None and len(signatures) == 1:
        signature = next(iter(signatures.values()))
    if signature is None:
        listed = ", ".join(signatures) or "none"
        raise UnsupportedError(
            f"{type(model).__name__} cannot be called and has signatures {listed}:"
            " pass model.signatures[...]"
        )
    return _concrete_caller(signature)


def _concrete_caller(signature: Any) -> tuple[Callable[[Any], Any], Any]:
    specs = signature.structured_input_signature[1]
    if len(specs) != 1:
        raise UnsupportedError(f"the SavedModel takes {len(specs)} inputs: wrap it to take one")
    ((name, spec),) = specs.items()
    return (lambda x: signature(**{name: x})), _dtype_of(spec, "the SavedModel")


def _dtype_of(spec: Any, name: str) -> Any:
    """The NumPy dtype of a signature's input.

    Raises:
      UnsupportedError: it takes batches of one size only.
    """
    size = spec.shape[0] if spec.shape.rank else None
    if size is not None:
        raise UnsupportedError(
            f"{name} cannot be traced with any batch size: its signature takes batches of"
            f" {size}; give it a batch size of None"
        )
    return spec.dtype.as_numpy_dtype


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


def float_dtype(model: Any) -> Any:
    """The floating dtype of the model's variables, where they have one; else float32."""
    found = getattr(model, "variables", ())
    dtypes = {getattr(each, "dtype", None) for each in (() if callable(found) else found)}
    names = {str(getattr(dtype, "name", dtype)) for dtype in dtypes}
    floats = names & {"float16", "float32", "float64"}
    return np.dtype(floats.pop()) if len(floats) == 1 else np.dtype(np.float32)
