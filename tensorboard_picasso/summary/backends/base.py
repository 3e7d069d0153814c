"""What a model must be able to do for the methods, whatever its framework."""

import abc
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.maps import Output

Array = NDArray[Any]
Function = Callable[[Any], Any]

# A batch of model inputs holds about this many numbers, and at most so many inputs.
BATCH_NUMBERS = 1 << 22
BATCH_INPUTS = 512
# A gradient keeps what every layer made of its batch.
GRADIENT_SHARE = 4


class UnsupportedError(TypeError):
    """The model cannot do what is asked: its type, and what is missing."""


def out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that failed, which says nothing of the model.

    Frameworks' errors are known by their names, without importing them.
    """
    names = ("ResourceExhaustedError", "OutOfMemoryError")
    return isinstance(error, MemoryError) or type(error).__name__ in names


def batches(count: int, numbers: int) -> Iterator[slice]:
    """Slices of `count` inputs that hold so many numbers each, one a batch."""
    size = max(1, min(BATCH_INPUTS, BATCH_NUMBERS // max(1, numbers)))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


class Backend(abc.ABC):
    """Adapts one model. Always in inference mode; leaves the model as it was.

    Attributes:
      name: the framework's.
      shown: what the framework shows of the scores, None where it does not;
        known after the first `scores`.
      behind: the scores are those before the model's final softmax or sigmoid,
        so that they stay exact where its probabilities round to 0 or 1.
      tracing_seconds: spent so far on what is not repeated.
    """

    name: ClassVar[str]
    shown: Output | None = None
    behind: bool = False
    tracing_seconds: float = 0.0

    @abc.abstractmethod
    def scores(self, x: Array) -> Array:
        """Raw scores of a batch of model inputs: float32 or float64, (n, classes).

        Raises:
          UnsupportedError: the model returns no single tensor.
        """

    @abc.abstractmethod
    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """Derivative of sum(cotangent * scores) by x, of x's shape, or by a layer's output.

        Log-odds, logits and probabilities are made outside, in NumPy: each is a
        cotangent, and no backend knows of them.

        Args:
          x: batch of model inputs; with `preprocess`, of what that is given.
          cotangent: (n, classes).
          layer: name of the layer whose output the derivative is taken by.
          preprocess: what the derivative passes through on its way to x; one
            for which `differentiates` is true.

        Raises:
          UnsupportedError: the model has no such gradient or layer.
        """

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """Whether the framework can differentiate through the user's `preprocess`.

        Args:
          preprocess: written in the framework, perhaps.
          given: a batch as it gets it.
          inputs: what it makes of that; of the framework's own tensors it must
            make the same.
        """
        return False

    def handles(self, x: Array) -> list[Any]:
        """What a graph that calls the backend on such inputs must order itself after."""
        return []

    def occluded_scores(
        self,
        image: Array,
        boxes: NDArray[np.int64],
        filled: Array,
        model_input: Callable[[Array], Array],
    ) -> Array:
        """Raw scores with each box of one viewed image filled, (boxes, classes).

        Args:
          image: (h, w, c).
          boxes: (boxes, 4): top, left, height, width, pixels. An empty box
            leaves the image whole.
          filled: (h, w, c), what a box is filled with.
          model_input: viewed batch to model inputs.
        """
        rows = []
        for chunk in batches(len(boxes), image.size):
            batch = np.repeat(image[None], chunk.stop - chunk.start, axis=0)
            for occluded, (top, left, height, width) in zip(batch, boxes[chunk], strict=True):
                window = np.s_[top : top + height, left : left + width]
                occluded[window] = filled[window]
            rows.append(self.scores(model_input(batch)))
        return np.concatenate(rows)
