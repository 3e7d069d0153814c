"""In another day's light: the mean and spread of each channel are another image's."""

import numpy as np

from tensorboard_picasso.summary.edits.base import SWAPPED, View, WholeImage
from tensorboard_picasso.summary.kit.images import Array


class DonorColours(WholeImage):
    """Each channel's mean and standard deviation are those of its donor."""

    name = "donor's colours"
    takes = "its own light and colours: they are those of another image, its donor"
    form = SWAPPED

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; alpha stays."""
        if view.other is None:
            return None
        brightness = view.probe.brightness
        values, other = (brightness.before(each) for each in (view.image, view.other))
        colours, places = brightness.colours(view.image), tuple(range(values.ndim - 1))
        (mean, spread), (new_mean, new_spread) = (
            (each[..., :colours].mean(places), each[..., :colours].std(places))
            for each in (values, other)
        )
        # What is flat has no contrast that could be made another.
        flat = spread <= 1e-9 * np.abs(values).max(initial=1e-9)
        scale = np.where(flat, 1.0, new_spread / np.where(flat, 1.0, spread))
        values[..., :colours] = (values[..., :colours] - mean) * scale + new_mean
        return brightness.after(values, view.image)
