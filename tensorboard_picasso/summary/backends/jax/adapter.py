"""The adapter of JAX' functions and modules, compiled once a shape."""

import functools
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends._common.fixed_batch import FixedBatch
from tensorboard_picasso.summary.backends._common.floating import takes_floats
from tensorboard_picasso.summary.backends._common.question import beside
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Array,
    Call,
    Function,
    Layer,
    Question,
    Room,
    Setup,
    UnsupportedError,
    Windows,
    floats,
    integers_only,
    no_gradient,
    out_of_memory,
    same,
)
from tensorboard_picasso.summary.backends.jax.dense import swept
from tensorboard_picasso.summary.backends.jax.device import computing, home, room
from tensorboard_picasso.summary.backends.jax.layers import Tap
from tensorboard_picasso.summary.backends.jax.models import (
    Pure,
    array,
    pure,
)
from tensorboard_picasso.summary.kit import frameworks, report

# What is said of a derivative that there is none of.
_NO_RULE = re.compile(r"not implemented|do(es)? not support (JVP|VJP)|Cannot apply JAX transf")
# Functions whose compiled programs are kept: partials are made anew at each step.
_MAX_KEPT = 16
# So often a module is read that is another each time.
_TRIES = 100


class JaxAdapter(Adapter):
    """Compiles the model once a shape, on the devices where its arrays lie.

    Batches are padded to one of a few sizes, as each size is another shape.
    """

    name = "jax"
    calls = True
    each_size_compiles = True

    def __init__(self, model: Any, setup: Setup) -> None:
        super().__init__(model, setup)
        self._batch = FixedBatch(getattr(model, "__qualname__", type(model).__name__))
        self._known: dict[Any, bool] = {}
        self._programs: dict[Any, _Program] = {}
        self._rooms: dict[Any, Room] = {}
        # Where the newest pass was: a model that another thread trains may lack its arrays for a
        # moment, so they are not asked for once more.
        self._devices: tuple[Any, Any] | None = None

    @property
    def room(self) -> Room:
        """See `Adapter.room`; as it is found first on a device."""
        key = self._places()[1], self.deterministic
        if key not in self._rooms:
            self._rooms[key] = room(*key)
        return self._rooms[key]

    def swept_scores(self, windows: Windows) -> list[Array]:
        """See `Adapter.swept_scores`; a GPU makes occluded images itself."""
        if not (windows.in_place and self._occludes()):
            return super().swept_scores(windows)
        place = self._places()[0]
        return swept(windows, place, self.room, self.halving, self.scores, super().swept_scores)

    def _occludes(self) -> bool:
        return bool(self._places()[1].platform != "cpu")

    def _places(self) -> tuple[Any, Any]:
        """See `device.home` and `device.computing`."""
        return self._devices or self._noted(self._pure()[1])

    def _noted(self, values: Any) -> tuple[Any, Any]:
        self._devices = home(values), computing(values)
        return self._devices

    def scores(self, question: Question) -> Array:
        """See `Adapter.scores`."""
        return self._run("scores", _scores, *question.arrays)

    def gradient(self, question: Question, cotangent: Array) -> Array:
        """See `Adapter.gradient`."""
        x, layer, preprocess = question.x, question.layer, question.preprocess
        if preprocess is not None:
            x = floats(x)
        elif layer is None:
            x = self._differentiable(question)
        body = functools.partial(_slope, layer=layer, preprocess=preprocess)
        arrays = x, np.asarray(cotangent), *beside(question.others, len(x))
        try:
            return self._run(("gradient", layer, preprocess), body, *arrays)
        except UnsupportedError as e:
            # What JAX says of an operation, or a callback, without a rule.
            if e.__cause__ is None or not _NO_RULE.search(str(e.__cause__)):
                raise
            raise no_gradient(self._pure()[0].name, layer, report.reason(e.__cause__)) from e

    def activations(self, question: Question) -> Array:
        """See `Adapter.activations`."""
        layer = str(question.layer)
        known = self.shown, self.behind
        body = functools.partial(_activations, layer=layer)
        result = self._run(("activations", layer), body, *question.arrays)
        self.shown, self.behind = known  # no scores were made
        return result

    def layers(self, question: Question) -> list[Layer]:
        """See `Adapter.layers`."""
        import jax

        model, values = self._pure()
        noted: list[Layer] = []

        def noting(batch: Any, *others: Any) -> Any:
            return model.noting(values, batch, noted, self.setup.call, others)

        jax.eval_shape(noting, *map(jax.device_put, question.arrays))
        return noted

    def reaches(self, question: Question, places: NDArray[np.bool_]) -> bool:
        """See `Adapter.reaches`; not compiled, as it is asked once."""
        import jax

        model, values = self._pure()
        given, *others = map(jax.device_put, question.arrays)
        layer = question.layer

        def scores(tap: Tap | None) -> Array:
            return array(model.scores(values, given, False, layer, tap, self.setup.call, others)[0])

        def marked(output: Any) -> Any:
            return jax.numpy.where(places, jax.numpy.nan, output)

        # Whoever looks for numbers that are none looks for their own.
        with jax.debug_nans(False):
            return not same(scores(marked), scores(None))

    def differentiates(self, question: Question, inputs: Array) -> bool:
        """See `Adapter.differentiates`; found out once a shape."""
        import jax

        given, preprocess = question.x, question.preprocess
        if preprocess is None:
            return True

        key = (preprocess, given.shape[1:], given.dtype)
        if key not in self._known:
            try:
                made, pull = jax.vjp(preprocess, jax.device_put(floats(given)))
                # Of a random sum: the plain one of standardised images does not move.
                weights = jax.random.normal(jax.random.key(0), made.shape, made.dtype)
                (slope,) = pull(weights)
            except Exception:
                # Whatever the user's NumPy code raises for a tracer: it is not JAX's.
                self._known[key] = False
            else:
                self._known[key] = same(array(made), inputs) and bool(array(slope).any())
        return self._known[key]

    def _differentiable(self, question: Question) -> Array:
        """Inputs as floats that the model makes the same scores of.

        Raises:
          UnsupportedError: it takes integers only.
        """
        if not takes_floats(self, question, UnsupportedError, self._known):
            raise integers_only(self._pure()[0].name, question.x.dtype)
        return floats(question.x)

    def _run(self, key: Any, body: Callable[..., Any], *arrays: Array) -> Array:
        """What `body` makes of the model, its arrays and a batch.

        A Flax module that another thread trains lacks a part for the moment of its update.
        """
        for _ in range(_TRIES):
            model, values = self._pure()
            try:
                return self._made(model, values, key, body, *arrays)
            except UnsupportedError:
                if self._pure()[0] == model:
                    raise
        return self._made(*self._pure(), key, body, *arrays)

    def _made(
        self, model: Pure, values: Any, key: Any, body: Callable[..., Any], *arrays: Array
    ) -> Array:
        programs = self._kept(model)
        key = self.setup.look_behind, self.setup.call, key
        if key not in programs:
            bound = functools.partial(body, model, self.setup.look_behind, self.setup.call)
            programs[key] = _Program(model, bound)
        program = programs[key]
        parts = self._batch.run(
            len(arrays[0]),
            lambda rows: self._ran(model, values, program, [each[rows] for each in arrays]),
        )
        self.shown, self.behind = program.shown, program.behind
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _ran(self, model: Pure, values: Any, program: "_Program", arrays: list[Array]) -> Array:
        import jax

        started, traces = time.perf_counter(), program.traces
        try:
            # Where the arrays lie: by way of the default device it would be sent twice.
            place, _ = self._noted(values)
            given = [jax.device_put(each, place) for each in _padded(arrays, model.compiles)]
            result = array(program.function(values, *given))
        except UnsupportedError:
            raise
        except Exception as e:
            if out_of_memory(e):
                raise
            if "RESOURCE_EXHAUSTED" in str(e):
                raise MemoryError(report.reason(e)) from e
            # Equinox' modules are written for one image.
            single = frameworks.is_a(self.model, "equinox", "Module")
            remedy = "; where it takes one image, pass jax.vmap(model)" if single else ""
            raise UnsupportedError(
                f"{model.name} cannot be called on {arrays[0].dtype} {arrays[0].shape}:"
                f" {report.reason(e)}{remedy}"
            ) from e
        if program.traces > traces:
            self.tracing_seconds += time.perf_counter() - started
        return result[: len(arrays[0])] if model.compiles else result

    def _pure(self) -> tuple[Pure, Any]:
        """The model as it is now."""
        return pure(self.model)

    def _kept(self, model: Pure) -> "dict[Any, _Program]":
        """The model's compiled programs; those of a partial outlive it, for the next step's."""
        if not model.compiles:
            return self._programs
        try:
            return _programs(model)
        except TypeError:  # what cannot be hashed cannot be found again
            return self._programs


