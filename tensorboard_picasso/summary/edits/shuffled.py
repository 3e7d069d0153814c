"""Cut into squares, of volumes blocks, that change their places: without what the whole shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tensorboard_picasso.summary.edits.base import Variant, View, WholeImage
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.probe import Probe

SIDE = 4


class Shuffled(WholeImage):
    """Cut into 4×4 tiles, each put to another place; the image decides which, always the same.

    Of volumes into 4×4×4 blocks; of fewer than 4 slices into tiles that reach through all of them.
    """

    name = "shuffled 4×4"
    takes = "where things are, and shapes larger than a tile"

    @property
    def parameters(self) -> Mapping[str, str]:
        """See `WholeImage.parameters`."""
        return {"tiles": f"{SIDE}×{SIDE}"}

    def variants(self, probe: Probe) -> Sequence[Variant]:
        """See `Edit.variants`."""
        asked = super().variants(probe)
        if probe.depth(0) < SIDE:
            return asked
        blocks = {"tiles": "×".join([str(SIDE)] * 3)}
        return [replace(each, about=replace(each.about, parameters=blocks)) for each in asked]

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; slices, rows and columns that are left over stay."""
        *depth, height, width = view.image.shape[:-1]
        if min(height, width) < SIDE:
            return None
        edited = view.image.copy()
        counts = [SIDE if side >= SIDE else 1 for side in depth] + [SIDE, SIDE]
        extents = [
            side // count for side, count in zip((*depth, height, width), counts, strict=True)
        ]
        tiles = [
            tuple(
                slice(place * extent, (place + 1) * extent)
                for place, extent in zip(places, extents, strict=True)
            )
            for places in np.ndindex(*counts)
        ]
        order = np.random.default_rng(list(view.probe.hashes[view.index])).permutation(len(tiles))
        # Each tile goes where the next one of a random order was: none stays.
        for into, out in zip(order, np.roll(order, 1), strict=True):
            edited[tiles[into]] = view.image[tiles[out]]
        return edited
