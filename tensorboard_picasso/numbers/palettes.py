"""Palettes, and the one formula that turns a map's value into a pixel.

A palette is a path through OKLab [1] given by a few anchors and walked at equal
steps, so that equal differences of value look equally large. The browser has a
twin of this module, `static/numbers/palette.js`; what it paints is compared with
`overlay`.

The formula, for a value v, a scale s > 0 and a grey g of the image below:

    n      = 127 (signed palettes), 255 (others)
    level  = sign(v) * floor(min(|v| / s, 1) * n + 1/2)
    colour = colours[128 + level] (signed), colours[level] (others);
             where |v| > s, `beyond` of that sign
    alpha  = opacity * sqrt(|level| / n), or 1 for opaque maps
    pixel  = floor(alpha * colour + (1 - alpha) * (60 + g / 2) + 1/2)

The image is faded to middle greys, on which both dark and light colours show.

Values that are not finite, and pixels that the model never sees, are hatched:
two colours in stripes two pixels wide, see `hatches`.

References:
  [1] Ottosson, "A perceptual color space for image processing", 2020.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[int, int, int]
Pixels = NDArray[np.uint8]
# Lightness 0..1, chroma, hue in degrees.
Anchor = tuple[float, float, float]

LEVELS = 256


class Mark(enum.IntEnum):
    """Why a pixel is hatched."""

    NAN = 1
    PLUS_INFINITY = 2
    MINUS_INFINITY = 3
    UNSEEN = 4


@dataclass(frozen=True)
class Palette:
    """One palette.

    signed: whether it has two arms, which meet at `colours[128]`.
    colours: (256, 3) uint8.
    beyond: colour of values above the scale and, for signed ones, below minus it.
    """

    name: str
    signed: bool
    colours: Pixels
    beyond: tuple[Colour, ...]


_OKLAB_TO_LMS = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_LMS_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def _lab(anchor: Anchor) -> NDArray[np.float64]:
    lightness, chroma, hue = anchor
    angle = hue * np.pi / 180
    return np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])


def _rgb(lab: NDArray[np.float64]) -> Pixels:
    """OKLab (n, 3) to sRGB (n, 3) uint8; what lies outside the gamut is clipped."""
    root = lab @ np.array(_OKLAB_TO_LMS).T
    linear = np.clip((root * root * root) @ np.array(_LMS_TO_RGB).T, 0.0, 1.0)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055
    )
    rounded: Pixels = np.floor(encoded * 255 + 0.5).astype(np.uint8)
    return rounded


def _path(anchors: Sequence[Anchor], count: int) -> Pixels:
    """`count` colours at equal distances along the anchors, (count, 3) uint8."""
    points = np.array([_lab(anchor) for anchor in anchors])
    length = np.sqrt((np.diff(points, axis=0) ** 2).sum(1))
    along = np.concatenate([[0.0], np.cumsum(length)])
    where = np.linspace(0.0, 1.0, count) * along[-1]
    mixed = [np.interp(where, along, points[:, axis]) for axis in range(3)]
    return _rgb(np.stack(mixed, axis=1))


def _colour(anchor: Anchor) -> Colour:
    red, green, blue = _path([anchor, anchor], 1)[0].tolist()
    return (red, green, blue)


def _signed(name: str, positive: Sequence[Anchor], negative: Sequence[Anchor]) -> Palette:
    """Each arm from zero outwards; the last anchor is the colour beyond the scale."""
    up, down = _path(positive[:-1], 128), _path(negative[:-1], 128)
    # Level -128 does not occur: it repeats level -127.
    colours = np.concatenate([down[-1:], down[:0:-1], up])
    return Palette(name, True, colours, (_colour(positive[-1]), _colour(negative[-1])))


def _sequential(name: str, anchors: Sequence[Anchor]) -> Palette:
    return Palette(name, False, _path(anchors[:-1], LEVELS), (_colour(anchors[-1]),))


ORANGE_BLUE = _signed(
    "orange–blue",
    [(0.84, 0.13, 78), (0.76, 0.17, 62), (0.69, 0.20, 47), (0.56, 0.21, 30)],
    [(0.80, 0.10, 230), (0.68, 0.15, 245), (0.58, 0.19, 258), (0.44, 0.21, 268)],
)
GREEN_VIOLET = _signed(
    "green–violet",
    [(0.90, 0.07, 130), (0.78, 0.17, 140), (0.66, 0.19, 145), (0.54, 0.16, 150)],
    [(0.86, 0.06, 310), (0.70, 0.17, 310), (0.58, 0.23, 308), (0.46, 0.24, 300)],
)
EMBER = _sequential(
    "ember", [(0.52, 0.15, 25), (0.68, 0.20, 45), (0.88, 0.17, 90), (0.97, 0.07, 105)]
)
LAGOON = _sequential(
    "lagoon", [(0.48, 0.14, 265), (0.66, 0.13, 215), (0.90, 0.16, 165), (0.98, 0.06, 150)]
)
GREY = _sequential("grey", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)])

PALETTES = {each.name: each for each in (ORANGE_BLUE, GREEN_VIOLET, EMBER, LAGOON, GREY)}

_WHITE: Colour = (255, 255, 255)


def hatches(palette: Palette) -> dict[Mark, tuple[Colour, Colour]]:
    """The two colours of each kind of hatch."""
    return {
        Mark.NAN: ((190, 60, 160), (70, 70, 70)),
        Mark.PLUS_INFINITY: (palette.beyond[0], _WHITE),
        Mark.MINUS_INFINITY: (palette.beyond[-1], _WHITE),
        Mark.UNSEEN: ((150, 150, 150), (115, 115, 115)),
    }


def grey(pixels: ArrayLike) -> Pixels:
    """Grey of an image as shown below a map.

    Args:
      pixels: (height, width, 4) uint8 RGBA; transparency shows white.

    Returns:
      (height, width) uint8: 0.299 red + 0.587 green + 0.114 blue, rounded.
    """
    rgba = np.asarray(pixels, np.float64)
    alpha = rgba[..., 3] / 255
    value = 0.299 * rgba[..., 0] + 0.587 * rgba[..., 1] + 0.114 * rgba[..., 2]
    result: Pixels = np.floor(alpha * value + (1 - alpha) * 255 + 0.5).astype(np.uint8)
    return result


# Pixels that are painted at once.
BLOCK = 1 << 18


def overlay(
    values: ArrayLike,
    ground: ArrayLike,
    palette: Palette,
    scale: float,
    opacity: float,
    *,
    opaque: bool = False,
    unseen: ArrayLike | None = None,
) -> Pixels:
    """Paint a map over an image.

    Args:
      values: (height, width) of the map, as shown (after reading and scale mode).
      ground: (height, width) uint8, the image's greys.
      palette: one of `PALETTES`.
      scale: the value that takes the palette's last colour.
      opacity: 0..1, alpha of a value at the scale.
      opaque: whether every value hides the image.
      unseen: (height, width) bool, pixels that the model never sees.

    Returns:
      (height, width, 3) uint8.
    """
    shape = np.shape(values)
    result = np.empty((*shape, 3), np.uint8)
    # Some rows at a time: all of a large map would take 160 bytes a pixel.
    rows = max(1, BLOCK // max(1, shape[1]))
    for top in range(0, shape[0], rows):
        part = slice(top, top + rows)
        hidden = None if unseen is None else np.asarray(unseen)[part]
        result[part] = _painted(
            np.asarray(values)[part], np.asarray(ground)[part], palette, scale, opacity,
            opaque, hidden, top,
        )  # fmt: skip
    return result


def _painted(
    values: ArrayLike,
    ground: ArrayLike,
    palette: Palette,
    scale: float,
    opacity: float,
    opaque: bool,
    unseen: ArrayLike | None,
    top: int,
) -> Pixels:
    """Rows of a map from one on, as `overlay`."""
    value = np.asarray(values, np.float64)
    below = 60 + np.asarray(ground, np.float64)[..., None] / 2
    finite = np.where(np.isfinite(value), value, 0.0)
    n = 127 if palette.signed else 255
    size = np.abs(finite)
    part = np.minimum(size / scale, 1.0) if scale > 0 else (size > 0).astype(np.float64)
    level = np.floor(part * n + 0.5).astype(np.int64)
    index = 128 + np.sign(finite).astype(np.int64) * level if palette.signed else level
    colour = palette.colours[index].astype(np.float64)
    colour[finite > scale] = palette.beyond[0]
    colour[finite < -scale] = palette.beyond[-1]
    alpha = np.ones_like(value) if opaque else opacity * np.sqrt(level / n)
    pixel = np.floor(alpha[..., None] * colour + (1 - alpha[..., None]) * below + 0.5)
    marks: list[tuple[Mark, NDArray[Any]]] = [
        (Mark.NAN, np.isnan(value)),
        (Mark.PLUS_INFINITY, value == np.inf),
        (Mark.MINUS_INFINITY, value == -np.inf),
    ]
    if unseen is not None:
        marks.append((Mark.UNSEEN, np.asarray(unseen, bool)))
    row, column = np.indices(value.shape)
    row += top
    for mark, where in marks:
        # Stripes of NaN lean the other way than those of what is merely large.
        phase = np.asarray(column - row if mark is Mark.NAN else column + row) >> 1 & 1
        first, second = hatches(palette)[mark]
        pixel[where] = np.where(phase[..., None] == 0, first, second)[where]
    result: Pixels = pixel.astype(np.uint8)
    return result
