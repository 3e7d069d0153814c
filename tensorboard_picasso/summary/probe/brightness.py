"""What the numbers of the viewed images say: which are black, which white."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit.images import Array

# What can be done about a picture that is only shown.
_SCREEN = "pass display= in 0..1 (floats) or 0..255 (uint8)"


class Brightness:
    """How an image's own values become shown ones, 0 black to 1 white, and back.

    Args:
      images: viewed images (height, width, channels), or volumes, all of one dtype.
      value_range: (low, high), the values shown as black and white; default
        0..255 for integers and 0..1 for floats. With `normalized` it is that
        before normalising.
      normalized: (mean, std), each a number or one a channel, that were
        subtracted and divided by.
      what: name in errors. own: whether these are the probe's images, of which the
        other arguments speak, or pictures to show in their place.
      shown: whether the images themselves are shown; if not, an unknown range is
        no error until black or white is asked for.

    Raises:
      ValueError: values outside the range, with the line to paste.
    """

    def __init__(
        self,
        images: Sequence[Array],
        value_range: Any = None,
        normalized: Any = None,
        what: str = "pixels",
        own: bool = True,
        shown: bool = True,
    ) -> None:
        self._images = images
        self._what = what
        self._own = own
        self._mean, self._std = _mean_std(normalized, images[0])
        self._normalized = normalized is not None
        given = None if value_range is None else _pair(value_range)
        try:
            self._range: tuple[float, float] | None = self._checked(given)
        except ValueError:
            if shown or given is not None:
                raise
            self._range = None

    def _checked(self, given: tuple[float, float] | None) -> tuple[float, float]:
        places = tuple(range(self._images[0].ndim - 1))
        spans = [self.before(np.stack([e.min(places), e.max(places)])) for e in self._images]
        least = min(float(span.min()) for span in spans)
        most = max(float(span.max()) for span in spans)
        dtype = self._images[0].dtype
        if given is not None:
            low, high = given
        elif dtype.kind == "f":
            low, high = 0.0, 1.0
        elif dtype.itemsize == 2 or least < 0:
            low = -_above(-least) - 1 if least < 0 else 0
            instead = "pass display= (what to show instead) or"
            raise ValueError(
                f"{self._what} are {dtype} and span {least:.6g}..{most:.6g}: "
                + (f"{instead} value_range=({low}, {_above(most)})" if self._own else _SCREEN)
            )
        else:
            low, high = 0.0, 255.0
            if most == 1:
                raise ValueError(f"{self._what} span 0..1 in {dtype}: pass value_range=(0, 1)")
        # Rounding in a resize or in undoing the normalisation is no reason to stop.
        slack = (0.02 if self._normalized else 1e-3) * (high - low)
        if least < low - slack or most > high + slack:
            raise ValueError(self._remedy(least, most))
        return low, high

    def _remedy(self, least: float, most: float) -> str:
        if least >= 0 and 16 < most <= 255:
            bounds = (0.0, 255.0)
        elif -1 <= least < 0 and most <= 1:
            bounds = (-1.0, 1.0)
        else:
            bounds = (min(least, 0.0), max(most, 1.0))
        span = f"{self._what} span {least:.3g}..{most:.3g}"
        if not self._own:
            # value_range= and normalized= speak of the images, not of what is shown instead.
            return f"{span}: {_SCREEN}"
        paste = f"pass value_range=({bounds[0]:.6g}, {bounds[1]:.6g})"
        if self._normalized:
            return f"{span} once normalized= is undone: check mean and std, or {paste}"
        if least >= 0:
            return f"{span}: {paste}"
        # As a rule a mean was subtracted: then black and white are where these were.
        normal = "pass normalized=(mean, std), by which they were normalised"
        return f"{span}: {normal}, or {paste.removeprefix('pass ')}"

    def before(self, values: Array) -> Array:
        """Values as they were before they were normalised: float64, same shape."""
        result: Array = values.astype(np.float64) * self._std + self._mean
        return result

    def after(self, values: Array, like: Array) -> Array:
        """The same as an image's own, of its dtype, within black and white or what it has itself."""
        own = self.before(like)
        low, high = (own.min(), own.max()) if self._range is None else self._range
        made = np.clip(values, min(low, own.min()), max(high, own.max()))
        made = (made - self._mean) / self._std
        if like.dtype.kind != "f":
            limits = np.iinfo(like.dtype)
            made = np.clip(np.rint(made), limits.min, limits.max)
        result: Array = made.astype(like.dtype)
        return result

    @property
    def known(self) -> bool:
        """Whether it is known which values are black and white."""
        return self._range is not None

    @staticmethod
    def colours(image: Array) -> int:
        """How many channels are no alpha."""
        return 3 if image.shape[-1] == 4 else int(image.shape[-1])

    @property
    def span(self) -> float:
        """From black to white in the images' own values, the least of all channels; where that is unknown, of the first image."""
        values = self.before(self._images[0])
        low, high = (values.min(), values.max()) if self._range is None else self._range
        return float((high - low) / np.max(self._std))

    def shown(self, image: Array) -> Array:
        """The image as shown: float64 in 0..1, same shape."""
        low, high = self._known()
        return np.clip((self.before(image) - low) / (high - low), 0, 1)

    def value(self, fraction: float, channels: int) -> Array:
        """The image's own values of a shown brightness, (channels,); alpha stays opaque."""
        low, high = self._known()
        fractions = np.full(channels, fraction)
        if channels == 4:
            fractions[3] = 1
        result: Array = (low + fractions * (high - low) - self._mean) / self._std
        return result

    def _known(self) -> tuple[float, float]:
        if self._range is None:
            raise ValueError(
                "black and white are unknown where display= is shown: pass value_range=(low, high)"
            )
        return self._range


def _above(most: float) -> int:
    return int(2 ** np.ceil(np.log2(max(most, 255) + 1))) - 1


def _pair(value_range: Any) -> tuple[float, float]:
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError) as e:
        raise ValueError(f"value_range={value_range!r}: pass (low, high)") from e
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(f"value_range={value_range!r}: low must be below high")
    return low, high


def _mean_std(normalized: Any, image: Array) -> tuple[Array, Array]:
    if normalized is None:
        return np.zeros(()), np.ones(())
    channels = image.shape[-1]
    if image.dtype.kind != "f":
        raise ValueError(f"normalized= is for floats, and images are {image.dtype}: leave it out")
    try:
        mean, std = (np.asarray(each, np.float64).reshape(-1) for each in normalized)
    except (TypeError, ValueError) as e:
        raise ValueError(f"normalized={normalized!r}: pass (mean, std)") from e
    sizes = {1, channels}
    if not {mean.size, std.size} <= sizes or not (std > 0).all() or not np.isfinite(mean).all():
        raise ValueError(
            f"normalized={normalized!r}: pass (mean, std), each a number or one for each of"
            f" {channels} channels, std above 0"
        )
    return mean, std