@functools.lru_cache(_MAX_KEPT)
def _programs(model: Pure) -> "dict[Any, _Program]":
    """The programs of all models that are equal but for their arrays."""
    return {}


class _Program:
    """A function of a model's arrays and of batches, compiled where the model can be.

    Attributes:
      function: it. traces: how often it was compiled.
      shown, behind: as `Backend` has them; known after the first call.
    """

    def __init__(self, model: Pure, body: Callable[..., tuple[Any, Output | None, bool]]) -> None:
        import jax

        self.traces = 0
        self.shown: Output | None = None
        self.behind = False

        def traced(*arrays: Any) -> Any:
            self.traces += model.compiles
            result, self.shown, self.behind = body(*arrays)
            return result

        self.function = jax.jit(traced) if model.compiles else traced


def _scores(
    model: Pure, look_behind: bool, call: Call, values: Any, x: Any, *others: Any
) -> tuple[Any, Output | None, bool]:
    return model.scores(values, x, look_behind, call=call, others=others)


def _slope(
    model: Pure,
    look_behind: bool,
    call: Call,
    values: Any,
    given: Any,
    cotangent: Any,
    *others: Any,
    layer: str | None,
    preprocess: Function | None,
) -> tuple[Any, Output | None, bool]:
    """Derivative of sum(cotangent * scores) by what is given, or by a layer's output."""
    import jax

    shown: list[Any] = []

    def scores(wanted: Any) -> Any:
        if layer is not None:
            parts = model.scores(
                values, given, look_behind, layer, lambda each: each + wanted, call, others
            )
        else:
            x = wanted if preprocess is None else preprocess(wanted)
            parts = model.scores(values, x, look_behind, call=call, others=others)
        shown[:] = parts[1:]
        return parts[0]

    wanted = given if layer is None else _nothing(model, call, values, given, layer, others)
    made, pull = jax.vjp(scores, wanted)
    return pull(cotangent.astype(made.dtype))[0], *shown


