"""The adapter of TensorFlow's models, in `tf.function`s of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends._common.question import Others, beside
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Array,
    Arrival,
    Call,
    Function,
    Layer,
    Question,
    Setup,
    UnsupportedError,
    Windows,
    broken,
    floats,
    integers_only,
    out_of_memory,
    same,
)
from tensorboard_picasso.summary.backends.keras.arrival import arriving
from tensorboard_picasso.summary.backends.keras.layers import calls, layer_named, tapped
from tensorboard_picasso.summary.backends.keras.models import called, is_keras, is_keras_2
from tensorboard_picasso.summary.backends.tensorflow import ends, gradients
from tensorboard_picasso.summary.backends.tensorflow.models import (
    array,
    by_rows,
    caller,
    float_dtype,
)
from tensorboard_picasso.summary.kit import report


class TensorFlowAdapter(Adapter):
    """Calls the model in `tf.function`s of its own.

    Each is traced once for a shape and dtype of inputs, with any batch size.
    """

    name = "tensorflow"
    calls = True

    def __init__(self, model: Any, setup: Setup) -> None:
        super().__init__(model, setup)
        self._type = type(model).__name__
        self._call, self._known_by, self._dtype = caller(model)
        # What the model takes instead of integers.
        self._instead: dict[Any, Any] = {}
        self._functions: dict[Any, Any] = {}
        self._known: dict[Any, bool] = {}
        self._signature: Any = None
        self._layers_now: Any = None
        self._sweep: Any = None
        self._cotangents: Any = None

    @property
    def deterministic(self) -> bool:
        """See `Adapter.deterministic`."""
        # TensorFlow has no public way to ask.
        from tensorflow.python.framework import config

        return super().deterministic or bool(config.is_op_determinism_enabled())

    def scores(self, question: Question) -> Array:
        """See `Adapter.scores`."""
        taken, function = self._scorer(question)
        return array(function(*map(_tensor, taken.arrays)))

    def swept_scores(self, windows: Windows) -> list[Array]:
        """See `Adapter.swept_scores`."""
        whole = "" if windows.reuse else "reuse=False"
        if not is_keras(self.model):
            kind = "of Keras 2, and layers are read of Keras 3"
            whole = f"a {self._type} is {kind if is_keras_2(self.model) else 'no Keras model'}"
        elif self.setup.call != Call() or windows.others:
            whole = "the model has several inputs or outputs, or a score of its own"
        if self._sweep is None:
            self._sweep = self._sweeping()
        with self._layers_read_once():
            scores: list[Array] = self._sweep.scores(windows, whole)
        self.tracing_seconds += self._sweep.traced
        return scores

    def _sweeping(self) -> Any:
        from tensorboard_picasso.summary.backends.tensorflow.dense import Dense
        from tensorboard_picasso.summary.backends.tensorflow.sweep import Sweep

        dense = Dense(self.scores, self._scorer, self._traced, lambda: self.deterministic)
        return Sweep(self.model, self._layers, self._scorer, self.scores, dense, self._ended)

    @property
    def sweep_told(self) -> str:
        """See `Adapter.sweep_told`."""
        return self._sweep.told if self._sweep else "nothing was computed yet"

    @property
    def sweep_decided(self) -> bool:
        """See `Adapter.sweep_decided`."""
        return self._sweep is None or self._sweep.decided

    def handles(self, question: Question) -> list[Any]:
        """The resources that scoring such inputs reads: all the model's variables."""
        import tensorflow as tf

        _, function = self._scorer(question)
        return [each for each in function.captured_inputs if each.dtype == tf.resource]

    def gradient(self, question: Question, cotangent: Array) -> Array:
        """See `Adapter.gradient`."""
        layer, preprocess = question.layer, question.preprocess
        if preprocess is not None:
            taken = question.about(floats(question.x))
        elif layer is not None:
            taken, _ = self._scorer(question)
        else:
            taken = question.about(self._differentiable(question))
        weights = np.asarray(cotangent, np.float64)
        make = self._gradient(layer, preprocess)
        x, *others = taken.arrays
        arrays = x, weights, *others
        key = "gradient", layer, preprocess
        function = self._traced(key, make, arrays, question.others)
        return array(function(*map(_tensor, arrays)))

    def slopes(self, question: Question, cotangents: Function, count: int) -> Array:
        """See `Adapter.slopes`; the model is run once for all sums, in one function.

        What cotangents are made of is known amid it, so that they are asked for there.
        """
        import tensorflow as tf

        preprocess = question.preprocess
        x = floats(question.x) if preprocess is not None else self._differentiable(question)
        arrays = question.about(x).arrays

        def asked(scores: Array) -> Array:
            return np.asarray(self._cotangents(scores))

        def body(x: Any, *others: Any) -> Any:
            batch = x if preprocess is None else tf.cast(preprocess(x), self._preprocessed_dtype())
            scores = self._forward(batch, *others)
            return gradients.slopes(self._type, scores, x, asked, count)

        function = self._traced(("slopes", preprocess, count), body, arrays, question.others)
        self._cotangents = cotangents
        return array(function(*map(_tensor, arrays)))

    def activations(self, question: Question) -> Array:
        """See `Adapter.activations`."""
        taken, _ = self._scorer(question)
        layer = question.layer

        def activations(batch: Any, *others: Any) -> Any:
            with self._captured(layer) as captured:
                self._forward(batch, *others)
            return captured[-1]

        arrays = taken.arrays
        function = self._traced(("activations", layer), activations, arrays, question.others)
        return array(function(*map(_tensor, arrays)))

    def fed(self, question: Question) -> tuple[tuple[int, ...], str]:
        """See `Adapter.fed`."""
        taken, _ = self._scorer(question)
        return taken.x.shape, str(taken.x.dtype)

    def arrives(self, question: Question, over: bool) -> Arrival | None:
        """See `Adapter.arrives`."""
        if not is_keras(self.model):
            return None
        taken, _ = self._scorer(question)  # which may trace, and nothing arrives in a trace
        with arriving(self.model, over) as arrivals:
            if arrivals is not None:
                self._called(*map(_tensor, taken.arrays))
        return arrivals[0] if arrivals else None

    def layers(self, question: Question) -> list[Layer]:
        """See `Adapter.layers`."""
        taken, _ = self._scorer(question)
        with calls(self.model, len(taken.x)) as layers:
            self._called(*map(_tensor, taken.arrays))
        return layers

    def reaches(self, question: Question, places: NDArray[np.bool_]) -> bool:
        """See `Adapter.reaches`; untraced, as it is asked once."""
        import tensorflow as tf

        taken, _ = self._scorer(question)
        arrays = list(map(_tensor, taken.arrays))

        def scores() -> Array:
            return array(self.setup.call.scored(self._called(*arrays), self._type, arrays[1:]))

        def marked(output: Any) -> Any:
            return tf.where(places, tf.constant(np.nan, output.dtype), output)

        plain = scores()
        with tapped(layer_named(self.model, str(question.layer)), marked):
            return not same(scores(), plain)

    def differentiates(self, question: Question, inputs: Array) -> bool:
        """See `Adapter.differentiates`; found out once a shape."""
        given, preprocess = question.x, question.preprocess
        if preprocess is None:
            return True
        key = (preprocess, given.shape[1:], given.dtype)
        if key not in self._known:
            x = floats(given)
            try:
                body = gradients.sloped(preprocess)
                function = self._traced(("preprocess", preprocess), body, [x], question.others)
                made, slope = map(array, function(_tensor(x)))
            except Exception:
                # Whatever the user's NumPy code raises for a tensor: it is not TensorFlow's.
                self._known[key] = False
            else:
                self._known[key] = same(made, inputs) and bool(slope.any())
        return self._known[key]

    def _scorer(self, question: Question) -> tuple[Question, Any]:
        """The same of inputs as the model takes them, and the function that scores them.

        Integers are passed on where the model takes them: it may scale them.
        """
        x, others = question.x, question.others
        dtype = self._dtype or self._instead.get(x.dtype)
        if dtype is None:
            dtype = float_dtype(self.model) if x.dtype.kind == "f" else x.dtype
        x = x.astype(dtype, copy=False)
        try:
            arrays = [x, *beside(others, 1)]
            function = self._traced(("scores",), self._forward, arrays, others)
            return question.about(x), function
        except Exception:
            if self._dtype or x.dtype.kind == "f":
                raise
        self._instead[x.dtype] = float_dtype(self.model)
        return self._scorer(question.about(x))

    def _differentiable(self, question: Question) -> Array:
        """Inputs as floats that the model makes the same scores of.

        Raises:
          UnsupportedError: it takes integers only.
        """
        taken, _ = self._scorer(question)
        if taken.x.dtype.kind == "f":
            return taken.x
        x = question.x
        cast = x.astype(float_dtype(self.model))
        key = ("floats", x.shape[1:], x.dtype)
        if key not in self._known:
            plain = self.scores(question.about(x[:1]))
            if self._dtype is None and broken(plain):
                return cast
            self._known[key] = self._dtype is None and same(
                self.scores(question.about(cast[:1])), plain
            )
        if not self._known[key]:
            raise integers_only(self._type, taken.x.dtype)
        return cast

    def _traced(
        self, key: Any, body: Callable[..., Any], arrays: Sequence[Array], others: Others
    ) -> Any:
        """A concrete function for arrays of these shapes and dtypes, with any batch size.

        Args:
          key: of the body. body: from these arrays' tensors to what the function returns.
          arrays: the first one a batch of inputs.
          others: as of `Question`, for a model that is yet to be built.
        """
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
                if not getattr(self.model, "built", True):
                    self._called(*map(_tensor, [arrays[0][:1], *beside(others, 1)]))
                function = tf.function(body, autograph=False)
                self._functions[key] = function.get_concrete_function(*specs)
                self._layers_now = None  # as the call may have built some
                self._signature = self._layers()
        except UnsupportedError:
            raise
        except Exception as e:
            if out_of_memory(e):
                raise
            called = getattr(self.model, "__name__", "")
            remedy = "; pass the model, not model.predict" if called == "predict" else ""
            raise UnsupportedError(
                f"{self._type} cannot be traced with any batch size: {report.reason(e)}{remedy}"
            ) from e
        finally:
            self.tracing_seconds += time.perf_counter() - started
        return self._functions[key]

    def _layers(self) -> Any:
        """What is another where layers of a Keras model were exchanged."""
        if is_keras_2(self.model):
            return [*map(id, self.model._flatten_layers())]
        if not is_keras(self.model):
            return None
        if self._layers_now is not None:
            return self._layers_now
        from tensorboard_picasso.summary.reuse.keras_trace import signature

        return signature(self.model)

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
        if is_keras(self.model):
            return called(self.model, self._call, self.setup.call, batch, others)
        return self.setup.call.outputs(self._call, self._known_by, batch, others)

    def _forward(self, batch: Any, *others: Any) -> Any:
        """Scores: the model's output, or what stands before its final activation."""
        output = self.setup.call.scored(self._called(batch, *others), self._type, others)
        return by_rows(self._ended(output), batch)

    def _ended(self, output: Any) -> Any:
        """What stands before the final activation of an output, or the output."""
        if not hasattr(output, "op"):
            raise UnsupportedError(f"{self._type} returns {type(output).__name__}, no tensor")
        scores, self.shown, before = ends.scores(output, self.setup.look_behind)
        self.behind = self.behind or before
        return scores

    def _gradient(self, layer: str | None, preprocess: Function | None) -> Callable[..., Any]:
        import tensorflow as tf

        def gradient(x: Any, cotangent: Any, *others: Any) -> Any:
            batch = x if preprocess is None else tf.cast(preprocess(x), self._preprocessed_dtype())
            with self._captured(layer) as captured:
                scores = self._forward(batch, *others)
            wanted = captured[-1] if layer else x
            return gradients.slope(self._type, scores, wanted, cotangent, layer)

        return gradient

    def _preprocessed_dtype(self) -> Any:
        return self._dtype or float_dtype(self.model)

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

        with tapped(layer_named(self.model, name), tap):
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
