"""Keras on TensorFlow: a model's scores of occluded images, from those of the unoccluded ones.

All is computed in `tf.function`s whose indices are arguments: chunks of windows that change
rectangles of the same sizes share one.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.gathers import Gathers, KeptGathers
from tensorboard_picasso.summary.reuse.keras_layers import CalledLayer, read
from tensorboard_picasso.summary.reuse.keras_trace import Place, Trace
from tensorboard_picasso.summary.reuse.plan import Costs, Kind, Plan

# Measured on a processor. A function for one more size takes about two milliseconds a layer,
# and serves some tens of records.
COSTS = Costs(moved=16, call=500_000, sizes=5_000_000)

# Tensors by their names: `rows.<layer>` of an unoccluded map, `mean.<layer>` over one, and
# `weight.<layer>.<number>` of a convolution that does what the batch norm behind it does.
Kept = Mapping[str, Any]


class Engine:
    """Computes what a trace says, with the weights that its layers have by then.

    Attributes:
      called: the calls. layers: the same as the plan knows them.
      cut: layers behind this one take no maps.
      seconds: spent so far on what is not repeated.
    """

    def __init__(self, trace: Trace, end: Callable[[Any], Any]) -> None:
        """Read a model.

        Args:
          trace: of it.
          end: from the model's output, in a graph, to its scores.
        """
        self.called = read(trace)
        self.layers = tuple(each.layer for each in self.called)
        self._output, self._dtype, self._end = trace.output, trace.dtype, end
        cut = plans.head(self.layers)
        several = len(trace.nodes[cut].shapes) > 1 or cut > trace.output.node
        self.cut = len(self.layers) - 1 if several else cut
        self._functions: dict[Any, Any] = {}
        self._gathers = KeptGathers()
        self.seconds = 0.0

    @property
    def traces(self) -> int:
        """How many functions were made so far."""
        return len(self._functions)

    @property
    def headless(self) -> bool:
        """Whether nothing stands behind the cut."""
        return self.cut == len(self.called) - 1

    def passed(self, images: Any, todo: Sequence[Plan]) -> "Unoccluded":
        """One pass of the unoccluded images.

        Args:
          images: (images, height, width, channels), of volumes (images, depth, height, width,
            channels).
          todo: plans that are asked for then.
        """
        gathers = [self.gathers(plan)[0] for plan in todo]
        sources = {at for each in gathers for at in each.sources}
        means = {at for each in gathers for at in each.means}

        def passing(images: Any) -> Any:
            return _pass(self, images, sources, means)

        images = self._tensor(images)
        key = "pass", tuple(sorted(sources)), tuple(sorted(means))
        kept, output = self._function(key, passing, images)(images)
        return Unoccluded(self, kept, output)

    def at_once(
        self, images: Any, plan: Plan, patches: Any, checked: Any, function: Any
    ) -> tuple[Any, Any, Any]:
        """Scores of the unoccluded images, and of all their windows, where one plan has these.

        A call of a small model takes as long as what it computes, so it is one.

        Args:
          images: (images, height, width, channels), of volumes (images, depth, height, width,
            channels).
          plan, patches: see `Unoccluded.features`.
          checked: a batch that another function scores meanwhile.
          function: this one, concrete.

        Returns:
          Scores of the images, of the windows, and what the function returns.
        """
        gathers, arrays = self.gathers(plan)

        def swept(images: Any, patches: Any, checked: Any, arrays: Any) -> Any:
            kept, output = _pass(self, images, gathers.sources, gathers.means)
            chunk = _Chunk(self, plan, gathers, kept, _unpacked(gathers, arrays))
            return output, self._rest(chunk.features(patches), kept), function(checked)

        given = self._tensor(images), self._tensor(patches), tf.constant(checked), arrays
        key = "at once", gathers.structure, len(images), len(patches), function
        output, scores, expected = self._function(key, swept, *given, sized=True)(*given)
        return output, scores, expected

    def gathers(self, plan: Plan) -> tuple[Gathers, dict[str, Any]]:
        """Where values go in a plan, and that as tensors; made once."""

        def make() -> tuple[Gathers, dict[str, Any]]:
            lowest = {at for at, each in enumerate(self.called) if each.lowest}
            factors = {at: each.factors for at, each in enumerate(self.called)}
            known = {at: each for at, each in factors.items() if each is not None}
            gathers = Gathers(plan, self.cut, lowest, known)
            return gathers, _packed(gathers)

        return self._gathers.get(plan, make)

    def features(self, plan: Plan, patches: Any, kept: Kept) -> Any:
        """See `Unoccluded.features`."""
        gathers, arrays = self.gathers(plan)
        used = {
            name: value
            for name, value in kept.items()
            if (name.startswith("rows.") and _layer(name) in gathers.sources)
            or (name.startswith("mean.") and _layer(name) in gathers.means)
            or (name.startswith("weight.") and _layer(name) <= self.cut)
        }

        def chunk(patches: Any, kept: Any, arrays: Any) -> Any:
            return _Chunk(self, plan, gathers, kept, _unpacked(gathers, arrays)).features(patches)

        given = self._tensor(patches), used, arrays
        return self._function(("chunk", gathers.structure), chunk, *given)(*given)

    def head(self, features: Any, kept: Kept) -> Any:
        """See `Unoccluded.head`."""
        if self.headless:
            return features
        used = {
            name: value
            for name, value in kept.items()
            if name.startswith("weight.") and _layer(name) > self.cut
        }
        return self._function(("head",), self._rest, features, used)(features, used)

    def _rest(self, features: Any, kept: Kept) -> Any:
        """Scores of what stands at the cut, in a graph."""
        if self.headless:
            return features
        values: dict[int, list[Any]] = {self.cut: [features]}
        for at in range(self.cut + 1, len(self.called)):
            values[at] = computed(self.called[at], at, kept, _value(values))
        return self.scores(values)

    def scores(self, values: Mapping[int, Sequence[Any]]) -> Any:
        """Of what all calls return, in a graph."""
        return self._end(values[self._output.node][self._output.output])

    def _tensor(self, images: Any) -> Any:
        return tf.cast(tf.constant(images), self._dtype)

    def _function(
        self, key: Any, body: Callable[..., Any], *given: Any, sized: bool = False
    ) -> Any:
        """A concrete function for tensors like these.

        The key need not tell their shapes and dtypes, as the layers do.

        Args:
          key: of the function.
          body: what it does.
          given: what it is called with.
          sized: whether it is called with as many rows each time.
        """
        if key not in self._functions:
            specs = tuple(
                {
                    name: _spec(x, sized or name.startswith("weight."))
                    for name, x in argument.items()
                }
                if isinstance(argument, dict)
                else _spec(argument, sized)
                for argument in given
            )
            started = time.perf_counter()

            def stateless(*given: Any) -> Any:
                with keras.StatelessScope():
                    return body(*given)

            with tf.init_scope():
                function = tf.function(stateless, autograph=False)
                self._functions[key] = function.get_concrete_function(*specs)
            self.seconds += time.perf_counter() - started
        return self._functions[key]


class Unoccluded:
    """What is kept of a pass of the unoccluded images for their windows.

    Attributes:
      output: scores (images, classes) of the unoccluded images.
    """

    def __init__(self, engine: Engine, kept: Kept, output: Any) -> None:
        self._engine, self._kept = engine, kept
        self.output = output

    def features(self, plan: Plan, patches: Any) -> Any:
        """What `head` takes (images * windows, …), where a patch of each image is replaced.

        Args:
          plan: for a chunk of windows.
          patches: (images * windows, height, width, channels) at the plan's first rectangles,
            image by image; of volumes with depth before height.
        """
        return self._engine.features(plan, patches, self._kept)

    def head(self, features: Sequence[Any]) -> Any:
        """Scores (n, classes) of the features of any chunks, one after the other."""
        joined = features[0] if len(features) == 1 else tf.concat(features, 0)
        return self._engine.head(joined, self._kept)


def computed(called: CalledLayer, at: int, kept: Kept, value: Callable[[Place], Any]) -> list[Any]:
    """All that a call returns, of whole inputs."""
    if called.passes:
        return [value(called.node.args[0])]
    if called.weights is None or called.on_crop is None:
        made: list[Any] = keras.tree.flatten(called.node.call(value))
        return made
    weights = _weights(called, at, kept)
    return [called.on_crop(value(called.node.args[0]), *weights, padding=called.padding)]


def _pass(engine: Engine, images: Any, sources: set[int], means: set[int]) -> Any:
    """What is kept of images, and their scores."""
    kept: dict[str, Any] = {}
    values: dict[int, list[Any]] = {}
    for at, called in enumerate(engine.called):
        if called.folds and called.weights is not None:
            for number, weight in enumerate(called.weights()):
                kept[f"weight.{at}.{number}"] = weight
        if called.layer.kind is Kind.INPUT:
            values[at] = [images]
        else:
            values[at] = computed(called, at, kept, _value(values))
        if at in sources:
            kept[f"rows.{at}"] = _rows(values[at][0])
        if at in means:
            kept[f"mean.{at}"] = values[at][0]
    return kept, engine.scores(values)


class _Chunk:
    """The computation of a chunk of windows, in a graph."""

    def __init__(
        self, engine: Engine, plan: Plan, gathers: Gathers, kept: Kept, arrays: Mapping[str, Any]
    ) -> None:
        self._engine, self._plan, self._gathers = engine, plan, gathers
        self._kept, self._arrays = kept, arrays
        self._values: dict[int, list[Any]] = {}
        self._crops: dict[str, Any] = {}

    def features(self, patches: Any) -> Any:
        """See `Unoccluded.features`."""
        engine = self._engine
        self._values[0] = [patches]
        for at in range(1, engine.cut + 1):
            self._values[at] = self._computed(at, engine.called[at])
        if engine.headless:
            return engine.scores(self._values)
        return self._taken(engine.cut + 1, Place(engine.cut))

    def _computed(self, at: int, called: CalledLayer) -> list[Any]:
        layer, step = called.layer, self._plan.steps[at]
        first = called.node.args[0]
        if step.rects is None and at in self._gathers.means:
            return [self._mean(at, first)]
        if layer.kind is Kind.PAD and step.rects is not None:
            return self._values[first.node]
        windowed = layer.kind is Kind.WINDOW and step.rects is not None
        if not windowed or called.on_crop is None:
            return computed(called, at, self._kept, lambda place: self._taken(at, place))
        made = called.on_crop(self._taken(at, first), *_weights(called, at, self._kept))
        if called.factors is not None:
            factor = tf.cast(self._arrays[f"{at}.factor"], made.dtype)
            images = tf.shape(made)[0] // tf.shape(factor)[0]
            made *= tf.tile(factor, [images, *[1] * (len(factor.shape) - 1)])[..., None]
        return [made]

    def _taken(self, at: int, place: Place) -> Any:
        """What a layer takes of one of its inputs."""
        value = self._values[place.node][place.output]
        name = self._gathers.crops.get((at, place.node))
        if name is None:
            return value
        if name not in self._crops:
            self._crops[name] = self._crop(name, place.node, value)
        return self._crops[name]

    def _crop(self, name: str, source: int, patch: Any) -> Any:
        """The occluded map at rectangles: the patch where it is, else the unoccluded one."""
        channels = patch.shape[-1]
        rows = self._kept[f"rows.{source}"]
        if (around := self._arrays.get(f"{name}.around")) is not None:
            rows = tf.gather(rows, around, axis=1)
        patch = tf.reshape(patch, [tf.shape(rows)[0], -1, channels])
        made = tf.gather(tf.concat([rows, patch], 1), self._arrays[f"{name}.rows"], axis=1)
        return tf.reshape(made, [-1, *self._gathers.sizes[name], channels])

    def _mean(self, at: int, place: Place) -> Any:
        patch = self._values[place.node][0]
        under = tf.gather(self._kept[f"rows.{place.node}"], self._arrays[f"{at}.under"], axis=1)
        along = [*range(1, len(patch.shape) - 1)]
        change = tf.reduce_sum(patch - tf.reshape(under, tf.shape(patch)), along, keepdims=True)
        change /= self._plan.layers[place.node].pixels
        mean = self._kept[f"mean.{at}"]
        images = tf.shape(mean)[0]
        windows = tf.shape(patch)[0] // images
        change = tf.reshape(change, [images, windows, *mean.shape[1:]])
        return tf.reshape(mean[:, None] + change, [-1, *mean.shape[1:]])


def _packed(gathers: Gathers) -> dict[str, Any]:
    """All indices as one tensor, as each argument of a call takes time; factors as they are."""
    arrays = gathers.taken()
    indices = [arrays.pop(name) for name in _index_names(gathers)]
    tensors = {name: tf.constant(x) for name, x in arrays.items()}
    if indices:
        tensors["indices"] = tf.constant(np.concatenate(indices))
        tensors["lengths"] = tf.constant([len(each) for each in indices], tf.int32)
    return tensors


def _unpacked(gathers: Gathers, packed: Mapping[str, Any]) -> dict[str, Any]:
    """The same by their names, in a graph."""
    tensors = dict(packed)
    if "indices" in tensors:
        names = _index_names(gathers)
        parts = tf.split(tensors.pop("indices"), tensors.pop("lengths"), num=len(names))
        tensors.update(zip(names, parts, strict=True))
    return tensors


def _index_names(gathers: Gathers) -> list[str]:
    return [name for name in gathers.names if not name.endswith(".factor")]


def _rows(values: Any) -> Any:
    """Maps as (images, rows, channels); see `gathers`."""
    images, channels = tf.shape(values)[0], values.shape[-1]
    floating = values.dtype.is_floating
    lowest = tf.constant(float("-inf") if floating else values.dtype.min, values.dtype)
    fills = tf.stack([tf.zeros([channels], values.dtype), tf.repeat(lowest, channels)])
    rows = tf.reshape(values, [-1, math.prod(values.shape[1:-1]), channels])
    return tf.concat([tf.repeat(fills[None], images, 0), rows], 1)


def _weights(called: CalledLayer, at: int, kept: Kept) -> Sequence[Any]:
    if called.weights is None:
        return ()
    if not called.folds:
        return called.weights()
    prefix = f"weight.{at}."
    return [kept[name] for name in sorted(kept) if name.startswith(prefix)]


def _value(values: Mapping[int, Sequence[Any]]) -> Callable[[Place], Any]:
    return lambda place: values[place.node][place.output]


def _layer(name: str) -> int:
    return int(name.split(".")[1])


def _spec(x: Any, whole: bool = False) -> Any:
    return tf.TensorSpec(x.shape if whole else [None, *x.shape[1:]], x.dtype)
