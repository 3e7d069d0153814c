"""The ground below a map: the greys of stored pictures, or of their mean."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_picasso.numbers import palettes


def greys(pngs: Sequence[bytes], shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The greys of the mean of pictures, as the tab has them, (height, width).

    None where one is no PNG of the shape that its record says.
    """
    total = np.zeros((*shape, 4))
    for png in pngs:
        pixels = decoded(png, shape, "RGBA")
        if pixels is None:
            return None
        total += pixels
    return palettes.grey(np.floor(total / len(pngs) + 0.5).astype(np.uint8))


def decoded(png: bytes, shape: tuple[int, int], mode: str) -> NDArray[np.uint8] | None:
    """The pixels of a picture, (height, width, channels) of Pillow's mode, as `greys`."""
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as image:
            # Before anything is decoded: the picture itself is untrusted.
            if (image.height, image.width) != shape:
                return None
            return np.asarray(image.convert(mode))
    except (
        OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError,
        Image.DecompressionBombError,
    ):  # fmt: skip
        # What Pillow's readers raise of damaged files.
        return None
