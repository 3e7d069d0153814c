"""Feeds: what a model is given of images, and the layout that it has there."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit import images
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe import datasets
from tensorboard_picasso.summary.probe.alignment import AlignmentError, MovedError
from tensorboard_picasso.summary.probe.pictures import Pictures


class Feed:
    """From viewed images to model inputs.

    Attributes:
      preprocess: the user's, from images as handed in to model inputs, or None.

    Raises:
      ValueError: images of several sizes, and nothing that brings them to one.
    """

    def __init__(self, pictures: Pictures, preprocess: Callable[[Any], Any] | None) -> None:
        self.preprocess, self._pictures = preprocess, pictures
        sizes = set(pictures.shapes)
        if len(sizes) > 1 and preprocess is None:
            raise ValueError(
                f"images have {len(sizes)} sizes: pass preprocess= that brings them to one"
            )

    def raw_batch(self, batch: Array) -> Array:
        """A viewed batch in the layout in which the images were handed in.

        Args:
          batch: (n, height, width, channels), or volumes, of one image's size.

        Returns:
          The same values: channels first where `data_format` says so, without
          the channel axis where the images came without.
        """
        if self._pictures.flat:
            return batch[..., 0]
        if self._pictures.data_format == "channels_first":
            return np.ascontiguousarray(np.moveaxis(batch, -1, 1))
        return batch

    @property
    def gives_channels_last(self) -> bool:
        """Whether the model is given the images themselves, with their channels last."""
        plain = self.preprocess is None and not self._pictures.flat
        return plain and self._pictures.data_format == "channels_last"

    def model_input(self, batch: Array) -> Array:
        """What the model eats of a viewed batch (n, height, width, channels), or of volumes.

        Returns:
          (n, …) array: the output of `preprocess`, or `raw_batch` without it.

        Raises:
          TypeError, ValueError: `preprocess` gives no batch of as many inputs.
        """
        return self.preprocessed(self.raw_batch(batch))

    def preprocessed(self, raw: Array) -> Array:
        """What the model eats of a batch in the layout of the images as handed in.

        Raises:
          TypeError, ValueError: as `model_input`.
        """
        if self.preprocess is None:
            return raw
        # A copy: preprocessing in place is common, and the batch is used again.
        given = datasets.tensor(np.array(raw)) if self._pictures.tensors else np.array(raw)
        inputs = images.to_numpy(self.preprocess(given), "output of preprocess")
        if inputs.dtype.kind not in "biuf":
            raise TypeError(f"preprocess returns dtype {inputs.dtype}: return numbers")
        if inputs.ndim < 2 or len(inputs) != len(raw):
            raise ValueError(
                f"preprocess returns shape {inputs.shape} for a batch of {len(raw)}:"
                " it takes a batch and returns one of the same size"
            )
        return inputs

    def channels_last(self, values: Array) -> Array:
        """A batch in the layout of the model's inputs as (n, height, width, channels).

        Of volumes (n, depth, height, width, channels).

        Args:
          values: (n, …), model inputs or gradients of them.

        Raises:
          AlignmentError: they have no height and width.
        """
        axes = 2 + len(self._pictures.shapes[0])
        if values.ndim == 2:
            values = self._unflattened(values)
        if values.ndim == axes - 1:
            return values[..., None]
        if values.ndim != axes:
            refused = MovedError if self._pictures.volumes else AlignmentError
            raise refused(f"returns shape {values.shape[1:]} for an image")
        first = self._pictures.data_format == "channels_first"
        if self.preprocess is not None:
            # It may change the layout too: few channels beside many pixels tell.
            few = max(images.SHOWN)
            if first and values.shape[1] > few >= values.shape[-1]:
                first = False
            elif not first and values.shape[-1] > few >= values.shape[1]:
                first = True
        return np.moveaxis(values, 1, -1) if first else values

    def _unflattened(self, values: Array) -> Array:
        """Inputs (n, numbers) of a `preprocess` that only flattens, in their images' layout."""
        for image in self._pictures.images:
            shape = self.raw_batch(image[None]).shape[1:]
            if values.shape[1] == np.prod(shape):
                return values.reshape(len(values), *shape)
        return values

    def spatial(self, batch: Array) -> Array:
        """What the model eats of a viewed batch, in the layout of `channels_last`.

        Raises:
          TypeError, ValueError: as `model_input`.
          AlignmentError: it has no height and width.
        """
        return self.channels_last(self.model_input(batch))
