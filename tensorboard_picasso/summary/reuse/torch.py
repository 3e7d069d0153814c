"""PyTorch: a module's scores of occluded images, from those of the unoccluded ones."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import fx

from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.plan import Kind, Layer, Plan, Step
from tensorboard_picasso.summary.reuse.rects import Ints, Rects, Spans
from tensorboard_picasso.summary.reuse.torch_layers import Called, Reader
from tensorboard_picasso.summary.reuse.torch_trace import Trace


@dataclasses.dataclass(frozen=True, eq=False)
class Patch:
    """What changes of a map: values (n, channels, height, width) at each position's rectangle."""

    values: Any
    rects: Rects


class Unoccluded:
    """One pass of the unoccluded images, and what is kept of it for their windows.

    Attributes:
      layers: as the plan knows them.
      output: (images, classes) of the unoccluded images.
    """

    def __init__(self, trace: Trace, images: Any, output: fx.Node) -> None:
        """Compute the pass.

        Args:
          trace: of the module, which is in evaluation mode.
          images: (images, channels, height, width).
          output: the node whose value is wanted.
        """
        wide = images.dtype in (torch.float32, torch.float64)
        reader = Reader(trace, fold=wide and not torch.is_autocast_enabled(images.device.type))
        values: dict[fx.Node, Any] = {}
        nodes = trace.nodes[: trace.nodes.index(output) + 1]
        for node in nodes:
            called = reader.read(node, values)
            if called.layer.kind is Kind.INPUT:
                values[node] = images
            elif trace.writes(node):
                values[node] = called.whole(lambda each: _cloned(values[each]))
            else:
                values[node] = called.whole(values.__getitem__)
        self._called = [_measured(each, values[each.node]) for each in reader.called]
        self._index = reader.index
        self._count = len(images)
        self.layers = tuple(each.layer for each in self._called)
        self.output = values[output]
        last = {}
        for node in nodes:
            last.update(dict.fromkeys(node.all_input_nodes, node))
        self._last = {node: [each for each, at in last.items() if at is node] for node in nodes}
        needed = self._needed()
        self._values = {node: value for node, value in values.items() if node in needed}
        self._shapes = {
            node: value[:1]
            for node, value in values.items()
            if isinstance(value, torch.Tensor)
            and any(
                self._called[self._index[each]].layer.kind is Kind.SHAPE
                for each in node.users
                if each in self._index
            )
        }
        self._rows: dict[Any, Any] = {}
        self._head = plans.head(self.layers)

    def features(self, plan: Plan, patches: Any) -> Any:
        """What `head` takes (images * windows, …), where a patch of each image is replaced.

        Args:
          plan: for a chunk of windows.
          patches: (images * windows, channels, height, width) at the plan's first
            rectangles, image by image.
        """
        chunk = _Chunk(self._count, len(patches) // self._count, patches.device)
        values: dict[fx.Node, Any] = {}
        for called, step in zip(self._called[: self._head + 1], plan.steps, strict=False):
            node = called.node
            if called.layer.kind is Kind.INPUT:
                values[node] = Patch(patches, plan.rects)
            else:
                values[node] = self._computed(called, step, values, chunk)
            for each in self._last[node]:
                values.pop(each, None)
        result = values[node]
        return self._whole(node, result, chunk) if isinstance(result, Patch) else result

    def head(self, features: Sequence[Any]) -> Any:
        """Scores (n, classes) of the features of any chunks, one after the other."""
        values = {
            each.node: self._values[each.node]
            for each in self._called
            if each.layer.kind is Kind.CONSTANT
        }
        values[self._called[self._head].node] = torch.cat(list(features))
        for called in self._called[self._head + 1 :]:
            if called.node not in values:
                values[called.node] = called.whole(values.__getitem__)
        return values[self._called[-1].node]

    def _computed(
        self, called: Called, step: Step, values: dict[fx.Node, Any], chunk: "_Chunk"
    ) -> Any:
        layer = called.layer
        if layer.kind is Kind.CONSTANT:
            return self._values[called.node]
        if layer.kind is Kind.SHAPE:
            return called.whole(lambda node: self._shaped(node, values, chunk))
        if step.rects is None:
            first = values[called.node.all_input_nodes[0]]
            if layer.kind is Kind.MEAN and isinstance(first, Patch):
                return self._mean(called, first, chunk)
            return called.whole(lambda node: self._whole(node, values[node], chunk))
        return Patch(self._part(called, step, step.rects, values, chunk), step.rects)

    def _part(
        self,
        called: Called,
        step: Step,
        rects: Rects,
        values: dict[fx.Node, Any],
        chunk: "_Chunk",
    ) -> Any:
        if called.layer.kind is Kind.PIXEL:

            def at(node: fx.Node) -> Any:
                value = values[node]
                if not isinstance(value, Patch):
                    return value
                return self._cropped(node, value, rects, chunk)

            return called.whole(at)
        node = called.node.all_input_nodes[0]
        patch = values[node]
        if step.crop is None or called.on_crop is None:
            return patch.values
        made = called.on_crop(self._cropped(node, patch, step.crop, chunk, called))
        if called.factor is not None:
            made = made * self._factor(called.factor, rects, chunk)
        return made

    def _shaped(self, node: fx.Node, values: dict[fx.Node, Any], chunk: "_Chunk") -> Any:
        """A value of which the shape alone is read."""
        value = values[node]
        if isinstance(value, Patch):
            like = self._shapes[node]
            return like.expand(chunk.count, *like.shape[1:])
        return value

    def _mean(self, called: Called, patch: Patch, chunk: "_Chunk") -> Any:
        node = called.node.all_input_nodes[0]
        before = self._gathered(node, patch.rects, chunk, None)
        height, width = self.layers[self._index[node]].place
        change = (patch.values - before).sum((2, 3), keepdim=True) / (height * width)
        mean = self._values[called.node].index_select(0, chunk.tensor(chunk.image))
        return mean + change.reshape(mean.shape)

    def _factor(self, factor: Any, rects: Rects, chunk: "_Chunk") -> Any:
        rows, columns = map(chunk.tensor, chunk.places(rects))
        return factor[rows[:, :, None], columns[:, None, :]][:, None]

    def _whole(self, node: fx.Node, value: Any, chunk: "_Chunk") -> Any:
        """A patch put into copies of the unoccluded map; anything else as it is."""
        if not isinstance(value, Patch):
            return value
        channels = value.values.shape[1]
        height, width = self.layers[self._index[node]].place
        if value.rects.shape == (height, width):
            return value.values
        copies = self._nhwc(node).index_select(0, chunk.tensor(chunk.image))
        at = chunk.pixels(value.rects, chunk.numbers, (height, width))
        copies.view(-1, channels).index_copy_(0, chunk.tensor(at), _flat(value.values))
        return copies.permute(0, 3, 1, 2)

    def _cropped(
        self,
        node: fx.Node,
        patch: Patch,
        crop: Rects,
        chunk: "_Chunk",
        called: Called | None = None,
    ) -> Any:
        """The occluded map at these rectangles: the patch where it is, else the unoccluded one."""
        if patch.rects.same(crop):
            return patch.values
        offsets = [
            mine.starts - its.starts for mine, its in zip(patch.rects.axes, crop.axes, strict=True)
        ]
        (top, left), (height, width) = offsets, patch.rects.shape
        inside = all(
            offset.min() >= 0 and offset.max() + size <= room
            for offset, size, room in zip(offsets, patch.rects.shape, crop.shape, strict=True)
        )
        gathered = self._gathered(node, crop, chunk, called)
        if inside and np.ptp(top) == np.ptp(left) == 0:
            rows, columns = slice(top[0], top[0] + height), slice(left[0], left[0] + width)
            gathered[:, :, rows, columns] = patch.values
            return gathered
        channels = patch.values.shape[1]
        target = gathered.permute(0, 2, 3, 1).reshape(-1, channels)
        rects = Rects(Spans(top, height), Spans(left, width))
        at = chunk.pixels(rects, chunk.numbers, crop.shape)
        source = _flat(patch.values)
        if not inside:
            down, across = (
                (places >= 0) & (places < room)
                for places, room in zip(chunk.places(rects), crop.shape, strict=True)
            )
            kept = np.flatnonzero(down[:, :, None] & across[:, None, :])
            at, source = at[kept], source.index_select(0, chunk.tensor(kept))
        target.index_copy_(0, chunk.tensor(at), source)
        return gathered

    def _gathered(self, node: fx.Node, crop: Rects, chunk: "_Chunk", called: Called | None) -> Any:
        """The unoccluded map at these rectangles, (n, channels, height, width)."""
        top, left = (each.before for each in called.layer.windows) if called else (0, 0)
        bottom, right = called.after if called else (0, 0)
        fill = called.padding if called else 0.0
        rows = self._padded(node, (left, right, top, bottom), fill)
        at = chunk.pixels(crop.shifted(top, left), chunk.image, rows.shape[1:3])
        found = rows.view(-1, rows.shape[3]).index_select(0, chunk.tensor(at))
        return found.view(chunk.count, *crop.shape, -1).permute(0, 3, 1, 2)

    def _padded(self, node: fx.Node, pad: tuple[int, int, int, int], fill: float) -> Any:
        key = node, pad, fill
        if key not in self._rows:
            base = self._nhwc(node)
            if any(pad):
                base = torch.nn.functional.pad(base, (0, 0, *pad), value=fill)
            self._rows[key] = base
        return self._rows[key]

    def _nhwc(self, node: fx.Node) -> Any:
        key = node, (0, 0, 0, 0), None
        if key not in self._rows:
            self._rows[key] = self._values[node].permute(0, 2, 3, 1).contiguous()
            self._values[node] = self._rows[key].permute(0, 3, 1, 2)
        return self._rows[key]

    def _needed(self) -> set[fx.Node]:
        """Nodes whose unoccluded values patches are put beside, or that are constant."""
        needed = set()
        for called in self._called:
            kind, inputs = called.layer.kind, called.node.all_input_nodes
            if kind is Kind.CONSTANT:
                needed.add(called.node)
            elif kind is Kind.MEAN:
                needed |= {called.node, *inputs}
            elif kind in (Kind.WINDOW, Kind.OTHER, Kind.PAD) or len(inputs) > 1:
                needed |= set(inputs)
        needed.add(self._called[-1].node)
        return needed


class _Chunk:
    """Where the positions of a chunk of windows are, image by image.

    numbers: of the positions. image: of each position.
    """

    def __init__(self, images: int, windows: int, device: Any) -> None:
        self.count = images * windows
        self._images, self._device = images, device
        self.numbers = np.arange(self.count)
        self.image = np.arange(images).repeat(windows)

    def places(self, rects: Rects) -> list[Ints]:
        """Rows (n, height) and columns (n, width) of the windows' rectangles, for all images."""
        starts = (np.tile(each.starts, self._images) for each in rects.axes)
        return [
            start[:, None] + np.arange(size)
            for start, size in zip(starts, rects.shape, strict=True)
        ]

    def pixels(self, rects: Rects, which: Ints, shape: Sequence[int]) -> Ints:
        """Indices (n * height * width,) into the pixels of maps of a shape, one after the other.

        Args:
          rects: of the windows.
          which: map, of each position.
          shape: height and width of the maps.
        """
        rows, columns = self.places(rects)
        rows += which[:, None] * shape[0]
        return (rows[:, :, None] * shape[1] + columns[:, None, :]).reshape(-1)

    def tensor(self, indices: Ints) -> Any:
        """The same on the device."""
        return torch.from_numpy(indices).to(self._device)


def _measured(called: Called, value: Any) -> Called:
    shape = tuple(value.shape[1:]) if isinstance(value, torch.Tensor) else ()
    layer: Layer = dataclasses.replace(
        called.layer,
        shape=shape,
        work=float(called.taps) * float(np.prod(shape)),
        weights=called.weights,
    )
    return dataclasses.replace(called, layer=layer)


def _flat(values: Any) -> Any:
    """(n, channels, height, width) as (n * height * width, channels)."""
    return values.permute(0, 2, 3, 1).reshape(-1, values.shape[1])


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
