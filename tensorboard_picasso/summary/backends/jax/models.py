"""Models of JAX, of all kinds, as pure functions of their arrays and a batch."""

import contextlib
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends._common.call import PLAIN, by_rows
from tensorboard_picasso.summary.backends.base import Array, Call, Layer, UnsupportedError
from tensorboard_picasso.summary.backends.jax import ends, layers
from tensorboard_picasso.summary.backends.jax.layers import Tap
from tensorboard_picasso.summary.kit import frameworks, report

_PACKAGES = {"jax", "jaxlib", "flax", "equinox"}
# How models are told to infer, where their call asks.
_INFERENCE = {"training": False, "train": False, "deterministic": True}


class Pure(ABC):
    """A model as a function of arrays. Equal ones are compiled once.

    Attributes:
      compiles: whether what it computes hangs on its arguments alone.
    """

    compiles = True

    @property
    @abstractmethod
    def name(self) -> str:
        """What errors call it."""

    @abstractmethod
    def __call__(
        self,
        values: Any,
        x: Any,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """The outputs for a batch, in inference mode.

        Args:
          values: the model's arrays.
          x: the batch.
          layer: the layer whose output passes through `tap`.
          tap: called with each of the layer's outputs; what it returns goes on.
          call, others: how it is called beside the batch, as `Backend` has them.

        Raises:
          UnsupportedError: there is no such layer.
        """

    def scores(
        self,
        values: Any,
        x: Any,
        look_behind: bool,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> tuple[Any, Output | None, bool]:
        """Scores, as `ends.scores` has them.

        Raises:
          UnsupportedError: the model returns no single array of JAX.
        """
        import jax

        def forward(x: Any) -> Any:
            outputs = self(values, x, layer, tap, call, others)
            output = call.scored(outputs, self.name, others)
            if not isinstance(output, jax.Array):
                kind = type(output).__name__
                raise UnsupportedError(f"{self.name} returns {kind}, no array of JAX")
            return by_rows(output, len(x))

        if self.compiles and look_behind:
            return ends.scores(forward, x)
        return forward(x), None, False

    def noting(
        self,
        values: Any,
        x: Any,
        noted: list[Layer],
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """The output for a batch, noting the calls of layers as they end.

        Args:
          values, x, call, others: as for a call.
          noted: gets the calls.

        Raises:
          UnsupportedError: its layers have no names.
        """
        raise UnsupportedError(
            f"{self.name} is a function, whose layers have no names: Grad-CAM needs a Flax nnx"
            " module, or a Keras model; occlusion, RISE and gradients need no layers"
        )


def pure(model: Any) -> tuple[Pure, Any]:
    """A model as a pure function, and its arrays as they are now.

    Raises:
      UnsupportedError: it is being traced.
    """
    if frameworks.is_a(model, "flax", "nnx.Module"):
        function, values = _of_module(model)
    elif isinstance(model, functools.partial):
        function, values = _of_partial(model)
    else:
        function, values = Plain(model), ()
    check(function, values)
    return function, values


def check(function: Pure, values: Any) -> None:
    """Refuse a model inside what JAX is tracing: it has no numbers there."""
    import jax

    if any(isinstance(each, jax.core.Tracer) for each in jax.tree.leaves(values)):
        raise UnsupportedError(f"{function.name} is being traced: explain it outside jax.jit")


@dataclass(frozen=True)
class Plain(Pure):
    """A function called as it is: what else it reads may change from call to call."""

    function: Callable[..., Any]
    compiles = False

    @property
    def name(self) -> str:
        """See `Pure`."""
        return _name(self.function)

    def __call__(
        self,
        values: Any,
        x: Any,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        _no_layer(layer, self.function)
        return call.outputs(self.function, self.function, x, others)


@dataclass(frozen=True)
class Bound(Pure):
    """A `functools.partial`: the arrays among what it binds are arguments, the rest is fixed."""

    function: Callable[..., Any]
    structure: Any
    fixed: tuple[Any, ...]

    @property
    def name(self) -> str:
        """See `Pure`."""
        return _name(self.function)

    def __call__(
        self,
        values: Any,
        x: Any,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        import jax

        _no_layer(layer, self.function)
        arrays = iter(values)
        leaves = [next(arrays) if each is _ARRAY else each for each in self.fixed]
        args, keywords = jax.tree.unflatten(self.structure, leaves)
        bound = functools.partial(self.function, *args, **keywords)
        return call.outputs(bound, bound, x, others)


# Stands for an array among the leaves of what a partial binds.
_ARRAY = object()


def _of_partial(model: Any) -> tuple[Pure, Any]:
    import jax

    try:
        leaves, structure = jax.tree.flatten((model.args, model.keywords))
    except Exception as e:
        raise UnsupportedError(
            f"what {_name(model.func)} is bound to is no tree of JAX: {report.reason(e)}"
        ) from e
    are_arrays = [isinstance(each, jax.Array | np.ndarray) for each in leaves]
    arrays = [each for each, is_array in zip(leaves, are_arrays, strict=True) if is_array]
    fixed = tuple(
        _ARRAY if is_array else leaf for leaf, is_array in zip(leaves, are_arrays, strict=True)
    )
    return Bound(model.func, structure, fixed), arrays


@dataclass(frozen=True)
class Module(Pure):
    """A Flax nnx module: each call makes a copy of it in inference mode, and drops that."""

    graph: Any

    @property
    def name(self) -> str:
        """See `Pure`."""
        return str(self.graph.nodes[0].type.__name__)

    def __call__(
        self,
        values: Any,
        x: Any,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        from flax import nnx

        model = nnx.merge(self.graph, values)
        if layer is not None and tap is not None:
            layers.tap(model, layer, tap)
        return self._called(model, x, call, others)

    def noting(
        self,
        values: Any,
        x: Any,
        noted: list[Layer],
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        from flax import nnx

        model = nnx.merge(self.graph, values)
        layers.listen(model, len(x), noted)
        return self._called(model, x, call, others)

    def _called(self, model: Any, x: Any, call: Call, others: Sequence[Any]) -> Any:
        takes = inspect.signature(type(model).__call__).parameters
        infers = {key: value for key, value in _INFERENCE.items() if key in takes}
        return call.outputs(functools.partial(model, **infers), model.__call__, x, others)


def _of_module(model: Any) -> tuple[Pure, Any]:
    from flax import nnx

    copy = nnx.merge(*nnx.split(model))
    # Before it is split: one graph, whatever mode the user's module is in.
    copy.eval()
    graph, values = nnx.split(copy)
    return Module(graph), values


def _no_layer(layer: str | None, function: Any) -> None:
    if layer is not None:
        raise UnsupportedError(
            f"layer={layer!r}: {_name(function)} is a function, whose layers have no names"
        )


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


def binds(function: Any) -> bool:
    """Whether a partial binds arrays of JAX, or a function of Flax or JAX."""
    return _holds_arrays([function.args, function.keywords]) or is_jax(function.func)


def _holds_arrays(value: Any) -> bool:
    """Whether arrays of JAX are in what holds others.

    Not as one tree of JAX, which sorts the keys of its dicts: of what is not JAX's some may
    have no order.
    """
    import jax

    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, jax.Array):
            return True
        if id(each) in seen or isinstance(each, str | bytes):
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple | set | frozenset):
            waiting += each
        else:
            with contextlib.suppress(Exception):  # whatever the user's own class of trees raises
                held = jax.tree.leaves(each, is_leaf=lambda part, whole=each: part is not whole)
                waiting += [part for part in held if part is not each]
    return False


def is_jax(thing: Any) -> bool:
    """Whether a thing, or what a method belongs to, is of JAX or Flax."""
    owner = getattr(thing, "__self__", None)
    return any(
        not _PACKAGES.isdisjoint(frameworks.packages(candidate))
        for candidate in (thing, owner)
        if candidate is not None and not isinstance(candidate, ModuleType)
    )


def mentions(model: Any) -> bool:
    """Whether a function, or an object's call, names JAX or Flax or holds things of theirs."""
    # What JAX's transformations make wears the name of what they were given.
    seen = set[int]()
    while (wrapped := getattr(model, "__wrapped__", None)) is not None and id(model) not in seen:
        if _written_in(model) in _PACKAGES or is_jax(wrapped):
            return True
        seen.add(id(model))
        model = wrapped
    function = model if inspect.isroutine(model) else type(model).__call__
    function = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    known = getattr(function, "__globals__", {})
    held = [known[name] for name in code.co_names if name in known]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    owner = getattr(model, "__self__", None if inspect.isroutine(model) else model)
    held += list(getattr(owner, "__dict__", {}).values())
    for value in held:
        named = (
            value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        )
        if str(named).partition(".")[0] in _PACKAGES or is_jax(value):
            return True
        if _holds_arrays(value):
            return True
    return False


def _written_in(function: Any) -> str:
    """The package that a Python function was written in, whatever name it wears."""
    return str(getattr(function, "__globals__", {}).get("__name__", "")).partition(".")[0]


def array(value: Any) -> Array:
    """An array as float32 or float64 of NumPy; other precisions are widened."""
    import jax

    result: Array = np.asarray(jax.device_get(value))
    wide = result.dtype in (np.float32, np.float64)
    return result if wide else result.astype(np.float32)
