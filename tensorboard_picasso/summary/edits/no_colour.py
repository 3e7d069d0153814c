"""Without colour: each pixel its luma."""

import numpy as np

from tensorboard_picasso.summary.edits.base import View, WholeImage
from tensorboard_picasso.summary.kit.images import Array

# Of red, green and blue (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


class NoColour(WholeImage):
    """Every pixel grey, as bright as it was: luma of RGB, of other images the channels' mean."""

    name = "no colour"
    takes = "colour: every pixel is as grey as it was bright"

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; alpha stays."""
        if view.image.shape[-1] == 1:
            return None
        brightness = view.probe.brightness
        values = brightness.before(view.image)
        colours = brightness.colours(view.image)
        weights = np.array(_LUMA) if colours == len(_LUMA) else np.full(colours, 1 / colours)
        values[..., :colours] = (values[..., :colours] @ weights)[..., None]
        return brightness.after(values, view.image)
