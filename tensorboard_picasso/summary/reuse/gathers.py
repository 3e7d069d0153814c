"""Gathers: where a plan's steps take their inputs from, as integer indices.

A map is a list of rows, one a pixel, after `FILLS` rows of padding. A crop of the occluded map
takes the rows of the patch where that is, and rows of the unoccluded map around it: one gather
from both in one list. It is the same for all images.
"""

import functools
import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from tensorboard_picasso.summary.reuse.plan import Kind, Plan
from tensorboard_picasso.summary.reuse.rects import Rects, Spans, spread

# Rows before those of a map: zeros, then the lowest numbers.
FILLS = 2
# Bytes of indices that are kept for the next record.
_KEPT = 1 << 26


class Gathers:
    """All crops of a plan.

    Attributes:
      crops: by a layer and one of its inputs, the name of the crop that it takes of it; None
        where it takes the patch as it is.
      arrays: indices by their names. Of each crop `<name>.rows`, which it takes of a list of
        the unoccluded map's rows and then the patch's; where few of the map's are taken, these
        stand there alone, and `<name>.around` says which.
        Of a mean `<its layer>.under`, the rows that lie under the patch. Of a layer whose
        output is multiplied by factors `<its layer>.factor`, (windows, height, width), or of
        volumes (windows, depth, height, width).
      sizes: of crops by their names, as `Rects.shape`.
      sources: layers of whose unoccluded maps rows are taken.
      means: layers that are the unoccluded mean, plus a change.
      names: of arrays. nbytes: of all.
      structure: the same for all plans that the same computation does.
    """

    def __init__(
        self,
        plan: Plan,
        last: int,
        lowest: Set[int],
        factors: Mapping[int, Any],
    ) -> None:
        """Find them.

        Args:
          plan: for a chunk of windows.
          last: layers behind this one are not computed; its output is wanted whole.
          lowest: layers that pad with the lowest number.
          factors: of layers, of the shape of their maps.
        """
        self._plan = plan
        self.crops: dict[tuple[int, int], str | None] = {}
        self.arrays: dict[str, Any] = {}
        self.sizes: dict[str, tuple[int, ...]] = {}
        self.sources: set[int] = set()
        self.means: set[int] = set()
        self._names: dict[Any, str] = {}
        for at, (layer, step) in enumerate(zip(plan.layers, plan.steps, strict=True)):
            if at > last or layer.kind in (Kind.INPUT, Kind.CONSTANT, Kind.SHAPE, Kind.PAD):
                continue
            for source in layer.inputs:
                patch = plan.steps[source].rects
                if patch is None:
                    continue
                if step.rects is None and layer.kind is Kind.MEAN:
                    self._under(at, source, patch)
                else:
                    self._crop(at, source, patch, step.crop or step.rects, at in lowest)
            if step.rects is not None and at in factors:
                self.arrays[f"{at}.factor"] = factors[at][spread(step.rects.places)]
        if (patch := plan.steps[last].rects) is not None:
            self._crop(last + 1, last, patch, None, False)
        self.nbytes = sum(each.nbytes for each in self.arrays.values())
        self.names = tuple(sorted(self.arrays))
        self.structure = (
            tuple((step.rects and step.rects.shape, step.crop and step.crop.shape)
                  for step in plan.steps[: last + 1]),
            tuple(sorted((key, name or "") for key, name in self.crops.items())),
            self.names,
        )  # fmt: skip

    def _crop(self, at: int, source: int, patch: Rects, crop: Rects | None, lowest: bool) -> None:
        """Of a layer's input, of which a patch changes; None: all of it."""
        place = self._plan.layers[source].place
        if crop is None:
            zeros = np.zeros_like(patch.axes[0].starts)
            crop = Rects(tuple(Spans(zeros, side) for side in place))
        if patch.same(crop):
            self.crops[at, source] = None
            return
        key = source, lowest, *((each.starts.tobytes(), each.size) for each in crop.axes)
        if key not in self._names:
            self._names[key] = f"{source}.{len(self._names)}"
            self.sizes[self._names[key]] = crop.shape
            self._indices(self._names[key], patch, crop, place, int(lowest))
        self.sources.add(source)
        self.crops[at, source] = self._names[key]

    def _indices(
        self, name: str, patch: Rects, crop: Rects, place: tuple[int, ...], fill: int
    ) -> None:
        places = crop.places
        own = [each - mine.starts[:, None] for each, mine in zip(places, patch.axes, strict=True)]
        inside, within = _within(own, patch.shape), _within(places, place)
        around = ~inside
        taken = np.where(within, _flat(places, place) + FILLS, fill)[around]
        before = FILLS + math.prod(place)
        if before > 2 * len(taken):
            self.arrays[f"{name}.around"] = taken.astype(np.int32)
            before, taken = len(taken), np.arange(len(taken))
        firsts = patch.area * np.arange(len(inside))
        mine = (_flat(own, patch.shape) + firsts.reshape(-1, *(1,) * len(own)))[inside]
        indices = np.empty(inside.shape, np.int32)
        indices[around], indices[inside] = taken, before + mine
        self.arrays[f"{name}.rows"] = indices.reshape(-1)

    def _under(self, at: int, source: int, patch: Rects) -> None:
        """Of a mean over a map of which a patch changes."""
        self.sources.add(source)
        self.means.add(at)
        under = _flat(patch.places, self._plan.layers[source].place) + FILLS
        self.arrays[f"{at}.under"] = under.reshape(-1).astype(np.int32)

    def taken(self) -> dict[str, Any]:
        """The arrays, which are let go of here."""
        arrays, self.arrays = self.arrays, {}
        return arrays


class KeptGathers:
    """Gathers, and what a framework makes of their arrays, for the next record."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, tuple[Gathers, Any]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[Gathers, Any]]) -> tuple[Gathers, Any]:
        """Those of a key, made once for as long as there is room."""
        if key not in self._made:
            self._made[key] = make()
            kept = sum(each.nbytes for each, _ in self._made.values())
            while kept > _KEPT and len(self._made) > 1:
                kept -= self._made.popitem(last=False)[1][0].nbytes
        self._made.move_to_end(key)
        return self._made[key]


def _within(places: Sequence[Any], shape: Sequence[int]) -> Any:
    """Which pixels lie in a map of this shape, (rectangles, height, width) or with more axes."""
    along = [(each >= 0) & (each < side) for each, side in zip(places, shape, strict=True)]
    return functools.reduce(operator.and_, spread(along))


def _flat(places: Sequence[Any], shape: Sequence[int]) -> Any:
    """Each pixel's number in a map of this shape, row by row; as `_within`."""
    first, *others = spread(places)
    for each, side in zip(others, shape[1:], strict=True):
        first = first * side + each
    return first
