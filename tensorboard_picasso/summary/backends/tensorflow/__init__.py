"""TensorFlow: Keras 3 models, `tf.Module`s, SavedModels and functions of tensors.

TensorFlow is imported only once a model of it is adapted.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.base import (
    Array,
    Arrival,
    Backend,
    Call,
    Function,
    Hiding,
    Layer,
    UnsupportedError,
    broken,
    floats,
    integers_only,
    no_gradient,
    out_of_memory,
    same,
)
from tensorboard_picasso.summary.backends.keras.arrival import arriving
from tensorboard_picasso.summary.backends.keras.models import (
    called,
    calls,
    is_keras,
    is_keras_2,
    layer_named,
    tapped,
)
from tensorboard_picasso.summary.backends.tensorflow.models import (
    adapts,
    array,
    caller,
    float_dtype,
)
from tensorboard_picasso.summary.kit import report

__all__ = ["Adapter", "adapts"]

# Operations that pass scores on, and what a model's final one says of them.
_PASSING = ("Identity", "Cast")
# Those that do so where they take or add axes of length one alone.
_SHAPING = ("Squeeze", "ExpandDims", "Reshape")
_ACTIVATIONS = {"Softmax": Output.LOGITS, "Sigmoid": Output.SIGMOID}
_LINEAR = ("BiasAdd", "MatMul", "LogSoftmax")


class Adapter(Backend):
    """Calls the model in `tf.function`s of its own.

    Each is traced once for a shape and dtype of inputs, with any batch size.
    """

    name = "tensorflow"
    calls = True

    def __init__(self, model: Any, look_behind: bool = True) -> None:
        self._type = type(model).__name__
        self._model = model
        self._look_behind = look_behind
        self._call, self._known_by, self._dtype = caller(model)
        # What the model takes instead of integers.
        self._instead: dict[Any, Any] = {}
        self._functions: dict[Any, Any] = {}
        self._known: dict[Any, bool] = {}
        self._signature: Any = None
        self._layers_now: Any = None
        self._sweep: Any = None
        self.tracing_seconds = 0.0

    @property
    def deterministic(self) -> bool:
        """See `Backend.deterministic`."""
        # TensorFlow has no public way to ask.
        from tensorflow.python.framework import config

        return super().deterministic or bool(config.is_op_determinism_enabled())

    def scores(self, x: Array) -> Array:
        """See `Backend.scores`."""
        x, function = self._scorer(x)
        return array(function(*map(_tensor, [x, *self.beside(len(x))])))

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Callable[[Array], Array],
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """See `Backend.swept_scores`."""
        whole = "" if reuse else "reuse=False"
        if not is_keras(self._model):
            kind = "of Keras 2, and layers are read of Keras 3"
            whole = f"a {self._type} is {kind if is_keras_2(self._model) else 'no Keras model'}"
        elif self.call != Call() or self.others:
            whole = "the model has several inputs or outputs, or a score of its own"
        if self._sweep is None:
            self._sweep = self._sweeping()
        with self._layers_read_once():
            found: list[Array] = self._sweep.scores(hidings, model_input, in_place, whole)
        self.tracing_seconds += self._sweep.traced
        return found

    def _sweeping(self) -> Any:
        from tensorboard_picasso.summary.backends.tensorflow.dense import Dense
        from tensorboard_picasso.summary.backends.tensorflow.sweep import Sweep

        dense = Dense(self.scores, self._scorer, self._traced, lambda: self.deterministic)
        return Sweep(
            self._model,
            self._layers,
            self._scorer,
            self.scores,
            lambda group, model_input, in_place: dense.swept(
                group, model_input, in_place, self.beside(1)
            ),
            self._ended,
        )

    @property
    def sweep_told(self) -> str:
        """See `Backend.sweep_told`."""
        return self._sweep.told if self._sweep else "nothing was computed yet"

    def handles(self, x: Array) -> list[Any]:
        """The resources that scoring such inputs reads: all the model's variables."""
        import tensorflow as tf

        _, function = self._scorer(x)
        return [each for each in function.captured_inputs if each.dtype == tf.resource]

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.gradient`."""
        if preprocess is not None:
            x = floats(x)
        elif layer is not None:
            x, _ = self._scorer(x)
        else:
            x = self._differentiable(x)
        weights = np.asarray(cotangent, np.float64)
        make = self._gradient(layer, preprocess)
        arrays = x, weights, *self.beside(len(x))
        function = self._traced(("gradient", layer, preprocess), make, *arrays)
        return array(function(*map(_tensor, arrays)))

    def activations(self, x: Array, layer: str) -> Array:
        """See `Backend.activations`."""
        x, _ = self._scorer(x)

        def activations(batch: Any, *others: Any) -> Any:
            with self._captured(layer) as captured:
                self._forward(batch, *others)
            return captured[-1]

        arrays = x, *self.beside(len(x))
        function = self._traced(("activations", layer), activations, *arrays)
        return array(function(*map(_tensor, arrays)))

    def fed(self, x: Array) -> tuple[tuple[int, ...], str]:
        """See `Backend.fed`."""
        taken, _ = self._scorer(x)
        return taken.shape, str(taken.dtype)

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """See `Backend.arrives`."""
        if not is_keras(self._model):
            return None
        x, _ = self._scorer(x)  # which may trace, and nothing arrives in a trace
        with arriving(self._model, over) as found:
            if found is not None:
                self._called(*map(_tensor, [x, *self.beside(len(x))]))
        return found[0] if found else None

    def layers(self, x: Array) -> list[Layer]:
        """See `Backend.layers`."""
        x, _ = self._scorer(x)
        with calls(self._model, len(x)) as found:
            self._called(*map(_tensor, [x, *self.beside(len(x))]))
        return found

    def reaches(self, x: Array, layer: str, places: NDArray[np.bool_]) -> bool:
        """See `Backend.reaches`; untraced, as it is asked once."""
        import tensorflow as tf

        x, _ = self._scorer(x)
        arrays = list(map(_tensor, [x, *self.beside(len(x))]))

        def scores() -> Array:
            return array(self.call.scored(self._called(*arrays), self._type, arrays[1:]))

        def marked(output: Any) -> Any:
            return tf.where(places, tf.constant(np.nan, output.dtype), output)

        plain = scores()
        with tapped(layer_named(self._model, layer), marked):
            return not same(scores(), plain)

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """See `Backend.differentiates`; found out once a shape."""
        key = (preprocess, given.shape[1:], given.dtype)
        if key not in self._known:
            x = floats(given)
            try:
                function = self._traced(("preprocess", preprocess), _sloped(preprocess), x)
                made, slope = map(array, function(_tensor(x)))
            except Exception:
                # Whatever the user's NumPy code raises for a tensor: it is not TensorFlow's.
                self._known[key] = False
            else:
                self._known[key] = same(made, inputs) and bool(slope.any())
        return self._known[key]

    def _scorer(self, x: Array) -> tuple[Array, Any]:
        """Inputs as the model takes them, and the function that scores them.

        Integers are passed on where the model takes them: it may scale them.
        """
        dtype = self._dtype or self._instead.get(x.dtype)
        if dtype is None:
            dtype = float_dtype(self._model) if x.dtype.kind == "f" else x.dtype
        x = x.astype(dtype, copy=False)
        try:
            return x, self._traced(("scores",), self._forward, x, *self.beside(1))
        except Exception:
            if self._dtype or x.dtype.kind == "f":
                raise
        self._instead[x.dtype] = float_dtype(self._model)
        return self._scorer(x)

    def _differentiable(self, x: Array) -> Array:
        """Inputs as floats that the model makes the same scores of.

        Raises:
          UnsupportedError: it takes integers only.
        """
        taken, _ = self._scorer(x)
        if taken.dtype.kind == "f":
            return taken
        cast = x.astype(float_dtype(self._model))
        key = ("floats", x.shape[1:], x.dtype)
        if key not in self._known:
            plain = self.scores(x[:1])
            if self._dtype is None and broken(plain):
                return cast
            self._known[key] = self._dtype is None and same(self.scores(cast[:1]), plain)
        if not self._known[key]:
            raise integers_only(self._type, taken.dtype)
        return cast

    def _traced(self, key: Any, body: Callable[..., Any], *arrays: Array) -> Any:
        """A concrete function for arrays of these shapes and dtypes, with any batch size."""
        import tensorflow as tf

        if self._functions and self._layers() != self._signature:
            self._functions.clear()
        key = (*key, *((each.shape[1:], each.dtype) for each in arrays))
        if key in self._functions:
            return self._functions[key]
        started = time.perf_counter()
        specs = [tf.TensorSpec([None, *each.shape[1:]], each.dtype) for each in arrays]
        try:
            with tf.init_scope():
                if not getattr(self._model, "built", True):
                    self._called(*map(_tensor, [arrays[0][:1], *self.beside(1)]))
                function = tf.function(body, autograph=False)
                self._functions[key] = function.get_concrete_function(*specs)
                self._layers_now = None  # as the call may have built some
                self._signature = self._layers()
        except UnsupportedError:
            raise
        except Exception as e:
            if out_of_memory(e):
                raise
            called = getattr(self._model, "__name__", "")
            remedy = "; pass the model, not model.predict" if called == "predict" else ""
            raise UnsupportedError(
                f"{self._type} cannot be traced with any batch size: {report.reason(e)}{remedy}"
            ) from e
        finally:
            self.tracing_seconds += time.perf_counter() - started
        return self._functions[key]

    def _layers(self) -> Any:
        """What is another where layers of a Keras model were exchanged."""
        if is_keras_2(self._model):
            return [*map(id, self._model._flatten_layers())]
        if not is_keras(self._model):
            return None
        if self._layers_now is not None:
            return self._layers_now
        from tensorboard_picasso.summary.reuse.keras_trace import signature

        return signature(self._model)

    @contextmanager
    def _layers_read_once(self) -> Iterator[None]:
        """Nobody exchanges layers meanwhile."""
        self._layers_now = self._layers()
        try:
            yield
        finally:
            self._layers_now = None

    def _called(self, batch: Any, *others: Any) -> Any:
        """The model's outputs."""
        if is_keras(self._model):
            return called(self._model, self._call, self.call, batch, others)
        return self.call.outputs(self._call, self._known_by, batch, others)

    def _forward(self, batch: Any, *others: Any) -> Any:
        """Scores: the model's output, or what stands before its final activation."""
        output = self.call.scored(self._called(batch, *others), self._type, others)
        return _by_rows(self._ended(output), batch)

    def _ended(self, output: Any) -> Any:
        """What stands before the final activation of an output, or the output."""
        if not hasattr(output, "op"):
            raise UnsupportedError(f"{self._type} returns {type(output).__name__}, no tensor")
        import tensorflow as tf

        last = output
        while last.op.type in _PASSING or (
            last.op.type in _SHAPING and _same_sides(last, last.op.inputs[0])
        ):
            last = last.op.inputs[0]
        operation = last.op
        if self._look_behind and operation.type in _ACTIVATIONS:
            self.shown, self.behind = _ACTIVATIONS[operation.type], True
            given = operation.inputs[0]
            same = last.shape.rank == output.shape.rank
            return given if same else tf.reshape(given, tf.shape(output))
        self.shown = Output.LOGITS if operation.type in _LINEAR else None
        return output

    def _gradient(self, layer: str | None, preprocess: Function | None) -> Callable[..., Any]:
        import tensorflow as tf

        def gradient(x: Any, cotangent: Any, *others: Any) -> Any:
            batch = x if preprocess is None else tf.cast(preprocess(x), self._preprocessed_dtype())
            with self._captured(layer) as captured:
                scores = self._forward(batch, *others)
            wanted = captured[-1] if layer else x
            # By the graph, not by a tape: a tape does not know what lies behind a softmax.
            try:
                (result,) = tf.gradients(scores, [wanted], [tf.cast(cotangent, scores.dtype)])
            except LookupError as e:  # an operation that has none
                raise no_gradient(self._type, layer, report.reason(e)) from e
            if result is None:
                raise no_gradient(self._type, layer)
            return tf.convert_to_tensor(result)

        return gradient

    def _preprocessed_dtype(self) -> Any:
        return self._dtype or float_dtype(self._model)

    @contextmanager
    def _captured(self, name: str | None) -> Iterator[list[Any]]:
        """Collect what a named layer returns while the model is being traced."""
        captured: list[Any] = []
        if name is None:
            yield captured
            return

        def tap(output: Any) -> Any:
            captured.append(output)
            return output

        with tapped(layer_named(self._model, name), tap):
            yield captured
        if len(captured) != 1 or isinstance(captured[0], dict | list | tuple):
            raise UnsupportedError(
                f"layer {name!r} is called {len(captured)} times and returns"
                f" {type(captured[0]).__name__ if captured else 'nothing'}:"
                " name one that is called once and returns one tensor"
            )


def _tensor(x: Array) -> Any:
    import tensorflow as tf

    return tf.constant(x)


def _sloped(preprocess: Function) -> Callable[[Any], Any]:
    """What preprocess makes of a batch, and a derivative of it by the batch."""
    import tensorflow as tf

    def both(batch: Any) -> Any:
        made = tf.cast(preprocess(batch), tf.float32)
        # Of a random sum: the plain one of standardised images does not move.
        weights = tf.random.stateless_normal(tf.shape(made), (1, 2))
        (slope,) = tf.gradients(made, [batch], [weights], unconnected_gradients="zero")
        return made, slope

    return both


def _same_sides(one: Any, other: Any) -> bool:
    """Whether tensors have the same axes but for those of length one."""
    if one.shape.rank is None or other.shape.rank is None:
        return False
    sides = [[each for each in tensor.shape if each != 1] for tensor in (one, other)]
    return sides[0] == sides[1] and sides[0].count(None) < 2


def _by_rows(output: Any, batch: Any) -> Any:
    """As `_call.by_rows`; of a graph that serves any batch size, where the rank may not be known."""
    import tensorflow as tf

    def rows() -> Any:
        return tf.reshape(output, [tf.shape(batch)[0], -1])

    rank = output.shape.rank
    if rank is None:
        return tf.cond(tf.rank(output) < 2, rows, lambda: tf.identity(output))
    return rows() if rank < 2 else output
