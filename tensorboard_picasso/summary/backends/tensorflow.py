"""Keras on TensorFlow, tf.Module, SavedModels, and any TensorFlow callable."""

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary.backends.base import Backend, UnsupportedError

Array = NDArray[Any]


def adapts(model: Any) -> bool:
    """True for whatever can be called on tensors, where TensorFlow is in use."""
    if "tensorflow" not in sys.modules:
        return False
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(model, keras.Layer):
        return bool(keras.backend.backend() == "tensorflow")
    return callable(model) or hasattr(model, "signatures")


class Adapter(Backend):
    """Calls the model in a `tf.function` of its own, traced once a shape."""

    name = "tensorflow"

    def __init__(self, model: Any, look_behind: bool = True) -> None:
        self._model = model
        self._look_behind = look_behind
        self._call, self._dtype = _caller(model)
        self._functions: dict[Any, Any] = {}
        self.tracing_seconds = 0.0

    def scores(self, x: Array) -> Array:
        """Raw scores (n, classes); see `Backend.scores`."""
        x = self._cast(x)
        return np.asarray(self._scores_function(x)(_tensor(x)).numpy())

    def handles(self, x: Array) -> list[Any]:
        """The resources that scoring such inputs reads: all the model's variables."""
        import tensorflow as tf

        function = self._scores_function(self._cast(x))
        return [each for each in function.captured_inputs if each.dtype == tf.resource]

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Callable[[Any], Any] | None = None,
    ) -> Array:
        """See `Backend.gradient`."""
        x = x.astype(np.float32) if preprocess is not None else self._cast(x)
        if not np.issubdtype(x.dtype, np.floating):
            raise UnsupportedError(
                f"{type(self._model).__name__} takes {x.dtype}: there is no gradient with"
                " respect to integers; use occlusion alone"
            )
        key = ("gradient", layer, preprocess)
        function = self._traced(key, x, lambda: self._gradient(layer, preprocess), cotangent)
        return np.asarray(function(_tensor(x), _tensor(cotangent.astype(np.float32))).numpy())

    def _cast(self, x: Array) -> Array:
        if self._dtype is not None:
            return x.astype(self._dtype)
        return x.astype(np.float32)

    def _scores_function(self, x: Array) -> Any:
        return self._traced(("scores",), x, lambda: lambda batch: self._forward(batch)[0])

    def _traced(self, key: Any, x: Array, make: Callable[[], Any], *more: Array) -> Any:
        """A concrete function for inputs of this shape, any number of them."""
        import tensorflow as tf

        key = (*key, x.shape[1:], x.dtype.str, *(each.shape[1:] for each in more))
        if key not in self._functions:
            started = time.perf_counter()
            specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
            specs += [tf.TensorSpec([None, *each.shape[1:]], tf.float32) for each in more]
            with tf.init_scope():
                self._build(x)
                function = tf.function(make(), autograph=False)
                self._functions[key] = function.get_concrete_function(*specs)
            self.tracing_seconds += time.perf_counter() - started
        return self._functions[key]

    def _build(self, x: Array) -> None:
        """A Keras model without weights gets them before it is traced."""
        if getattr(self._model, "built", True) is False:
            self._call(_tensor(x[:1]))

    def _forward(self, batch: Any) -> tuple[Any, Any]:
        """Scores, behind a final softmax or sigmoid, and the model's own output."""
        output = _single(self._call(batch), type(self._model).__name__)
        scores = output
        if self._look_behind:
            scores, self.shown, self.behind = _behind(output)
        return scores, output

    def _gradient(
        self, layer: str | None, preprocess: Callable[[Any], Any] | None
    ) -> Callable[[Any, Any], Any]:
        import tensorflow as tf

        def gradient(x: Any, cotangent: Any) -> Any:
            batch = _preprocessed(preprocess, x)
            with self._captured(layer) as captured:
                scores, _ = self._forward(batch)
            wanted = captured[-1] if layer else x
            # By the graph, not by a tape: a tape does not know what lies behind a softmax.
            (result,) = tf.gradients(scores, [wanted], [tf.cast(cotangent, scores.dtype)])
            if result is None:
                what = f"layer {layer!r}" if layer else "the input"
                through = " through preprocess" if preprocess else ""
                raise UnsupportedError(
                    f"{type(self._model).__name__} has no gradient from its scores"
                    f" to {what}{through}"
                )
            return tf.cast(result, tf.float32)

        return gradient

    @contextmanager
    def _captured(self, name: str | None) -> Iterator[list[Any]]:
        """Collect what a named layer returns while the model is being traced."""
        captured: list[Any] = []
        if name is None:
            yield captured
            return
        layer = _layer(self._model, name)
        call = layer.call

        def capture(*args: Any, **kwargs: Any) -> Any:
            captured.append(call(*args, **kwargs))
            return captured[-1]

        object.__setattr__(layer, "call", capture)
        try:
            yield captured
        finally:
            object.__delattr__(layer, "call")
        if not captured:
            raise UnsupportedError(f"layer {name!r} takes no part in the model's scores")


