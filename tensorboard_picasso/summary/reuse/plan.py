"""Which part of each layer's output a window can change, and what recomputing that costs."""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tensorboard_picasso.summary.reuse.rects import Ints, Rects, Window


@dataclass(frozen=True)
class Costs:
    """What things cost on a framework, in multiply-adds of a convolution of a patch.

    Measured of PyTorch on a processor: it makes 20 to 30 thousand million of those a second,
    copying a thousand million numbers.

    Attributes:
      moved: moving one number through memory.
      call: calling one layer, however small its work, about 20 microseconds; reading its
        weights comes on top.
      sizes: preparing one layer for chunks of other sizes, spread over its uses. Where that
        is more than nothing, chunks of windows that are near each other have one size.
      near: numbers that are still in the processor's cache when the next step takes them.
        A step holds no more, as long as these are some tens of windows.
    """

    moved: float = 16
    call: float = 500_000
    sizes: float = 0
    near: float = math.inf


COSTS = Costs(near=1 << 21)


class Kind(enum.Enum):
    """What a layer does with places.

    INPUT: the model's. CONSTANT: depends on no input. SHAPE: reads its input's shape
    alone. WINDOW: sees its input through a window. PIXEL: makes each pixel of those
    at the same place in its inputs. PAD: adds a border. MEAN: over all places. OTHER:
    anything, so that it needs whole inputs.
    """

    INPUT = "input"
    CONSTANT = "constant"
    SHAPE = "shape"
    WINDOW = "window"
    PIXEL = "pixel"
    PAD = "pad"
    MEAN = "mean"
    OTHER = "other"


@dataclass(frozen=True)
class Layer:
    """One layer as far as places go.

    Attributes:
      name: for people.
      kind: what it does with places.
      inputs: indices of the layers whose outputs it takes, all before its own.
      shape: of its output for one image: (channels, height, width) of a map, of a volume's
        (channels, depth, height, width).
      work: multiply-adds for one image.
      weights: numbers that a call reads, whatever it computes.
      windows: of WINDOW, along each axis of its map.
      before: of PAD, what is added before the map along each axis.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    work: float = 0.0
    weights: int = 0
    windows: tuple[Window, ...] = ()
    before: tuple[int, ...] = ()

    @property
    def numbers(self) -> int:
        """In its output for one image."""
        return 0 if self.kind in (Kind.CONSTANT, Kind.SHAPE) else math.prod(self.shape)

    @property
    def place(self) -> tuple[int, ...]:
        """Height and width of its map, of a volume's depth before them."""
        return self.shape[1:]

    @property
    def pixels(self) -> int:
        """Of its map."""
        return math.prod(self.place)


@dataclass(frozen=True, eq=False)
class Step:
    """How one layer is computed for a chunk of windows.

    Attributes:
      rects: what is recomputed of its output; None: all of it.
      crop: of WINDOW, what that takes of its input; may lie in the padding.
      work, moved: multiply-adds, and numbers through memory, of one window.
      held: the most numbers at once, of one window.
      why: all of it is recomputed though some input is not.
    """

    rects: Rects | None
    crop: Rects | None = None
    work: float = 0.0
    moved: float = 0.0
    held: float = 0.0
    why: str = ""

    def cost(self, costs: Costs) -> float:
        """In multiply-adds."""
        return self.work + costs.moved * self.moved

    def taking(self, some: Ints) -> "Step":
        """For some of the windows."""
        rects, crop = (each and each.taking(some) for each in (self.rects, self.crop))
        return replace(self, rects=rects, crop=crop)


@dataclass(frozen=True, eq=False)
class Plan:
    """Steps of all layers for a chunk of windows. rects: what changes of the input."""

    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    rects: Rects
    costs: Costs = COSTS

    def taking(self, some: Ints) -> "Plan":
        """For some of the windows: rectangles keep their sizes."""
        steps = tuple(each.taking(some) for each in self.steps)
        return replace(self, steps=steps, rects=self.rects.taking(some))

    @property
    def work(self) -> float:
        """Multiply-adds of one window."""
        return sum(step.work for step in self.steps)

    @property
    def cost(self) -> float:
        """Estimate for one window, in multiply-adds."""
        return sum(step.cost(self.costs) for step in self.steps)

    @property
    def held(self) -> float:
        """The most numbers that one step holds for one window."""
        return max(step.held for step in self.steps)


