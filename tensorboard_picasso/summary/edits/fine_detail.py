"""Fine detail only: without what is large."""

from collections.abc import Mapping

from tensorboard_picasso.summary.edits.base import View, WholeImage
from tensorboard_picasso.summary.edits.blurred import SIGMA
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe import fills


class FineDetail(WholeImage):
    """What blurring takes away, around the image's mean colour."""

    name = "fine detail only"
    takes = "all that is large: light, colours of areas, broad shapes"

    @property
    def parameters(self) -> Mapping[str, str]:
        """See `WholeImage.parameters`."""
        return {"sigma": f"{SIGMA} of the longer side"}

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; alpha stays."""
        brightness = view.probe.brightness
        values = brightness.before(view.image)
        colours = brightness.colours(view.image)
        seen = values[..., :colours]
        mean = seen.mean(tuple(range(seen.ndim - 1)))
        values[..., :colours] = seen - fills.blurred(seen, SIGMA) + mean
        return brightness.after(values, view.image)
