"""PyTorch: a module's scores of occluded images, from those of the unoccluded ones."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx

from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.gathers import Gathers, KeptGathers
from tensorboard_picasso.summary.reuse.plan import Kind, Layer, Plan
from tensorboard_picasso.summary.reuse.torch_layers import CalledModule, Reader
from tensorboard_picasso.summary.reuse.torch_trace import Trace


class Reading:
    """What is read of a trace while unoccluded images are first computed, for the next passes.

    No tensor is kept: weights, statistics and constants are looked up anew in each pass.

    Attributes:
      called: the calls. layers: the same as the plan knows them. index: of each node.
      cut: layers behind this one take no maps.
      last: of each node, those that nobody takes after it.
      lowest, factors: see `Gathers`.
    """

    def __init__(self, trace: Trace, output: fx.Node, fold: bool) -> None:
        """Know nothing yet.

        Args:
          trace: of the module.
          output: the node whose value is wanted.
          fold: whether batch norm may be folded into convolutions.
        """
        self._reader = Reader(trace, fold)
        self.nodes = trace.nodes[: trace.nodes.index(output) + 1]
        last = {}
        for node in self.nodes:
            last.update(dict.fromkeys(node.all_input_nodes, node))
        self.last = {node: [each for each, at in last.items() if at is node] for node in self.nodes}
        self.index = self._reader.index
        self.called: list[CalledModule] = []
        self._shaped: dict[fx.Node, bool] = {}
        self._kept: dict[fx.Node, bool] = {}

    def read(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule:
        """How a node is called, the next one of those that are not read yet."""
        called = self._reader.read(node, values)
        self.called.append(called)
        return called

    def measured(self, value: Any) -> None:
        """Heed what the last node gave."""
        self.called[-1] = _measured(self.called[-1], value)

    def complete(self) -> None:
        """All nodes are read."""
        self.layers = tuple(each.layer for each in self.called)
        self.cut = plans.head(self.layers)
        self.lowest = frozenset(at for at, each in enumerate(self.called) if each.lowest)
        known = ((at, each.factor) for at, each in enumerate(self.called))
        self.factors = {at: factor for at, factor in known if factor is not None}

    def shaped(self, node: fx.Node) -> bool:
        """Whether the shape of a node's value is read, whose users are all known."""
        if node not in self._shaped:
            self._shaped[node] = any(each.layer.kind is Kind.SHAPE for each in self._users(node))
        return self._shaped[node]

    def kept(self, node: fx.Node) -> bool:
        """Whether a value is kept when it is read no more: patches are put beside, or constants."""
        if node not in self._kept:
            users = self._users(node)
            kinds = {each.layer.kind for each in users}
            beside = kinds & {Kind.WINDOW, Kind.OTHER, Kind.PAD, Kind.MEAN}
            several = any(len(each.node.all_input_nodes) > 1 for each in users)
            own = self.called[self.index[node]].layer.kind in (Kind.CONSTANT, Kind.MEAN)
            self._kept[node] = bool(beside or several or own)
        return self._kept[node]

    def _users(self, node: fx.Node) -> list[CalledModule]:
        return [self.called[self.index[each]] for each in node.users if each in self.index]


