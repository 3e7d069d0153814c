"""Cut into squares that change their places: without what the whole shows."""

from collections.abc import Mapping

import numpy as np

from tensorboard_picasso.summary.edits.base import View, WholeImage
from tensorboard_picasso.summary.kit.images import Array

SIDE = 4


class Shuffled(WholeImage):
    """Cut into 4×4 tiles, each put to another place; the image decides which, always the same."""

    name = "shuffled 4×4"
    takes = "where things are, and shapes larger than a tile"

    @property
    def parameters(self) -> Mapping[str, str]:
        """See `WholeImage.parameters`."""
        return {"tiles": f"{SIDE}×{SIDE}"}

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; rows and columns that are left over stay."""
        height, width = view.image.shape[0] // SIDE, view.image.shape[1] // SIDE
        if not (height and width):
            return None
        edited = view.image.copy()
        places = [(row * height, column * width) for row in range(SIDE) for column in range(SIDE)]
        order = np.random.default_rng(list(view.probe.hashes[view.index])).permutation(len(places))
        # Each tile goes where the next one of a random order was: none stays.
        for into, out in zip(order, np.roll(order, 1), strict=True):
            (top, left), (y, x) = places[into], places[out]
            tile = view.image[y : y + height, x : x + width]
            edited[top : top + height, left : left + width] = tile
        return edited
