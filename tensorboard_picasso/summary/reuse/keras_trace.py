"""Keras 3 models that are graphs of layers, as calls in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tensorboard_picasso.summary.reuse.keras_taps import own, real

# They put a mask beside what they return, which the layers behind them read.
_MASKING = (keras.layers.Masking, keras.layers.Embedding)
_WIDE = ("float32", "float64")


class UntraceableError(Exception):
    """The model is no graph of calls: why."""


@dataclass(frozen=True)
class Place:
    """Stands in the arguments of a call for what another one returned: its place among those."""

    node: int
    output: int = 0


@dataclass(frozen=True, eq=False)
class Node:
    """One call of a layer or of an operation.

    Attributes:
      operation: Keras'; None of the model's input.
      args, kwargs: of the call, with a `Place` for each tensor.
      inputs: the calls whose outputs it takes.
      shapes: of its outputs, without the batch's size.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        """The layer's, for people."""
        return "input" if self.operation is None else str(self.operation.name)

    def call(self, value: Callable[[Place], Any]) -> Any:
        """What it gives in inference; `value` is a function from a place to what is there."""
        args, kwargs = keras.tree.map_structure(
            lambda each: value(each) if isinstance(each, Place) else each, (self.args, self.kwargs)
        )
        # As Keras does, whatever was said when the model was made.
        if getattr(self.operation, "_call_has_training_arg", False):
            kwargs["training"] = False
        return self.operation(*args, **kwargs)


class Trace:
    """The calls that a model makes of one image. Layers' weights are looked up live.

    Attributes:
      nodes: in their order, the model's input first.
      output: the place of what the model returns.
      dtype: of the images that it takes.

    Raises:
      UntraceableError: it is no Functional or Sequential model, or one whose calls cannot be
        made one by one.
    """

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        """Read a model.

        Args:
          model: the user's.
          shape: of one of its inputs.
        """
        graph = _graph(model)
        if graph is None:
            raise UntraceableError(f"{type(model).__name__} is no built Functional or Sequential")
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise UntraceableError("the model has several inputs or outputs")
        if len(graph.inputs[0].shape) != len(shape) + 1:
            raise UntraceableError(f"the model takes {tuple(graph.inputs[0].shape[1:])}")
        self.nodes = [Node(None, (), {}, (), (shape,))]
        self.dtype: str = graph.inputs[0].dtype
        self._dtypes = [[self.dtype]]
        (self.output,) = self._opened(graph, [Place(0)])

    def _opened(self, graph: Any, given: Sequence[Place]) -> list[Place]:
        """Take over the calls of a model. given: its inputs."""
        places = {id(x): place for x, place in zip(graph.inputs, given, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if not node.operation or node.is_input:
                    continue
                args, kwargs = keras.tree.map_structure(
                    lambda each: places.get(id(each), each),
                    (tuple(node.arguments.args), dict(node.arguments.kwargs)),
                )
                made = self._called(node, args, kwargs)
                places.update((id(x), place) for x, place in zip(node.outputs, made, strict=True))
        return [places[id(x)] for x in graph.outputs]

    def _called(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Place]:
        operation = node.operation
        _check(operation)
        inner = _graph(operation)
        taken = [each for each in keras.tree.flatten((args, kwargs)) if isinstance(each, Place)]
        told = [each for each in kwargs.values() if each is not None]
        if inner is not None and not told and len(taken) == len(inner.inputs):
            given = [self.nodes[each.node].shapes[each.output] for each in taken]
            if all(
                len(x.shape) == len(shape) + 1 for x, shape in zip(inner.inputs, given, strict=True)
            ):
                return self._opened(inner, taken)
        shapes, dtypes = self._returned(node, args, kwargs)
        inputs = tuple(dict.fromkeys(each.node for each in taken))
        self.nodes.append(Node(operation, args, kwargs, inputs, shapes))
        self._dtypes.append(dtypes)
        return [Place(len(self.nodes) - 1, at) for at in range(len(shapes))]

    def _returned(
        self, node: Any, args: Any, kwargs: Any
    ) -> tuple[tuple[tuple[int, ...], ...], list[str]]:
        """Shapes and dtypes of what a call returns.

        Raises:
          UntraceableError: a side of it is not known.
        """
        made = node.outputs
        known = all(
            x.shape[1:] == self.nodes[place.node].shapes[place.output]
            for x, place in zip(
                node.arguments.keras_tensors,
                (each for each in keras.tree.flatten((args, kwargs)) if isinstance(each, Place)),
                strict=True,
            )
        )
        if not known:

            def spec(each: Any) -> Any:
                if not isinstance(each, Place):
                    return each
                shape = self.nodes[each.node].shapes[each.output]
                return keras.KerasTensor((None, *shape), dtype=self._dtypes[each.node][each.output])

            args, kwargs = keras.tree.map_structure(spec, (args, kwargs))
            made = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
        shapes = tuple(tuple(x.shape[1:]) for x in made)
        if any(side is None for shape in shapes for side in shape):
            raise UntraceableError(f"what {node.operation.name} returns has no known shape")
        return shapes, [x.dtype for x in made]


def signature(model: Any) -> list[Any]:
    """What is another where layers, or the shapes of their weights, were exchanged."""
    graph = _graph(model)
    layers = [] if graph is None else model._flatten_layers()
    of_layers = [
        (
            id(layer),
            own(layer, "call") is not None,
            id(real(layer, "activation")),
            [(id(variable), tuple(variable.shape)) for variable in layer._trainable_variables],
            [(id(variable), tuple(variable.shape)) for variable in layer._non_trainable_variables],
        )
        for layer in layers
    ]
    return [id(graph), *of_layers]


def _graph(model: Any) -> Any:
    """The Functional model that a model is called as; None where it is no such."""
    if not isinstance(model, keras.Layer) or own(model, "call") is not None:
        return None
    kind = type(model)
    if kind is keras.Sequential:
        inner = getattr(model, "_functional", None)
        return None if inner is None else _graph(inner)
    functional = hasattr(model, "_nodes_by_depth")
    return model if functional and kind.call is _FUNCTIONAL.call else None


_FUNCTIONAL: Any = type(keras.Model(*[keras.Input((1,))] * 2))


def _check(operation: Any) -> None:
    """Refuse calls that are made otherwise within their model.

    Raises:
      UntraceableError: why.
    """
    name = operation.name
    if own(operation, "call") is not None:
        raise UntraceableError(f"somebody watches the calls of {name}")
    if getattr(operation, "data_format", None) == "channels_first":
        raise UntraceableError(f"{name} has its channels first")
    if not isinstance(operation, keras.Layer):
        return
    theirs = not type(operation).__module__.startswith("keras.")
    masks = theirs and type(operation).compute_mask is not keras.Layer.compute_mask
    if isinstance(operation, _MASKING) or masks:
        raise UntraceableError(f"{name} makes masks")
    if operation.variables and operation.compute_dtype not in _WIDE:
        raise UntraceableError(f"{name} computes in {operation.compute_dtype}")
