"""Questions: what a model is asked, as one value that goes through to its adapter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends._common.call import PLAIN, Call
from tensorboard_picasso.summary.reuse.rects import slices_of, spread

Array = NDArray[Any]
Function = Callable[[Any], Any]
Others = tuple[Array, ...]


@dataclass(frozen=True)
class Setup:
    """How a model is asked, the same in all questions.

    look_behind: whether to take the scores before a final softmax or sigmoid.
    channels_last: inputs are the probe's own images with their channels last, as no
      `preprocess` made them: a framework that has them first moves them.
    call: how the model is called beside its image, and what is scored.
    """

    look_behind: bool = True
    channels_last: bool = False
    call: Call = PLAIN


@dataclass(frozen=True, eq=False)
class Question:
    """A batch that a model is asked about, and by what.

    x: a batch of model inputs, (n, …); with `preprocess`, of what that is given.
    others: of the image at hand, without batch axes: what the call takes beside it.
    layer: name of the layer whose output is asked for; None: the input's or the scores.
    preprocess: what a derivative passes through on its way to `x`; one for which the
      adapter's `differentiates` is true.
    """

    x: Array
    others: Others = ()
    layer: str | None = None
    preprocess: Function | None = None

    def about(self, x: Array) -> Self:
        """The same of another batch."""
        return replace(self, x=x)

    @property
    def arrays(self) -> list[Array]:
        """The batch, and what stands beside it, one row each."""
        return [self.x, *beside(self.others, len(self.x))]


@dataclass(frozen=True, eq=False)
class Segments:
    """Of boxes that hold a segment each: which of their pixels are hidden.

    labels: (h, w), or of a volume (d, h, w), the segment of each pixel. numbers: (boxes,), the
    segment of each box; of an empty one none that a pixel has.
    """

    labels: NDArray[np.int16]
    numbers: NDArray[np.int16]

    def taking(self, some: Any) -> Self:
        """The same of some of the boxes."""
        return replace(self, numbers=self.numbers[some])

    def within(self, places: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Which places are of each box's segment, (boxes, rows, columns), or with three axes.

        Args:
          places: of rows and columns, or of all three axes, (boxes or 1, n) each.
        """
        labels = self.labels[spread(places)]
        return np.asarray(labels == self.numbers.reshape(-1, *(1,) * len(places)))


