"""Mirrored: left is right."""

from tensorboard_picasso.summary.edits.base import View, WholeImage
from tensorboard_picasso.summary.kit.images import Array


class Mirrored(WholeImage):
    """Left and right are exchanged."""

    name = "mirrored"
    takes = "which side is left"

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`."""
        return view.image[..., ::-1, :]