def _activations(
    model: Pure,
    look_behind: bool,
    call: Call,
    values: Any,
    x: Any,
    *others: Any,
    layer: str,
) -> tuple[Any, Output | None, bool]:
    """What a layer returns; the scores are left."""
    outputs: list[Any] = []

    def tap(output: Any) -> Any:
        outputs.append(output)
        return output

    model.scores(values, x, False, layer, tap, call, others)
    return _one(layer, outputs), None, False


def _one(layer: str, outputs: list[Any]) -> Any:
    import jax

    if len(outputs) != 1 or not isinstance(outputs[0], jax.Array):
        raise UnsupportedError(
            f"layer {layer!r} is called {len(outputs)} times and returns"
            f" {type(outputs[0]).__name__ if outputs else 'nothing'}:"
            " name one that is called once and returns one array"
        )
    return outputs[0]


def _nothing(
    model: Pure, call: Call, values: Any, x: Any, layer: str, others: Sequence[Any]
) -> Any:
    """Zeros, of a layer's output.

    Raises:
      UnsupportedError: the layer is not called once, with one output.
    """
    import jax

    outputs: list[Any] = []

    def tap(output: Any) -> Any:
        outputs.append(output)
        return output

    jax.eval_shape(lambda batch: model.scores(values, batch, False, layer, tap, call, others)[0], x)
    output = _one(layer, outputs)
    return jax.numpy.zeros(output.shape, output.dtype)


def _padded(arrays: Sequence[Array], pads: bool) -> list[Array]:
    """Batches with the last row repeated up to a size with two binary digits after its first.

    As many targets as a step happens to have would be a program each otherwise.
    """
    count = len(arrays[0])
    unit = 1 << max(0, count.bit_length() - 3)
    missing = -count % unit if pads else 0
    if not missing:
        return list(arrays)
    return [np.concatenate([each, np.repeat(each[-1:], missing, axis=0)]) for each in arrays]