@dataclass(frozen=True, eq=False)
class Hiding:
    """One viewed image and the windows, or segments, that are hidden, one at a time.

    image, filled: (h, w, c), and what is filled in; or a volume (d, h, w, c).
    boxes: (boxes, 4): top, left, height, width, pixels; of a volume (boxes, 6): front, top, left,
    depth, height, width. An empty one leaves the image whole.
    segments: None: a whole box is hidden; else the pixels of one segment, which lies in it.
    """

    image: Array
    filled: Array
    boxes: NDArray[np.int64]
    segments: Segments | None = None

    def taking(self, some: Any) -> Self:
        """The same with some of the boxes."""
        segments = None if self.segments is None else self.segments.taking(some)
        return replace(self, boxes=self.boxes[some], segments=segments)

    def viewed(self, some: Any) -> Array:
        """Some of the occluded images, (n, h, w, c) or (n, d, h, w, c)."""
        taken = self.taking(some)
        return hidden(taken.image, taken.filled, taken.boxes, taken.segments)


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of several images, each hidden alone.

    hidings: the images with their windows.
    model_input: viewed batch to model inputs.
    in_place: whether that leaves each pixel what and where it is, but for the order of axes.
    reuse: whether what a window cannot change may be taken from the unoccluded image's
      pass. The scores are the same, but for rounding.
    others: as of `Question`.
    """

    hidings: Sequence[Hiding]
    model_input: Function
    in_place: bool
    reuse: bool = True
    others: Others = ()

    def question(self, viewed: Array) -> Question:
        """What is asked of a viewed batch, (n, h, w, c) or (n, d, h, w, c)."""
        return Question(self.model_input(viewed), self.others)


@dataclass(frozen=True, eq=False)
class Masks:
    """Smooth masks over an image, 0 hidden to 1 shown, each a product of three small matrices.

    grids: (n, k, k). rows, columns: (longer than the image, k): a mask takes as many of each
    as the image has, from its own start on, to spread its grid. starts: (n, 2). shape: height
    and width of the image.
    """

    grids: NDArray[np.float64]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    starts: NDArray[np.int64]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.grids)

    def made(self, part: slice) -> NDArray[np.float64]:
        """Some of them, (n, height, width)."""
        starts, (rows, columns) = self.starts[part], self._spreading
        return np.asarray(
            rows[starts[:, 0]].transpose(0, 2, 1) @ self.grids[part] @ columns[starts[:, 1]]
        )

    def sums(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of all masks by weights (t, n), (t, height, width).

        Grids are summed before they are spread, so that no mask is made.
        """
        rows, columns = self._spreading
        total = np.zeros((len(weights), *self.shape))
        for start in np.unique(self.starts[:, 0]):
            some = np.flatnonzero(self.starts[:, 0] == start)
            wide = self.grids[some] @ columns[self.starts[some, 1]]
            total += rows[start].T @ np.tensordot(weights[:, some], wide, 1)
        return total

    @property
    def _spreading(self) -> list[NDArray[np.float64]]:
        """By start, (starts, k, height) and (starts, k, width)."""
        return [
            sliding_window_view(each, side, axis=0)
            for each, side in zip((self.rows, self.columns), self.shape, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Blending:
    """One viewed image, blended with what hides it by each of many masks.

    image, filled: (h, w, c), what masks of one and of zero leave.
    masks, model_input, in_place, others: as of `Windows`.
    """

    image: Array
    filled: Array
    masks: Masks
    model_input: Function
    in_place: bool
    others: Others = ()

    def viewed(self, part: slice) -> Array:
        """Some of the blended images, (n, h, w, c), of the image's dtype."""
        dtype = self.image.dtype
        # Integers of four bytes are not all floats of as many.
        wide = np.dtype(np.float32 if dtype.itemsize <= 2 or dtype == np.float32 else np.float64)
        image, filled = self.image.astype(wide), self.filled.astype(wide)
        masks = self.masks.made(part).astype(wide)[..., None]
        values = masks * (image - filled)
        values += filled
        blended: Array = values if dtype.kind == "f" else np.rint(values)
        return blended.astype(dtype, copy=False)

    def question(self, part: slice) -> Question:
        """What is asked of some of them."""
        return Question(self.model_input(self.viewed(part)), self.others)


@dataclass(frozen=True, eq=False)
class Tool:
    """A tool that is written for the framework, and one score of the model that it explains.

    score: (n,) of raw scores (n, classes), in NumPy. slope: its derivative by them.
    run: is called with the model as one of the framework that returns this score of a batch,
      with the batch, and with the layer that is asked about or None; returns one tensor of the
      batch's shape, or the layer's.
    seed: of the framework's random numbers meanwhile.
    """

    score: Function
    slope: Function
    run: Callable[[Any, Any, Any], Any]
    seed: int = 0


@dataclass(frozen=True)
class Layer:
    """One call of a layer, as its end was seen.

    name: the layer's. shape: of its output for one input, None where it is no one tensor
      with a row an input.
    channels: which axis of an input's output they are, "first" or "last", where the layer's
      kind tells; else "".
    images: its kind makes images: a convolution, a pooling.
    inside: it is an attention, or a part of one.
    """

    name: str
    shape: tuple[int, ...] | None
    channels: str = ""
    images: bool = False
    inside: bool = False


def hidden(
    image: Array, filled: Array, boxes: NDArray[np.int64], segments: Segments | None = None
) -> Array:
    """A batch of one image, each with another box filled; see `Hiding`."""
    batch = np.repeat(image[None], len(boxes), axis=0)
    for at, (occluded, window) in enumerate(zip(batch, slices_of(boxes), strict=True)):
        if segments is None:
            occluded[window] = filled[window]
        else:
            inside = segments.labels[window] == segments.numbers[at]
            np.copyto(occluded[window], filled[window], where=inside[..., None])
    return batch


def beside(others: Others, count: int) -> list[Array]:
    """What stands beside an image, one row for each of so many."""
    return [np.repeat(each[None], count, axis=0) for each in others]
