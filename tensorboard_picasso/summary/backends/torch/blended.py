"""Scores of an image under many masks by a PyTorch module, blended where the module lies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tensorboard_picasso.summary.backends._common.sheets import planes_of
from tensorboard_picasso.summary.backends.base import Array, Blending
from tensorboard_picasso.summary.backends.torch.device import sent
from tensorboard_picasso.summary.backends.torch.models import home
from tensorboard_picasso.summary.backends.torch.sweep import Sweep


class Blended:
    """Blends batches of the size, and in the layout, that is fastest.

    Where the user's Python makes model inputs, they are blended in NumPy.
    """

    def __init__(self, sweep: Sweep, tensor: Callable[[Array], Any]) -> None:
        """Adapt a module.

        Args:
          sweep: of its windows, which runs batches of occluded images alike.
          tensor: from a batch of model inputs to what the module takes.
        """
        self._sweep, self._tensor = sweep, tensor

    def scores(self, blending: Blending) -> Array:
        """See `Adapter.blended_scores`."""
        image, count = blending.image, len(blending.masks)
        pair = np.stack([image, blending.filled])
        given = self._tensor(blending.model_input(pair))
        shape = tuple(given.shape[1:])
        make = None
        if blending.in_place and planes_of(image.shape, shape):
            make = _Making(blending, given)

        def batch(part: slice, last: bool) -> Any:
            if make is not None:
                return make(part, last)
            return self._tensor(blending.model_input(blending.viewed(part)))

        device, dtype = home(self._sweep.model)
        narrow = torch.is_autocast_enabled(device.type)
        kind = "blended", make is None, image.shape, image.dtype, shape, device, dtype, narrow
        first = make is not None and make.first
        return self._sweep.in_batches(kind, count, image.size, batch, first, blending.others)


class _Making:
    """Batches of blended images.

    Attributes:
      first: channels come before rows and columns.
    """

    def __init__(self, blending: Blending, pair: Any) -> None:
        height, width, channels = blending.image.shape
        self.first = tuple(pair.shape[1:]) == (channels, height, width)
        self._dtype = pair.dtype
        wide = torch.promote_types(pair.dtype, torch.float32)
        pair = pair.to(wide)
        # As (height, width, channels), whatever the module takes.
        self._flat = pair.ndim == 3
        pair = pair.movedim(1, 3) if self.first else pair[..., None] if self._flat else pair
        self._filled, self._change = pair[1], pair[0] - pair[1]

        masks, device = blending.masks, pair.device
        self._grids = sent(masks.grids, device, wide)
        self._rows, self._columns = (
            sent(each, device, wide) for each in (masks.rows, masks.columns)
        )
        self._rows = self._rows.unfold(0, height, 1)
        self._columns = self._columns.unfold(0, width, 1)
        self._starts = sent(masks.starts, device)

    def __call__(self, part: slice, last: bool) -> Any:
        """Some of them, in memory with their channels last where asked."""
        rows, columns = self._starts[part].unbind(1)
        masks = self._rows[rows].mT @ self._grids[part] @ self._columns[columns]
        filled, change = self._filled, self._change
        if self.first and not last:
            filled, change = filled.movedim(2, 0), change.movedim(2, 0)
            batch = torch.addcmul(filled[None], masks[:, None], change[None])
            batch = batch.contiguous()
        else:
            batch = torch.addcmul(filled[None], masks[..., None], change[None]).contiguous()
            batch = batch.movedim(3, 1) if self.first else batch[..., 0] if self._flat else batch
        return (batch if self._dtype.is_floating_point else batch.round()).to(self._dtype)