def _tensor(x: Array) -> Any:
    import tensorflow as tf

    return tf.constant(x)


def _preprocessed(preprocess: Callable[[Any], Any] | None, x: Any) -> Any:
    import tensorflow as tf

    if preprocess is None:
        return x
    try:
        return tf.cast(preprocess(x), tf.float32)
    except Exception as e:
        raise UnsupportedError(f"preprocess is not written in TensorFlow: {e}") from e


def _caller(model: Any) -> tuple[Callable[[Any], Any], Any]:
    """How to call a model in inference mode, and the dtype that it takes."""
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(model, keras.Layer):
        inputs = getattr(model, "inputs", None) if getattr(model, "built", False) else None
        dtype = np.dtype(inputs[0].dtype) if inputs and inputs[0].dtype != "bfloat16" else None
        return (lambda x: model(x, training=False)), dtype
    signatures = getattr(model, "signatures", None)
    if signatures:
        signature = signatures.get("serving_default") or next(iter(signatures.values()))
        names = list(signature.structured_input_signature[1])
        if len(names) != 1:
            raise UnsupportedError(f"the SavedModel takes {len(names)} inputs: wrap it to take one")
        dtype = signature.structured_input_signature[1][names[0]].dtype.as_numpy_dtype
        return (lambda x: signature(**{names[0]: x})), dtype
    if not callable(model):
        raise UnsupportedError(f"{type(model).__name__} cannot be called and has no signatures")
    function = getattr(model, "python_function", model)
    try:
        accepts = "training" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        accepts = False
    return (lambda x: model(x, training=False) if accepts else model(x)), None


def _single(output: Any, name: str) -> Any:
    while isinstance(output, dict | list | tuple):
        if len(output) != 1:
            raise UnsupportedError(
                f"{name} returns {len(output)} outputs: wrap it in a function that returns one"
            )
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def _behind(output: Any) -> tuple[Any, Output | None, bool]:
    """The tensor before a final softmax or sigmoid, if the trace shows one."""
    operation = output.op
    while operation.type in ("Identity", "Cast"):
        operation = operation.inputs[0].op
    if operation.type == "Softmax":
        return operation.inputs[0], Output.LOGITS, False
    if operation.type == "Sigmoid":
        return operation.inputs[0], Output.SIGMOID, True
    return output, None, False


def _layer(model: Any, name: str) -> Any:
    flatten = getattr(model, "_flatten_layers", None)
    if flatten is None:
        raise UnsupportedError(f"layer={name!r}: {type(model).__name__} is no Keras model")
    layers = [each for each in flatten() if each is not model]
    for layer in layers:
        if layer.name == name:
            return layer
    some = ", ".join(layer.name for layer in layers[:8])
    raise UnsupportedError(f"no layer {name!r}: the model has {some}")
