"""As sharp as another image: detail of each fineness is as strong as there."""

import numpy as np

from tensorboard_picasso.summary.edits.base import SWAPPED, View, WholeImage
from tensorboard_picasso.summary.edits.blurred import SIGMA
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe import fills

# In pixels, the standard deviation of the Gaussian that takes away the finest; each next one is
# twice as broad, up to that of `Blurred`.
_FINEST = 0.7


class DonorSharpness(WholeImage):
    """Detail of each fineness has the spread that it has in its donor."""

    name = "donor's sharpness"
    takes = "how sharp it is: fine detail is as strong as in another image, its donor"
    form = SWAPPED

    def edited(self, view: View) -> Array | None:
        """See `WholeImage.edited`; alpha stays."""
        if view.other is None:
            return None
        brightness = view.probe.brightness
        colours = brightness.colours(view.image)
        values = brightness.before(view.image)
        other = brightness.before(view.other)[..., :colours]
        *details, rest = _bands(values[..., :colours])
        for detail, wanted in zip(details, _bands(other), strict=False):
            rest = rest + detail * _scale(detail, wanted)
        values[..., :colours] = rest
        return brightness.after(values, view.image)


def _bands(values: Array) -> list[Array]:
    """What is fine, what is less so, …, and the rest; their sum is the image."""
    side = max(values.shape[:-1])
    bands, sigma = [], _FINEST
    while sigma < SIGMA * side:
        smooth = fills.blurred(values, sigma / side)
        bands.append(values - smooth)
        values, sigma = smooth, 2 * sigma
    return [*bands, values]


def _scale(detail: Array, wanted: Array) -> Array:
    """What makes each channel's spread another one; 1 where it is flat and has none to be changed."""
    places = tuple(range(detail.ndim - 1))
    own = detail.std(places)
    flat = own <= 1e-9
    made: Array = np.where(flat, 1.0, wanted.std(places) / np.where(flat, 1.0, own))
    return made