def dense_cost(layers: Sequence[Layer], costs: Costs = COSTS) -> float:
    """Estimate for one window where all is recomputed, in multiply-adds."""
    moved = sum(
        layer.numbers + (layers[layer.inputs[0]].numbers if layer.kind is Kind.WINDOW else 0)
        for layer in layers
    )
    return dense_work(layers) + costs.moved * moved


def dense_work(layers: Sequence[Layer]) -> float:
    """Multiply-adds for one image."""
    return sum(layer.work for layer in layers)


def head(layers: Sequence[Layer]) -> int:
    """Index of the layer behind which no map is left.

    Its output has no places, and is all that the layers behind it take: so those may run
    over the windows of many chunks at once. It is the last layer where there is none such.
    """
    last = earliest = len(layers) - 1
    for at in reversed(range(len(layers))):
        layer = layers[at]
        if layer.kind is Kind.CONSTANT:
            continue
        if earliest >= at and len(layer.shape) == 1:
            last = at
        changing = [each for each in layer.inputs if layers[each].kind is not Kind.CONSTANT]
        earliest = min([earliest, *changing])
    return last


def make(layers: tuple[Layer, ...], rects: Rects, costs: Costs = COSTS) -> Plan:
    """What to recompute of each layer where these rectangles of the input change."""
    steps: list[Step] = []
    for layer in layers:
        if layer.kind is Kind.INPUT:
            steps.append(Step(rects, held=layer.shape[0] * rects.area))
        else:
            steps.append(_step(layer, layers, steps, costs))
    return Plan(layers, tuple(steps), rects, costs)


def _step(layer: Layer, layers: tuple[Layer, ...], steps: Sequence[Step], costs: Costs) -> Step:
    if layer.kind in (Kind.CONSTANT, Kind.SHAPE):
        return Step(None)
    changing = [
        source for source in layer.inputs if layers[source].kind not in (Kind.CONSTANT, Kind.SHAPE)
    ]
    patched = [(source, rects) for source in changing if (rects := steps[source].rects) is not None]
    # Patches of what is whole from here on are first put into copies of the unoccluded output.
    pasted = sum(layers[each].numbers for each, _ in patched)
    given = sum(layers[each].numbers for each in changing)
    windowed = layer.kind is Kind.WINDOW
    whole = Step(
        None,
        work=layer.work,
        moved=layer.numbers + pasted + (given if windowed else 0),
        held=layer.numbers + given,
    )
    if len(patched) < len(changing):
        return replace(whole, why="another input changes everywhere" if patched else "")
    if not patched:
        return whole
    if layer.kind is Kind.OTHER:
        return replace(whole, why="needs all of its input")
    step = _part(layer, [layers[each].shape[0] for each in changing], [each for _, each in patched])
    if layer.kind in (Kind.MEAN, Kind.PAD) or step.cost(costs) < (
        whole.cost(costs) - costs.moved * pasted
    ):
        return step
    return replace(whole, why="a window changes most of it")


def _part(layer: Layer, channels: Sequence[int], inputs: Sequence[Rects]) -> Step:
    """What recomputing a layer takes where these rectangles of its inputs change."""
    if layer.kind is Kind.MEAN:
        moved = 2 * channels[0] * inputs[0].area
        return Step(None, moved=moved, held=moved)
    if layer.kind is Kind.PAD:
        return Step(inputs[0].shifted(layer.before), held=layer.shape[0] * inputs[0].area)
    if layer.kind is Kind.WINDOW:
        return _windowed(layer, channels[0], inputs[0])
    return _merged(layer, channels, inputs)


def _windowed(layer: Layer, channels: int, changed: Rects) -> Step:
    sides = zip(layer.windows, changed.axes, layer.place, strict=True)
    rects = Rects(tuple(window.changed(spans, extent) for window, spans, extent in sides))
    crop = Rects(tuple(map(Window.seen, layer.windows, rects.axes)))
    numbers = channels * crop.area + layer.shape[0] * rects.area
    return Step(rects, crop, layer.work * rects.area / layer.pixels, numbers, numbers)


def _merged(layer: Layer, channels: Sequence[int], changed: Sequence[Rects]) -> Step:
    rects = Rects.hull(changed, layer.place)
    gathered = sum(
        count * rects.area
        for count, patch in zip(channels, changed, strict=True)
        if not patch.same(rects)
    )
    numbers = layer.shape[0] * rects.area
    return Step(
        rects,
        None,
        layer.work * rects.area / layer.pixels,
        gathered + numbers,
        gathered + numbers + sum(channels) * rects.area,
    )
