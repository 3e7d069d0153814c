"""Palettes for maps: ramps between OKLCH anchors; `static/palette.js` is the twin.

A pixel is grey * (1 - a) + colour * a with a = opacity * |t|, where t is the
value over the scale, clipped to -1..1, and colour the ramp's at |t|. OKLab is
Björn Ottosson's (2020), https://bottosson.github.io/posts/oklab/.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Anchor = tuple[float, float, float]

# Lightness, chroma, hue in degrees: at |t| = 0 and at |t| = 1.
SIGNED: dict[str, tuple[tuple[Anchor, Anchor], tuple[Anchor, Anchor]]] = {
    "orange-blue": (
        ((0.82, 0.13, 75), (0.68, 0.2, 45)),
        ((0.8, 0.1, 230), (0.52, 0.2, 258)),
    ),
    "green-purple": (
        ((0.85, 0.14, 135), (0.6, 0.18, 145)),
        ((0.78, 0.11, 320), (0.48, 0.2, 315)),
    ),
}
UNSIGNED: dict[str, tuple[Anchor, Anchor]] = {
    "ember": ((0.5, 0.16, 20), (0.92, 0.15, 95)),
    "sea": ((0.45, 0.12, 265), (0.92, 0.13, 170)),
}

LEVELS = 256


def ramp(start: Anchor, end: Anchor) -> NDArray[np.float64]:
    """(256, 3) sRGB 0..255 between two anchors, clipped to the gamut."""
    t = np.linspace(0, 1, LEVELS)[:, None]
    lightness, chroma, hue = (np.array(start) + t * (np.array(end) - np.array(start))).T
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    cubes = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.291485548 * b,
        ]
    )
    matrix = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.707614701],
        ]
    )
    linear = np.clip(matrix @ cubes**3, 0, 1).T
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-12) ** (1 / 2.4) - 0.055
    )
    return 255 * encoded


def overlay(
    values: ArrayLike, grey: ArrayLike, scale: float, palette: str, opacity: float
) -> NDArray[np.uint8]:
    """RGB pixels of a map of finite values over a greyscale image.

    Args:
      values: (height, width). grey: likewise, 0..255.
      scale: the value shown in full; zero draws the image alone.
      palette: a name of `SIGNED` or `UNSIGNED`.
      opacity: 0..1 at full strength.

    Returns:
      (height, width, 3) uint8.
    """
    value = np.asarray(values, np.float64)
    ratio = value / scale if scale > 0 else np.zeros_like(value)
    strength = np.minimum(np.abs(ratio), 1)
    level = np.floor(strength * (LEVELS - 1) + 0.5).astype(int)
    if palette in SIGNED:
        positive, negative = (ramp(*anchors) for anchors in SIGNED[palette])
        colour = np.where((ratio < 0)[..., None], negative[level], positive[level])
    else:
        colour = ramp(*UNSIGNED[palette])[level]
    alpha = opacity * strength[..., None]
    base = np.asarray(grey, np.float64)[..., None]
    return np.floor(base * (1 - alpha) + colour * alpha + 0.5).astype(np.uint8)
