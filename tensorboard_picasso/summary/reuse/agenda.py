"""Windows in chunks: which are computed together, and whether reuse pays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.plan import COSTS, Costs, Layer, Plan
from tensorboard_picasso.summary.reuse.rects import Ints, Rects, ends_of

# Numbers that one step of a chunk may hold: several chunks fit beside each other in memory,
# and what one step leaves is still near when the next one takes it.
HELD = 1 << 23
# Windows, of all images, that a step at least holds where it could.
_TENS = 48
# By an estimate alone reuse is ruled out where it takes so many times as long, or more than this
# share of the multiply-adds.
HOPELESS, SAVED = 1.5, 0.95
# Borders that are tried: widths of the bands one inside the other, as shares of the image.
_BORDERS = ((), (0.125,), (0.25,), (0.375,), (0.0625, 0.125), (0.125, 0.25))
# So many parts at most: two bands of pictures, one of volumes, of which two leave 125 parts of few
# windows each.
_PARTS = 27


@dataclass(frozen=True, eq=False)
class Chunk:
    """Windows that are computed together: their indices, and the plan for them."""

    windows: NDArray[np.int64]
    plan: Plan


@dataclass(frozen=True, eq=False)
class Agenda:
    """All windows of an image.

    cost, work: estimate and multiply-adds for one image, the unoccluded pass with it.
    dense_cost, dense_work: the same where each window is computed whole.
    """

    layers: tuple[Layer, ...]
    chunks: tuple[Chunk, ...]
    cost: float
    work: float
    dense_cost: float
    dense_work: float

    @property
    def pays(self) -> bool:
        """Whether reuse is estimated to be faster."""
        return self.cost < self.dense_cost

    @property
    def hopeless(self) -> bool:
        """Whether reuse is estimated to be so much slower that it is not tried."""
        return self.cost > HOPELESS * self.dense_cost or self.work > SAVED * self.dense_work

    @property
    def count(self) -> int:
        """How many windows there are."""
        return sum(len(chunk.windows) for chunk in self.chunks)

    def parted(self, most: int) -> tuple[Ints, "Agenda"]:
        """At most so many windows of the largest chunk, not all, and the agenda of all others."""
        largest = max(self.chunks, key=lambda chunk: len(chunk.windows))
        kept = max(1, len(largest.windows) - most)
        if kept == len(largest.windows):
            return largest.windows[:0], self
        rest = Chunk(largest.windows[:kept], largest.plan.taking(np.arange(kept)))
        chunks = tuple(rest if chunk is largest else chunk for chunk in self.chunks)
        some = largest.windows[kept:]
        less = replace(
            self,
            chunks=chunks,
            cost=self.cost - len(some) * largest.plan.cost,
            work=self.work - len(some) * largest.plan.work,
        )
        return some, less

    def text(self, reused: bool, figures: str = "") -> str:
        """What is done and why, for people.

        Args:
          reused: what is done.
          figures: that were measured.
        """
        done = "reuse" if reused else "reuse would not be faster"
        by_estimate = f"by estimate {_share(self.cost, self.dense_cost)} of the time"
        lines = [
            f"{done}. {self.count} windows take {_share(self.work, self.dense_work)} of the dense"
            f" multiply-adds, and {by_estimate}{figures and '; '}{figures}",
            f"{len(self.chunks)} chunks of windows; of the largest one:",
        ]
        largest = max(self.chunks, key=lambda chunk: len(chunk.windows)).plan
        for layer, step in zip(largest.layers, largest.steps, strict=True):
            if step.rects is not None:
                part = f"{_sides(step.rects.shape)} of {_sides(layer.place)}"
                lines.append(f"  {layer.name}: {part}")
            elif step.why:
                lines.append(f"  {layer.name}: whole from here on, {step.why}")
        return "\n".join(lines)


def _sides(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _share(part: float, whole: float) -> str:
    """In words; a model that multiplies nothing has none."""
    return f"{part / whole:.1%}" if whole else "none"


def make(
    layers: tuple[Layer, ...],
    boxes: Ints,
    shape: tuple[int, ...],
    images: int,
    most: int = HELD,
    costs: Costs = COSTS,
) -> Agenda:
    """Put windows that change rectangles of like size together.

    Windows at the border change less than those inside, but all rectangles of a chunk
    have one size: so border and inside are kept apart where that is estimated to pay.

    Args:
      layers: of the model.
      boxes: (windows, 2 * axes): top, left, height, width of what changes of the model's input;
        of volumes front, top, left, depth, height, width.
      shape: height and width of that, of volumes depth before them.
      images: how many are computed at once.
      most: numbers that one step of a chunk may hold.
      costs: of the framework.
    """
    dense_cost, dense_work = plans.dense_cost(layers, costs), plans.dense_work(layers)
    cut = plans.head(layers)
    calls, head = (_calls(each, costs) for each in (layers[: cut + 1], layers[cut + 1 :]))
    heads = head * math.ceil(len(boxes) * images * layers[cut].numbers / most)
    best: tuple[float, list[Chunk]] = (math.inf, [])
    for borders in _BORDERS:
        if (1 + 2 * len(borders)) ** len(shape) > _PARTS:
            continue
        groups = _groups(boxes, shape, borders)
        chunks = [
            chunk
            for group in groups
            for chunk in _chunks(layers, boxes, group, shape, images, most, costs)
        ]
        cost = sum(len(each.windows) * each.plan.cost + calls / images for each in chunks)
        cost += costs.sizes * len(layers) * len(groups) / images
        if cost < best[0]:
            best = cost, chunks
    cost, chunks = best
    batches = math.ceil(len(boxes) * max(layer.numbers for layer in layers) / (4 * most))
    return Agenda(
        layers,
        tuple(chunks),
        cost + dense_cost + (calls + heads + head) / images,
        sum(len(each.windows) * each.plan.work for each in chunks) + dense_work,
        len(boxes) * dense_cost + batches * (calls + head),
        len(boxes) * dense_work,
    )


def _calls(layers: Sequence[Layer], costs: Costs) -> float:
    """What calling each once costs, in multiply-adds."""
    return sum(costs.call + costs.moved * layer.weights for layer in layers if layer.numbers)


def _groups(boxes: Ints, shape: tuple[int, ...], borders: Sequence[float]) -> list[Ints]:
    """Indices of windows in the corners, along the edges and inside."""
    keys = np.zeros(len(boxes), np.int64)
    for low, high, side in zip(*(each.T for each in ends_of(boxes)), shape, strict=True):
        keys *= 1 + 2 * len(borders)
        for edge in borders:
            keys += low >= edge * side
            keys += high > side - edge * side
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _chunks(
    layers: tuple[Layer, ...],
    boxes: Ints,
    group: Ints,
    shape: tuple[int, ...],
    images: int,
    most: int,
    costs: Costs,
) -> Sequence[Chunk]:
    plan = plans.make(layers, Rects.of_boxes(boxes[group], shape), costs)
    held = plan.held * images
    size = most / held
    if costs.near / held >= _TENS / images:
        size = min(size, costs.near / held)
    count = math.ceil(len(group) / max(1, int(size)))
    parts = np.array_split(np.arange(len(group)), count)
    if costs.sizes:
        return [Chunk(group[part], plan.taking(part)) for part in parts]
    return [
        Chunk(group[part], plans.make(layers, Rects.of_boxes(boxes[group[part]], shape), costs))
        for part in parts
    ]
