"""How TensorFlow's kinds of models are told, called in inference mode and looked into."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, Claim, Function, UnsupportedError
from tensorboard_picasso.summary.backends.keras.models import (
    inputs_of,
    is_keras,
    is_keras_2,
    runs_on,
)
from tensorboard_picasso.summary.kit import frameworks

# What the framework's own classes are known by, without importing it.
_PACKAGES = {"tensorflow", "keras", "tf_keras"}


def adapts(model: Any) -> Claim:
    """TensorFlow's models are its own; where it is imported, a plain function may be."""
    if "tensorflow" not in sys.modules:
        return Claim.NO
    # A method of a model is TensorFlow's as the model is.
    owner = model.__self__ if inspect.ismethod(model) else model
    if is_keras(owner):
        return Claim.YES if runs_on("tensorflow") else Claim.NO
    bases = frameworks.packages(owner)
    if not _PACKAGES.isdisjoint(bases):
        return Claim.YES if callable(model) or hasattr(model, "signatures") else Claim.NO
    # A class that derives from nothing may call TensorFlow; one that derives
    # from another framework's does not.
    if inspect.isroutine(model) or (callable(model) and len(bases) == 1):
        return Claim.PERHAPS
    return Claim.NO


def caller(model: Any) -> tuple[Function, Function, Any]:
    """How to call a model in inference mode, and the dtype it takes.

    Returns:
      A function of tensors; what has the names of its arguments; and the NumPy dtype of
      its one input, None where it is not known or there are several.

    Raises:
      UnsupportedError: it cannot be called.
    """
    if is_keras(model):
        inputs = list(inputs_of(model).values())
        names = [each.dtype for each in inputs if each.dtype != "bfloat16"]
        dtype = np.dtype(names[0]) if len(inputs) == 1 and names else None
        return functools.partial(_stateless, model), model.call, dtype
    if is_keras_2(model):
        takes_training = "training" in inspect.signature(model.call).parameters
        mode = {"training": False} if takes_training else {}
        return functools.partial(_converted(model), **mode), model.call, None
    if not callable(model):
        return _signature_caller(model)
    if getattr(model, "structured_input_signature", ((), {}))[1]:
        return _concrete_caller(model)
    # TensorFlow's functions are looked through, so that a final softmax is seen.
    method = model if hasattr(model, "python_function") else model.__call__
    function = _converted(getattr(method, "python_function", model))
    known = getattr(method, "input_signature", None)
    dtypes = [_dtype_of(each, type(model).__name__) for each in known or ()]
    dtype = dtypes[0] if len(dtypes) == 1 else None
    try:
        takes_training = "training" in inspect.signature(method).parameters
    except (TypeError, ValueError):
        takes_training = False
    if takes_training:
        function = functools.partial(function, training=False)
    return function, getattr(method, "python_function", model), dtype


def _stateless(model: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a Keras model; what a call changes, such as counts and states of noise, is dropped."""
    import keras

    with keras.StatelessScope():
        return model(*args, training=False, **kwargs)


def _converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its `if`s and loops over tensors made part of the graph.

    `tf.function` does so too, but it would do it to what calls the function as well.
    """
    import tensorflow as tf

    context = tf.__internal__.autograph.control_status_ctx()
    converted: Callable[..., Any] = tf.__internal__.autograph.tf_convert(function, context)
    return converted


def _signature_caller(model: Any) -> tuple[Function, Function, Any]:
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


def _concrete_caller(signature: Any) -> tuple[Function, Function, Any]:
    specs = signature.structured_input_signature[1]
    dtypes = [_dtype_of(spec, "the SavedModel") for spec in specs.values()]

    def call(x: Any = None, **named: Any) -> Any:
        rest = [name for name in specs if name not in named]
        if x is not None and len(rest) == 1:
            named[rest[0]] = x
        if named.keys() != specs.keys():
            raise UnsupportedError(
                f"the SavedModel takes {len(specs)} inputs ({', '.join(specs)}): give the probe"
                " inputs= with all but the image"
            )
        return signature(**named)

    return call, call, dtypes[0] if len(specs) == 1 else None


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


def float_dtype(model: Any) -> Any:
    """The floating dtype of the model's variables, where they have one; else float32."""
    variables = getattr(model, "variables", ())
    dtypes = {getattr(each, "dtype", None) for each in (() if callable(variables) else variables)}
    names = {str(getattr(dtype, "name", dtype)) for dtype in dtypes}
    floats = names & {"float16", "float32", "float64"}
    return np.dtype(floats.pop()) if len(floats) == 1 else np.dtype(np.float32)


def array(tensor: Any) -> Array:
    """A tensor as float32 or float64; half precision is widened."""
    values: Array = np.asarray(tensor)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float32)


def by_rows(output: Any, batch: Any) -> Any:
    """As `_call.by_rows`; of a graph that serves any batch size, where the rank may not be known."""
    import tensorflow as tf

    def rows() -> Any:
        return tf.reshape(output, [tf.shape(batch)[0], -1])

    rank = output.shape.rank
    if rank is None:
        return tf.cond(tf.rank(output) < 2, rows, lambda: tf.identity(output))
    return rows() if rank < 2 else output
