"""What arrives at a model's first normalization, beside what that holds of training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps

Array = NDArray[Any]

# A moving average that began at 0 and 1 is taken for one of training once less than this
# share of it is what it began with.
LEFT = 0.05


@dataclass(frozen=True, eq=False)
class Arrival:
    """Means and variances over a batch and its positions, (channels,), float64.

    layer: its name. images: how many. held_mean, held_variance: what it normalizes by. mean,
    variance: of what arrives.
    """

    layer: str
    images: int
    held_mean: Array
    held_variance: Array
    mean: Array
    variance: Array

    @classmethod
    def of(
        cls, layer: str, held_mean: Any, held_variance: Any, values: Any, axes: Sequence[int]
    ) -> "Arrival":
        """From values whose channels lie on these axes."""
        values = np.asarray(values, np.float64)
        over = tuple(
            axis for axis in range(values.ndim) if axis not in {each % values.ndim for each in axes}
        )
        with maps.quiet():
            mean, variance = values.mean(over).reshape(-1), values.var(over).reshape(-1)

        def wide(held: Any) -> Array:
            return np.broadcast_to(np.asarray(held, np.float64).reshape(-1), mean.shape)

        return cls(layer, len(values), wide(held_mean), wide(held_variance), mean, variance)

    @classmethod
    def joined(cls, several: Sequence["Arrival"]) -> "Arrival":
        """Of batches of one size, taken together."""
        means = np.stack([each.mean for each in several])
        with maps.quiet():
            mean = means.mean(0)
            variance = np.stack([each.variance for each in several]).mean(0) + means.var(0)
        first, images = several[0], sum(each.images for each in several)
        return cls(first.layer, images, first.held_mean, first.held_variance, mean, variance)


def fitted(
    mean: Any, variance: Any, momentum: float | None, updates: int | None, over: bool
) -> bool:
    """Whether moving averages tell of a training, and no longer of how they began.

    Args:
      mean, variance: the averages.
      momentum: what each update leaves of them; None where they are plain means.
      updates: how many there were; None where nobody counts them.
      over: whether training is over, so that they are taken for whole where nobody counts.
    """
    if not np.any(np.asarray(mean)) and np.all(np.asarray(variance) == 1):
        return False
    if updates is None:
        return over
    # Without updates they were read from a file: of a training that is over.
    return not updates or momentum is None or momentum**updates < LEFT
