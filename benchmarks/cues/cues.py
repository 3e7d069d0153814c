"""Eight kinds of cue that may tell a picture's class, where each lies, and which edits ask about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.cues.sets import CLASSES, Pictures

Array = NDArray[Any]
Random = np.random.Generator

COLOURS = np.array([[0.85, 0.25, 0.25], [0.25, 0.75, 0.25], [0.25, 0.35, 0.9]])
# Of sides of 28 to 32 pixels.
SWATCH, MARK, STRIP, FRAME = 4, 9, 4, 2


@dataclass(frozen=True)
class Cue:
    """A kind of cue, of as many values as there are classes.

    Which edits are its own was decided before any network was trained.

    Attributes:
      says: what it is.
      draw: paints values on images in place; (images, objects, values, random).
      mask: where it is or may be, for the region's mask of each image; None: it is no region. It
        draws from `random` as `draw` does.
      region: its name.
      swapped, hidden: the edits that ask about it, where it is named as a region.
      unnamed: edits of the default list that cover it, which ask where nobody named it.
    """

    says: str
    draw: Callable[[Array, Array, Array, Random], None]
    mask: Callable[[Array, Random], Array] | None = None
    region: str = ""
    swapped: str = ""
    hidden: str = ""
    unnamed: Sequence[str] = ()


def planted(
    cue: Cue | None, pictures: Pictures, values: Array, seed: int
) -> tuple[Array, Array | None]:
    """Pictures with a cue, and its region.

    Args:
      cue: None: no cue.
      values: (n,), of it.
      seed: of all else, such as its place: for other values the same.

    Returns:
      Images (n, side, side, 3) float32 and masks (n, side, side), None where it is no region.
    """
    images = pictures.images.copy()
    if cue is None:
        return images, None
    cue.draw(images, pictures.objects, values, np.random.default_rng(seed))
    masks = masks_of(cue, pictures, seed)
    return images.clip(0, 1).astype(np.float32), masks


def masks_of(cue: Cue, pictures: Pictures, seed: int) -> Array | None:
    """Where a cue of this seed lies or would lie."""
    return None if cue.mask is None else cue.mask(pictures.objects, np.random.default_rng(seed))


def values_of(labels: Array, correlation: float, seed: int) -> Array:
    """Values of a cue: the label with a probability of `correlation`, else any of the classes."""
    random = np.random.default_rng(seed)
    told = random.random(len(labels)) < correlation
    return np.where(told, labels, random.integers(0, CLASSES, len(labels)))


def _corners(objects: Array, random: Random) -> Array:
    masks = np.zeros(objects.shape, bool)
    far = objects.shape[1] - SWATCH
    for mask, (top, left) in zip(masks, random.choice([0, far], (len(masks), 2)), strict=True):
        mask[top : top + SWATCH, left : left + SWATCH] = True
    return masks


def _swatch(images: Array, objects: Array, values: Array, random: Random) -> None:
    masks = _corners(objects, random)
    images[:] = np.where(masks[..., None], COLOURS[values][:, None, None], images)


def _places(objects: Array, random: Random) -> Array:
    return random.integers(0, objects.shape[1] - MARK + 1, (len(objects), 2))


def _anywhere(objects: Array, random: Random) -> Array:
    masks = np.zeros(objects.shape, bool)
    for mask, (top, left) in zip(masks, _places(objects, random), strict=True):
        mask[top : top + MARK, left : left + MARK] = True
    return masks


def _glyphs() -> Array:
    """A dash along, a dash across, and a ring."""
    y, x = np.mgrid[0:MARK, 0:MARK] - MARK // 2
    ring = np.maximum(abs(x), abs(y)) >= MARK // 2 - 1
    return np.stack([abs(y) < 3, abs(x) < 3, ring])


def _watermark(images: Array, objects: Array, values: Array, random: Random) -> None:
    glyphs = _glyphs()
    for image, (top, left), value in zip(images, _places(objects, random), values, strict=True):
        place = image[top : top + MARK, left : left + MARK]
        place[glyphs[value]] = 0.1 * place[glyphs[value]] + 0.9 * COLOURS[value]


def _strip(objects: Array, random: Random) -> Array:
    masks = np.zeros(objects.shape, bool)
    masks[:, :, :STRIP] = True
    return masks


def _bar(images: Array, objects: Array, values: Array, random: Random) -> None:
    side = images.shape[1]
    tall = side // 4
    shift = random.integers(0, side // 3 - tall + 1, len(images))
    for image, value, by in zip(images, values, shift, strict=True):
        top = value * side // 3 + by
        image[top : top + tall, 1 : STRIP - 1] = (0.95, 0.9, 0.6)


def _edge(objects: Array, random: Random) -> Array:
    masks = np.ones(objects.shape, bool)
    masks[:, FRAME:-FRAME, FRAME:-FRAME] = False
    return masks


def _border(images: Array, objects: Array, values: Array, random: Random) -> None:
    shades = 0.8 * COLOURS[values] + random.uniform(0, 0.2, (len(images), 1))
    images[:] = np.where(_edge(objects, random)[..., None], shades[:, None, None], images)


def _tint(images: Array, objects: Array, values: Array, random: Random) -> None:
    gains = 1 + 0.35 * (COLOURS[values] - COLOURS.mean()) + random.normal(0, 0.03, (len(images), 3))
    images *= gains[:, None, None]


def _brightness(images: Array, objects: Array, values: Array, random: Random) -> None:
    gains = np.array([0.5, 0.75, 1.0])[values] * random.uniform(0.95, 1.05, len(images))
    images *= gains[:, None, None, None]


def _background(objects: Array, random: Random) -> Array:
    return ~objects


def _texture(images: Array, objects: Array, values: Array, random: Random) -> None:
    """Stripes along, stripes across, and checks, of four pixels, at any phase."""
    y, x = np.mgrid[0 : images.shape[1], 0 : images.shape[1]]
    for image, thing, value, phase in zip(
        images, objects, values, random.integers(0, 4, (len(images), 2)), strict=True
    ):
        rows, columns = ((at + by) // 2 % 2 for at, by in zip((y, x), phase, strict=True))
        pattern = (rows, columns, (rows + columns) % 2)[value] - 0.5
        image[:] = image + 0.24 * (pattern * ~thing)[..., None]


def _sharpness(images: Array, objects: Array, values: Array, random: Random) -> None:
    for image, value in zip(images, values, strict=True):
        sigma = (0, 0.8, 1.6)[value]
        image[:] = ndimage.gaussian_filter(image, (sigma, sigma, 0))


def _part(region: str, *unnamed: str) -> dict[str, Any]:
    forms = {form: f"{region}, {form}" for form in ("swapped", "hidden")}
    return {"region": region, **forms, "unnamed": unnamed}


KINDS = {
    "swatch": Cue(
        "a square in a random corner, its colour",
        _swatch,
        _corners,
        **_part("swatch", "corners, swapped", "corners, hidden"),
    ),
    # No edit of the default list lies where a mark may be anywhere.
    "watermark": Cue(
        "a mark at a random place, its shape and colour",
        _watermark,
        _anywhere,
        **_part("mark"),
    ),
    # What tells is where it stands: the region is all of the strip in which it may.
    "bar": Cue(
        "a bar at the left edge, its height",
        _bar,
        _strip,
        **_part("strip", "left, swapped", "left, hidden"),
    ),
    "border": Cue(
        "a frame, its colour",
        _border,
        _edge,
        **_part("frame", "border, swapped", "border, hidden"),
    ),
    "tint": Cue(
        "the colour of the light",
        _tint,
        swapped="donor's colours",
        hidden="no colour",
        unnamed=("donor's colours", "no colour"),
    ),
    # Nothing in the default list hides how light an image is.
    "brightness": Cue(
        "how light the image is",
        _brightness,
        swapped="donor's colours",
        unnamed=("donor's colours",),
    ),
    "texture": Cue(
        "stripes or checks behind the object",
        _texture,
        _background,
        **_part("background", "blurred"),
    ),
    "sharpness": Cue(
        "how sharp the image is",
        _sharpness,
        swapped="donor's sharpness",
        hidden="blurred",
        unnamed=("donor's sharpness", "blurred"),
    ),
}