class Unoccluded:
    """One pass of the unoccluded images, and what is kept of it for their windows.

    Attributes:
      reading: of the module. layers: as the plan knows them.
      output: (images, classes) of the unoccluded images.
    """

    def __init__(
        self,
        trace: Trace,
        images: Any,
        output: fx.Node,
        kept: KeptGathers | None = None,
        readings: dict[Any, Reading] | None = None,
    ) -> None:
        """Compute the pass.

        Args:
          trace: of the module, which is in evaluation mode.
          images: (images, channels, height, width), of volumes (images, channels, depth, height,
            width).
          output: the node whose value is wanted.
          kept, readings: of passes before this one, where there may be such; readings of
            modules of which nothing but numbers is another.
        """
        wide = images.dtype in (torch.float32, torch.float64)
        fold = wide and not torch.is_autocast_enabled(images.device.type)
        key = output, fold, images.shape[1:], images.dtype
        known = None if readings is None else readings.get(key)
        self.reading = reading = known or Reading(trace, output, fold)
        self._values: dict[fx.Node, Any] = {}
        self._shapes: dict[fx.Node, Any] = {}
        self._kernels: dict[int, tuple[Any, Any]] = {}
        for at, node in enumerate(reading.nodes):
            called = reading.called[at] if known else reading.read(node, self._values)
            if called.kernel is not None:
                self._kernels[at] = called.kernel(self._values.__getitem__)
            if called.layer.kind is Kind.INPUT:
                made = images
            elif trace.writes(node):
                made = self._whole(at, called, lambda each: _cloned(self._values[each]))
            else:
                made = self._whole(at, called, self._values.__getitem__)
            if known is None:
                reading.measured(made)
            self._values[node] = made
            for spent in reading.last[node]:
                self._let_go(spent)
        if known is None:
            reading.complete()
            if readings is not None:
                readings[key] = reading
        self._count = len(images)
        self.layers = reading.layers
        self.output = self._values[output]
        self._rows: dict[int, Any] = {}
        self._kept = kept or KeptGathers()
        self._device = images.device

    def _whole(self, at: int, called: CalledModule, value: Any) -> Any:
        return called.whole(value, *self.kernel(at))

    def kernel(self, at: int) -> tuple[Any, ...]:
        """Weight and bias of a convolution; nothing of other layers."""
        return self._kernels.get(at, ())

    def prepare(self, todo: Sequence[Plan]) -> None:
        """Make what all these plans take, and let go of what none of them does.

        Before any of them is computed: in between, what stays would lie scattered among what
        goes, and the memory that a chunk lets go of would be of no use to the next one.
        """
        for at in {at for plan in todo for at in self.gathers(plan)[0].sources}:
            self.rows(at)
        for called in self.reading.called:
            if called.layer.kind not in (Kind.CONSTANT, Kind.MEAN):
                self._values.pop(called.node, None)

    def features(self, plan: Plan, patches: Any) -> Any:
        """What `head` takes (images * windows, …), where a patch of each image is replaced.

        Args:
          plan: for a chunk of windows.
          patches: (images * windows, channels, height, width) at the plan's first
            rectangles, image by image; of volumes with depth before height.
        """
        return _Chunk(self, plan, *self.gathers(plan), self._count, len(patches)).features(patches)

    def head(self, features: Sequence[Any]) -> Any:
        """Scores (n, classes) of the features of any chunks, one after the other."""
        reading = self.reading
        values = {
            called.node: self._values[called.node]
            for called in reading.called
            if called.layer.kind is Kind.CONSTANT
        }
        values[reading.called[reading.cut].node] = torch.cat(list(features))
        for at in range(reading.cut + 1, len(reading.called)):
            called = reading.called[at]
            if called.node not in values:
                values[called.node] = self._whole(at, called, values.__getitem__)
        return values[reading.called[-1].node]

    def gathers(self, plan: Plan) -> tuple[Gathers, dict[str, Any]]:
        """Where values go in a plan, and the indices as tensors; made once."""
        cut, lowest, known = self.reading.cut, self.reading.lowest, self.reading.factors

        def make() -> tuple[Gathers, dict[str, Any]]:
            gathers = Gathers(plan, cut, lowest, known)
            arrays = gathers.taken().items()
            return gathers, {name: torch.from_numpy(x).to(self._device) for name, x in arrays}

        told = tuple((at, each.tobytes()) for at, each in known.items())
        return self._kept.get((plan, self._device, lowest, told), make)

    def rows(self, at: int) -> Any:
        """A layer's unoccluded maps, (images, rows, channels); see `gathers`."""
        if at not in self._rows:
            # It is asked for as rows from now on.
            values = self._values.pop(self.reading.called[at].node).movedim(1, -1)
            lowest = -math.inf if values.is_floating_point() else torch.iinfo(values.dtype).min
            count, channels = len(values), values.shape[-1]
            fills = [values.new_full((count, 1, channels), each) for each in (0, lowest)]
            self._rows[at] = torch.cat([*fills, values.reshape(count, -1, channels)], 1)
        return self._rows[at]

    def value(self, node: fx.Node) -> Any:
        """Of the unoccluded images: of a constant, or of a mean."""
        return self._values[node]

    def shaped(self, node: fx.Node, count: int) -> Any:
        """Something of the shape that a layer's output has for so many windows."""
        like = self._shapes[node]
        return like.expand(count, *like.shape[1:])

    def _let_go(self, node: fx.Node) -> None:
        """Of a value that is read no more, keep what patches are put beside, and constants."""
        value = self._values[node]
        if isinstance(value, torch.Tensor) and self.reading.shaped(node):
            self._shapes[node] = value.new_empty(1).expand(1, *value.shape[1:])
        if not self.reading.kept(node):
            del self._values[node]


