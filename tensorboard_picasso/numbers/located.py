"""Where the strongest pixels of a map lie: pointing game and intersection over union of a region.

Counted of what the region's share is quoted of: of a contribution the positive part, else |value|;
what is not finite counts as zero. Neither says what the model relies on.

References:
  Pointing game, with a tolerance: Zhang et al. 2016, arXiv 1608.00507.
  As many pixels as the object has: relevance rank accuracy, Arras et al. 2022, arXiv 2003.07258;
  that is 2 iou / (1 + iou).
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tensorboard_picasso.numbers.maps import Floats, Located, Mask, Sign, Statistics, statistics

# The paper's 15 pixels, as the share of the shorter side that they are of 224.
TOLERANCE = 15 / 224
# What differs by less, of the strongest value, is as strong: sums of the same windows may.
ALIKE = 1e-9


def tolerance(height: int, width: int, depth: int = 0) -> float:
    """How far from a region the pointing game still hits, pixels.

    depth: of a volume, where height is that of its sheet. It is that of a slice, however many
      there are.
    """
    return TOLERANCE * min(height // max(1, depth), width)


def grown(mask: ArrayLike, reach: float, depth: int = 0) -> Mask:
    """All pixels whose centre is at most `reach` pixels from that of one of the region.

    depth: of a volume, whose sheet the mask is; slices are as far apart as rows are.
    """
    of = np.asarray(mask, bool)
    inside = of.reshape(max(1, depth), -1, of.shape[1])
    slices, height, width = inside.shape
    counts = np.zeros((slices, height, width + 1), np.int64)
    counts[:, :, 1:] = inside.cumsum(axis=2)
    columns = np.arange(width)
    result = np.zeros_like(inside)

    def side_of(shift: tuple[int, int]) -> int:
        return int(math.sqrt(max(0.0, reach**2 - shift[0] ** 2 - shift[1] ** 2)))

    every = itertools.product(_shifts(reach, slices), _shifts(reach, height))
    shifts = [each for each in every if math.hypot(*each) <= reach]
    for side, alike in itertools.groupby(sorted(shifts, key=side_of), side_of):
        right, left = np.minimum(columns + side + 1, width), np.maximum(columns - side, 0)
        near = counts[:, :, right] > counts[:, :, left]
        for back, down in alike:
            (behind, of_slices), (below, of_rows) = _moved(back, slices), _moved(down, height)
            result[behind, below] |= near[of_slices, of_rows]
    return result.reshape(of.shape)


def _shifts(reach: float, size: int) -> range:
    most = min(int(reach), size - 1)
    return range(-most, most + 1)


def _moved(by: int, size: int) -> tuple[slice, slice]:
    """Where on an axis something moved lies, and what of it does."""
    return slice(max(0, by), size + min(0, by)), slice(max(0, -by), size + min(0, -by))


@functools.lru_cache(maxsize=4096)
def iou_by_chance(count: int, size: int) -> float:
    """Expected intersection over union of two sets of `count` of `size` pixels, one drawn at random.

    How many are in both is hypergeometric; about a / (2 - a), where the sets are a share a of all.
    """
    least = max(0, 2 * count - size)
    both = np.arange(least, count + 1, dtype=np.float64)
    before = both[:-1]
    steps = 2 * np.log(count - before) - np.log((before + 1) * (size - 2 * count + before + 1))
    odds = np.concatenate([[0.0], np.cumsum(steps)])
    likely = np.exp(odds - odds.max())
    return float((likely * both / (2 * count - both)).sum() / likely.sum())


def with_located(
    values: ArrayLike,
    regions: Sequence[tuple[ArrayLike, ArrayLike]],
    sign: Sign,
    rounding: float = 0.0,
) -> Statistics:
    """`statistics` of a map (height, width), and where its strongest pixels lie.

    Args:
      values, rounding: as of `share`.
      regions: (height, width) bool each, the region and the same grown.
      sign: of the map.
    """
    about = statistics(values, [mask for mask, _ in regions], rounding)
    return replace(about, located=located(values, regions, sign, rounding))


def located(
    values: ArrayLike,
    regions: Sequence[tuple[ArrayLike, ArrayLike]],
    sign: Sign,
    rounding: float = 0.0,
) -> tuple[Located, ...]:
    """One of each region; arguments as of `with_located`.

    Where several pixels are the strongest alike, a hit is the share of them that hits. Where of
    pixels that are as strong only some are wanted, each counts by the share of them that is.
    """
    value = np.asarray(values, np.float64)
    value = np.where(np.isfinite(value), value, 0.0)
    strength = np.maximum(value, 0) if sign is Sign.CONTRIBUTION else np.abs(value)
    if not regions:
        return ()
    if not strength.sum() > 10 * rounding * value.size:
        return (Located(math.nan, math.nan),) * len(regions)
    strongest = strength >= strength.max() * (1 - ALIKE)
    return tuple(
        Located(float(np.asarray(near, bool)[strongest].mean()), _iou(strength, np.asarray(mask)))
        for mask, near in regions
    )


def _iou(strength: Floats, mask: Mask) -> float:
    count = int(mask.sum())
    least, slack = np.partition(strength, -count, axis=None)[-count], ALIKE * strength.max()
    above = strength > least + slack
    tied = (strength >= least - slack) & ~above
    both = above[mask].sum() + (count - above.sum()) / tied.sum() * tied[mask].sum()
    return float(both / (2 * count - both))
