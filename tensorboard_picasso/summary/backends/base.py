"""What a model must be able to do for the methods, whatever its framework."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.maps import Output

Array = NDArray[Any]

# A batch of model inputs holds about this many numbers, and at most so many images.
BATCH_NUMBERS = 1 << 22
BATCH_IMAGES = 512


class UnsupportedError(TypeError):
    """The model cannot do what is asked: its type, and what is missing."""


class Backend(abc.ABC):
    """Adapts one model. Always in inference mode; leaves the model as it was.

    shown: what the framework shows of the model's output, None where it does
      not, known after the first `scores`.
    behind: `scores` are those before a final sigmoid.
    """

    name: ClassVar[str]
    shown: Output | None = None
    behind: bool = False

    @abc.abstractmethod
    def scores(self, x: Array) -> Array:
        """Raw scores (n, classes) of a batch of model inputs."""

    @abc.abstractmethod
    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Callable[[Any], Any] | None = None,
    ) -> Array:
        """D sum(cotangent * scores) / dx, or with respect to a layer's output.

        Every score (log-odds, logit, probability) is made outside, in NumPy, by
        its `cotangent` (n, classes). With `preprocess`, x is a batch of viewed
        images and the gradient passes through it.

        Raises:
          UnsupportedError: the model or `preprocess` has no such gradient.
        """

    def variables(self) -> list[Any]:
        """The framework's variables, where a graph must order itself after them."""
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
          boxes: (boxes, 4): top, left, height, width, in pixels.
          filled: (h, w, c), what a box is filled with.
          model_input: viewed batch to model inputs.
        """
        size = max(1, min(BATCH_IMAGES, BATCH_NUMBERS // image.size, len(boxes)))
        rows = []
        for start in range(0, len(boxes), size):
            chunk = boxes[start : start + size]
            batch = np.repeat(image[None], len(chunk), axis=0)
            for occluded, (top, left, height, width) in zip(batch, chunk, strict=True):
                window = np.s_[top : top + height, left : left + width]
                occluded[window] = filled[window]
            rows.append(self.scores(model_input(batch)))
        return np.concatenate(rows)
