"""Blurred: without what is small."""

from collections.abc import Mapping

from tensorboard_picasso.summary.edits.base import View, WholeImage
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe import fills

# Of the longer side; the standard deviation of a Gaussian.
SIGMA = 1 / 16


class Blurred(WholeImage):
    """Blurred by a Gaussian whose standard deviation is 1/16 of the longer side."""

    name = "blurred"
    takes = "all that is small: shapes, edges, texture"

    @property
    def parameters(self) -> Mapping[str, str]:
        """See `WholeImage.parameters`."""
        return {"sigma": f"{SIGMA} of the longer side"}

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`."""
        brightness = view.probe.brightness
        values = brightness.before(view.image)
        return brightness.after(fills.blurred(values, SIGMA), view.image)
