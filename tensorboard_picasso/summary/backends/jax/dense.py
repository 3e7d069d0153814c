"""Batches of occluded images, made on the device where a JAX model's arrays lie."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends._common.memory import Halving
from tensorboard_picasso.summary.backends._common.sheets import planes_of
from tensorboard_picasso.summary.backends._common.sweep import alike
from tensorboard_picasso.summary.backends.base import Array, Question, Room, Windows


def swept(
    windows: Windows,
    device: Any,
    room: Room,
    halving: Halving,
    scores: Callable[[Question], Array],
    otherwise: Callable[[Windows], list[Array]],
) -> list[Array]:
    """Scores of all windows, image by image.

    Args:
      windows: of images of any shapes.
      device: as of `device.home`.
      room, halving: of the adapter. scores: as it has them.
      otherwise: scores windows of images that cannot be made so.
    """
    results: list[Any] = [None] * len(windows.hidings)
    for group in alike(windows.hidings, whole=True):
        some = replace(windows, hidings=[windows.hidings[each] for each in group])
        made = Placed(some, device)
        found = _scored(made, some, room, halving, scores) if made.fits else otherwise(some)
        for at, each in zip(group, found, strict=True):
            results[at] = each
    return results


def _scored(
    made: "Placed",
    windows: Windows,
    room: Room,
    halving: Halving,
    scores: Callable[[Question], Array],
) -> list[Array]:
    """Those of images of one shape, in batches."""
    image = windows.hidings[0].image
    most = max(1, min(room.inputs, room.plain // max(1, image.size)))
    most = 1 << (most.bit_length() - 1)  # each size is compiled

    def run(part: slice) -> Array:
        count = part.stop - part.start
        batch = made.batch(part, 1 << (count - 1).bit_length())
        return scores(Question(batch, windows.others))[:count]

    kind = "placed", image.shape, image.dtype
    return made.split(halving.run(kind, made.count, run, most))


class Placed:
    """Number by number of an image or of what fills it; nothing but them is sent.

    Attributes:
      count: windows of all images. fits: the model's inputs are images in another order of
        axes at most; else batches cannot be made so.
    """

    def __init__(self, windows: Windows, device: Any) -> None:
        """Send images of one shape.

        Args:
          windows: all windows of them.
          device: as of `device.home`.
        """
        import jax

        hidings = windows.hidings
        shape = hidings[0].image.shape
        counts = [len(each.boxes) for each in hidings]
        self.count = sum(counts)
        self._ends = np.cumsum(counts)[:-1]
        self._each = [
            np.repeat(np.arange(len(hidings), dtype=np.int32), counts),
            np.concatenate([each.boxes for each in hidings]).astype(np.int32),
        ]
        self._labels: list[Any] = []
        if segments := [each.segments for each in hidings if each.segments is not None]:
            self._each.append(np.concatenate([each.numbers for each in segments]))
            labels = np.stack([each.labels for each in segments])
            self._labels = [jax.device_put(labels, device)]
        stacks = [each.image for each in hidings], [each.filled for each in hidings]
        given = [windows.model_input(np.stack(stack)) for stack in stacks]
        self.fits = bool(planes_of(shape, given[0].shape[1:]))
        first = given[0].shape[1:] == (shape[-1], *shape[:-1])
        self._axes = tuple(range(1 + first, len(shape) + first))
        self._device = device
        self._pair = [jax.device_put(each, device) for each in given] if self.fits else []

    def batch(self, part: slice, size: int) -> Any:
        """Some of the windows, the last of them repeated up to a size."""
        import jax

        rows = np.minimum(np.arange(part.start, part.start + size), part.stop - 1)
        sent = (jax.device_put(each[rows], self._device) for each in self._each)
        return _placing(self._axes)(*self._pair, *sent, *self._labels)

    def split(self, rows: Array) -> list[Array]:
        """One row a window, as those of each image."""
        return np.split(rows, self._ends)


@functools.cache
def _placing(axes: tuple[int, ...]) -> Any:
    """Compiled once for shapes: from images, what fills them, which of them and boxes to a batch."""
    import jax
    from jax import numpy as jnp

    def placed(
        images: Any, filled: Any, which: Any, boxes: Any, numbers: Any = None, labels: Any = None
    ) -> Any:
        shape = (len(which), *images.shape[1:])
        inside = jnp.ones((), bool)
        starts, sides = boxes.T[: len(axes)], boxes.T[len(axes) :]
        for axis, low, extent in zip(axes, starts, sides, strict=True):
            places = jnp.arange(shape[axis]).reshape(
                [-1 if at == axis else 1 for at in range(len(shape))]
            )
            lows = low.reshape(-1, *[1] * (len(shape) - 1))
            highs = (low + extent).reshape(lows.shape)
            inside = inside & (places >= lows) & (places < highs)
        if labels is not None:
            own = labels[which] == numbers.reshape(-1, *[1] * len(axes))
            extra = [axis for axis in range(1, len(shape)) if axis not in axes]
            inside = inside & jnp.expand_dims(own, extra)
        return jnp.where(inside, filled[which], images[which])

    return jax.jit(placed)
