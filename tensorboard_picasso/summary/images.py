"""Images as people hold them, brought to viewed images: (height, width, channels)."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
Range = tuple[float, float]


def to_numpy(value: Any) -> Array:
    """An array of whatever holds numbers: arrays, framework tensors, images."""
    if isinstance(value, Image.Image):
        return _from_pil(value)
    if isinstance(value, str | os.PathLike):
        return _from_file(Path(value))
    detach = getattr(value, "detach", None)  # PyTorch: off the graph and the device first
    if callable(detach):
        value = value.detach().cpu()
    return np.asarray(value)


def _from_pil(image: Image.Image) -> Array:
    if image.mode in ("1", "P", "CMYK", "YCbCr", "LAB", "HSV"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    return np.asarray(image)


def _from_file(path: Path) -> Array:
    try:
        with Image.open(path) as image:
            return _from_pil(image)
    except OSError as e:
        raise ValueError(f"image {path} cannot be read: {e}") from e


def to_viewed(images: Any, data_format: str) -> list[Array]:
    """A list of viewed images (height, width, channels), integers or float32.

    Args:
      images: (n, h, w), (n, h, w, c) or, channels first, (n, c, h, w) numbers;
        or a sequence of images, which may differ in size.
      data_format: "channels_last" or "channels_first".

    Raises:
      ValueError: there are none, or one is not an image, with its shape.
    """
    single = isinstance(images, str | os.PathLike | Image.Image)
    if single:
        raise ValueError("images is one image: pass a list of images")
    batch = list(images) if isinstance(images, Sequence) else list(to_numpy(images))
    if not batch:
        raise ValueError("images is empty: pass at least one")
    return [_viewed(to_numpy(each), index, data_format) for index, each in enumerate(batch)]


def _viewed(image: Array, index: int, data_format: str) -> Array:
    if image.dtype == bool or not np.issubdtype(image.dtype, np.number):
        raise ValueError(f"image {index} has dtype {image.dtype}: pass integers or floats")
    if np.issubdtype(image.dtype, np.complexfloating):
        raise ValueError(f"image {index} has dtype {image.dtype}: pass integers or floats")
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.ndim == 3 and data_format == "channels_first":
        image = np.moveaxis(image, 0, -1)
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"image {index} has shape {image.shape}: pass (height, width, channels)")
    if np.issubdtype(image.dtype, np.floating):
        image = image.astype(np.float32)
        if not np.isfinite(image).all():
            raise ValueError(f"image {index} holds NaN or infinity")
    return np.ascontiguousarray(image)


class Values:
    """What the numbers of the viewed images say, and how they are shown.

    Args:
      images: viewed images.
      value_range: the numbers shown as black and white; default 0..255 for
        uint8, 0..65535 for uint16 and 0..1 for floats.
      normalized: (mean, std), each a number or one a channel, that were
        subtracted and divided by; the range is that before.

    Raises:
      ValueError: numbers outside the range, with the line to paste.
    """

    def __init__(self, images: Sequence[Array], value_range: Any, normalized: Any) -> None:
        self.mean, self.std = np.float64(0), np.float64(1)
        if normalized is not None:
            try:
                mean, std = (np.asarray(each, np.float64) for each in normalized)
            except (TypeError, ValueError) as e:
                raise ValueError(f"normalized={normalized!r}: pass (mean, std)") from e
            channels = images[0].shape[2]
            if mean.size not in (1, channels) or std.size not in (1, channels) or (std <= 0).any():
                raise ValueError(
                    f"normalized={normalized!r}: pass (mean, std), each a number or one for"
                    f" each of {channels} channels, std above 0"
                )
            self.mean, self.std = mean, std
        self.low, self.high = self._range(images, value_range, normalized is not None)

    def _range(self, images: Sequence[Array], value_range: Any, normalized: bool) -> Range:
        if value_range is not None:
            try:
                low, high = map(float, value_range)
            except (TypeError, ValueError) as e:
                raise ValueError(f"value_range={value_range!r}: pass (low, high)") from e
            if not low < high:
                raise ValueError(f"value_range={value_range!r}: low must be below high")
        elif np.issubdtype(images[0].dtype, np.integer):
            low, high = 0.0, 65535.0 if images[0].dtype.itemsize > 1 else 255.0
        else:
            low, high = 0.0, 1.0
        shown = [self.denormalized(image) for image in images]
        least = min(float(each.min()) for each in shown)
        most = max(float(each.max()) for each in shown)
        slack = 1e-3 * (high - low) + (0.02 * (high - low) if normalized else 0)
        if least < low - slack or most > high + slack:
            raise ValueError(self._remedy(least, most, normalized))
        return low, high

    @staticmethod
    def _remedy(least: float, most: float, normalized: bool) -> str:
        bounds: tuple[float, float]
        if least >= 0 and 1 < most <= 255:
            bounds = (0, 255)
        elif least >= -1 and most <= 1:
            bounds = (-1, 1)
        else:
            bounds = (float(f"{least:.3g}"), float(f"{most:.3g}"))
        span = f"{bounds[0]:g}..{bounds[1]:g}"
        paste = f"value_range=({bounds[0]:g}, {bounds[1]:g})"
        if normalized:
            return f"pixels span {span} after normalized= is undone: check it, or pass {paste}"
        other = " or normalized=(mean, std)" if least < 0 else ""
        return f"pixels span {span}: pass {paste}{other}"

    def denormalized(self, image: Array) -> Array:
        """The image before it was normalised, float64."""
        result: Array = image.astype(np.float64) * self.std + self.mean
        return result

    def fraction(self, image: Array) -> Array:
        """The image as shown, 0 black to 1 white."""
        return np.clip((self.denormalized(image) - self.low) / (self.high - self.low), 0, 1)

    def at(self, fraction: float, channels: int) -> Array:
        """The image's own value of a shown brightness, one a channel."""
        value = ((self.low + fraction * (self.high - self.low)) - self.mean) / self.std
        return np.broadcast_to(value, (channels,)).astype(np.float64)


def png(shown: Array) -> bytes:
    """PNG of an image of fractions (height, width, 1, 3 or 4)."""
    pixels = np.rint(shown * 255).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG")
    return stream.getvalue()
