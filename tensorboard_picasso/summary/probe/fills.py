"""What hides a part of an image. A fill is a counterfactual, not absence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.brightness import Brightness

Fill = str | float | tuple[float, ...]

# Names of fills, and what legends call them.
FILLS = {
    "mean": "image mean",
    "grey": "grey",
    "black": "black",
    "white": "white",
    "blur": "blurred image",
    "noise": "noise",
}
_SHOWN = {"black": 0.0, "grey": 0.5, "white": 1.0}

# Hides no pixel: a vision transformer is not given the tokens of what is hidden.
DROPPED = "dropped tokens"

# Standard deviation of the blur as a share of the longest side: 10 pixels at 224,
# as Fong & Vedaldi 2017 (arXiv 1704.03296) took it.
_BLUR = 10 / 224


def plain(fill: Any) -> Fill:
    """A fill as a name, a number or a tuple of numbers, before any image is known.

    Raises:
      ValueError: it is none of these.
    """
    if isinstance(fill, str):
        if fill == DROPPED:
            raise ValueError(
                f"fill {fill!r} hides windows of Occlusion alone: pass fill='mean' or another"
            )
        if fill not in FILLS:
            known = ", ".join(map(repr, FILLS))
            raise ValueError(f"fill {fill!r} is unknown: pass {known} or a number")
        return fill
    try:
        values = np.asarray(fill, np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"fill {fill!r} is neither a name nor a number") from e
    if values.ndim > 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"fill {fill!r}: pass a finite number, or one for each channel")
    return float(values) if values.ndim == 0 else tuple(values.tolist())


def check(fill: Any, channels: int, dtype: np.dtype[Any] | None = None) -> Fill:
    """A fill in its plain form, for images of this kind.

    Args:
      fill: "mean" (the image's, one a channel), "grey", "black", "white" (as
        shown), "blur", "noise", or a number or one a channel in the image's
        own values.
      channels: of the images.
      dtype: of the images; integers hold no other fill than one of theirs.

    Raises:
      ValueError: anything else.
    """
    known = plain(fill)
    if isinstance(known, str):
        return known
    if isinstance(known, tuple) and len(known) != channels:
        raise ValueError(
            f"fill {fill!r}: pass a finite number, or one for each of {channels} channels"
        )
    if dtype is not None and dtype.kind != "f":
        limits = np.iinfo(dtype)
        values = np.asarray(known)
        held = (values == np.rint(values)) & (values >= limits.min) & (values <= limits.max)
        if not held.all():
            raise ValueError(
                f"fill {fill!r} is no value of {dtype} images: pass whole numbers of"
                f" {limits.min} to {limits.max}"
            )
    return known


def check_all(fills: Any, channels: int, dtype: np.dtype[Any] | None = None) -> tuple[Fill, ...]:
    """One fill (a name or a number) or a sequence of fills, as a tuple without repeats."""
    several = isinstance(fills, Sequence) and not isinstance(fills, str)
    checked = tuple(check(fill, channels, dtype) for fill in (fills if several else (fills,)))
    if not checked:
        raise ValueError("region_fill is empty: pass at least one fill")
    return tuple(dict.fromkeys(checked))


def name(fill: Fill) -> str:
    """The fill's name in legends, such as "image mean" or "value 0.5"."""
    if isinstance(fill, str):
        return FILLS[fill]
    values = fill if isinstance(fill, tuple) else (fill,)
    return "value " + ", ".join(f"{value:g}" for value in values)


def filled(image: Array, fill: Fill, brightness: Brightness, seed: bytes) -> Array:
    """The whole image replaced by its fill: same shape and dtype.

    Args:
      image: (height, width, channels), or a volume.
      fill: as `check` gives it.
      brightness: says which values are black and white.
      seed: of the noise, which is uniform between each channel's extremes.
    """
    channels, places = image.shape[-1], tuple(range(image.ndim - 1))
    if fill == "blur":
        values = blurred(image, _BLUR)
    elif fill == "noise":
        random = np.random.default_rng(list(seed)).random(image.shape)
        low, high = (np.asarray(f(image, places), np.float64) for f in (np.min, np.max))
        values = low + random * (high - low)
    elif fill == "mean":
        values = image.mean(places, dtype=np.float64)
    elif isinstance(fill, str):
        values = brightness.value(_SHOWN[fill], channels)
    else:
        values = np.asarray(fill, np.float64)
    values = np.broadcast_to(values, image.shape)
    if image.dtype.kind != "f":
        limits = np.iinfo(image.dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(image.dtype)


def blurred(image: Array, share: float) -> Array:
    """An image (height, width, channels), or a volume, blurred by a Gaussian: float64.

    share: its standard deviation, of the longest side. Beyond the edge there is nothing.
    """
    sigma = share * max(image.shape[:-1])
    result = image.astype(np.float64)
    for axis, side in enumerate(image.shape[:-1]):
        result = np.moveaxis(np.tensordot(_gaussian(side, sigma), result, (1, axis)), 0, axis)
    return result


def _gaussian(side: int, sigma: float) -> Array:
    """(side, side) weights that sum to 1 in each row: beyond the edge there is nothing."""
    distance = np.subtract.outer(np.arange(side), np.arange(side))
    weight = np.exp(-0.5 * (distance / sigma) ** 2)
    result: Array = weight / weight.sum(1, keepdims=True)
    return result
