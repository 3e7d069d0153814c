"""The aligner: where each image's pixels lie in the model's input, found once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.probe import alignment, marks
from tensorboard_picasso.summary.probe.alignment import Alignment, AlignmentError
from tensorboard_picasso.summary.probe.feed import Feed
from tensorboard_picasso.summary.probe.pictures import Pictures


class Aligner:
    """Finds alignments when they are first asked for.

    Attributes:
      given: whether the caller gave them.

    Raises:
      ValueError: what the caller gave are none.
    """

    def __init__(self, pictures: Pictures, feed: Feed, given: Any) -> None:
        self._pictures, self._feed, self.given = pictures, feed, given is not None
        if self.given and pictures.volumes:
            raise ValueError(
                "alignment= is of pictures, and the images are volumes: leave it out, as preprocess"
                " may not move voxels"
            )
        if self.given and feed.preprocess is None:
            raise ValueError(
                "alignment= without preprocess=: the model eats the images as they are"
            )
        self._matrices: NDArray[np.float64] | None = None
        if self.given:
            self._matrices = alignment.check(given, pictures.given)
        self._aligned: list[Alignment | AlignmentError | None] = [None] * len(pictures.images)

    def align(self, index: int) -> Alignment:
        """See `Probe.align`."""
        aligned = self._aligned[index]
        if aligned is None:
            try:
                aligned = self._find(index)
            except AlignmentError as e:
                aligned = e
            self._aligned[index] = aligned
        if isinstance(aligned, AlignmentError):
            raise aligned
        return aligned

    def unseen(self, index: int) -> NDArray[np.bool_] | None:
        """(height, width), true where the model never sees the pixel; None: not known, or none.

        It sees all of a volume, whose voxels stay where they are.
        """
        try:
            aligned = self.align(index)
        except AlignmentError:
            return None
        return aligned.bring_back(np.zeros(aligned.model))[1]

    def _find(self, index: int) -> Alignment:
        image, spatial = self._pictures.images[index], self._feed.spatial
        shape = self._pictures.sheet(index)
        if self._feed.preprocess is None:
            return alignment.same(shape)
        if self._matrices is not None:
            size = spatial(image[None]).shape
            return alignment.given(self._matrices[index], shape, (size[1], size[2]))
        spare = np.stack([np.zeros(image.shape[-1]), np.ones(image.shape[-1])])
        if self._pictures.volumes:
            marks.check_still(spatial, image, spare)
            return alignment.same(shape)
        for other in self._aligned:
            if (
                isinstance(other, Alignment)
                and other.viewed == shape
                and marks.agrees(other, spatial, image, spare)
            ):
                return other
        return marks.find(spatial, image, spare)