class _Chunk:
    """The computation of a chunk of windows."""

    def __init__(
        self,
        passed: Unoccluded,
        plan: Plan,
        gathers: Gathers,
        arrays: Mapping[str, Any],
        images: int,
        count: int,
    ) -> None:
        """Prepare it.

        Args:
          passed, plan, gathers, arrays: see `Unoccluded.gathers`.
          images: how many. count: images * windows.
        """
        self._passed, self._plan, self._gathers, self._arrays = passed, plan, gathers, arrays
        self._images, self._count = images, count
        self._values: dict[fx.Node, Any] = {}

    def features(self, patches: Any) -> Any:
        """See `Unoccluded.features`."""
        reading, values = self._passed.reading, self._values
        for at, called in enumerate(reading.called[: reading.cut + 1]):
            made = patches if called.layer.kind is Kind.INPUT else self._computed(at, called)
            values[called.node] = made
            for spent in reading.last[called.node]:
                values.pop(spent, None)
        return self._taken(reading.cut + 1, reading.called[reading.cut].node)

    def _computed(self, at: int, called: CalledModule) -> Any:
        layer, step = called.layer, self._plan.steps[at]
        if layer.kind is Kind.CONSTANT:
            return self._passed.value(called.node)
        if layer.kind is Kind.SHAPE:
            return called.whole(self._shaped)
        if at in self._gathers.means:
            return self._mean(at, called)
        kernel = self._passed.kernel(at)
        if step.rects is None or layer.kind is Kind.PIXEL:
            return called.whole(lambda node: self._taken(at, node), *kernel)
        node = called.node.all_input_nodes[0]
        if called.on_crop is None:
            return self._values[node]
        made = called.on_crop(self._taken(at, node), *kernel)
        if called.factor is not None:
            factor = self._arrays[f"{at}.factor"].to(made)
            factor = factor.repeat(self._images, *(1,) * (factor.ndim - 1))
            made = made * factor[:, None]
        return made

    def _shaped(self, node: fx.Node) -> Any:
        """A value of which the shape alone is read."""
        patched = self._plan.steps[self._passed.reading.index[node]].rects is not None
        return self._passed.shaped(node, self._count) if patched else self._values[node]

    def _taken(self, at: int, node: fx.Node) -> Any:
        """What a layer takes of one of its inputs."""
        source = self._passed.reading.index[node]
        name = self._gathers.crops.get((at, source))
        value = self._values[node]
        return value if name is None else self._crop(name, source, value)

    def _crop(self, name: str, source: int, patch: Any) -> Any:
        """The occluded map at rectangles: the patch where it is, else the unoccluded one."""
        channels = patch.shape[1]
        rows = self._passed.rows(source)
        if (around := self._arrays.get(f"{name}.around")) is not None:
            rows = _picked(rows, around)
        patch = patch.movedim(1, -1).reshape(self._images, -1, channels)
        made = _picked(torch.cat([rows.to(patch.dtype), patch], 1), self._arrays[f"{name}.rows"])
        return made.view(self._count, *self._gathers.sizes[name], channels).movedim(-1, 1)

    def _mean(self, at: int, called: CalledModule) -> Any:
        node = called.node.all_input_nodes[0]
        source = self._passed.reading.index[node]
        patch = self._values[node].movedim(1, -1)
        under = _picked(self._passed.rows(source), self._arrays[f"{at}.under"])
        change = (patch - under.view(patch.shape)).sum(tuple(range(1, patch.ndim - 1)))
        change = change / self._plan.layers[source].pixels
        mean = self._passed.value(called.node)
        mean = mean.repeat_interleave(self._count // len(mean), 0)
        return mean + change.reshape(mean.shape)


def _measured(called: CalledModule, value: Any) -> CalledModule:
    shape = tuple(value.shape[1:]) if isinstance(value, torch.Tensor) else ()
    layer: Layer = dataclasses.replace(
        called.layer,
        shape=shape,
        work=float(called.taps) * float(math.prod(shape)),
        weights=called.weights,
    )
    return dataclasses.replace(called, layer=layer)


def _picked(rows: Any, which: Any) -> Any:
    """Rows (images, n, channels) of each of several lists, (images, rows, channels)."""
    count, length, channels = rows.shape
    if count > 1:
        # From one list: PyTorch copies by rows along the first axis alone.
        starts = length * torch.arange(count, dtype=which.dtype, device=which.device)
        which = (starts[:, None] + which).reshape(-1)
    return rows.reshape(-1, channels).index_select(0, which).view(count, -1, channels)


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
