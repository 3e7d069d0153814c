"""The numbers behind the maps: readings, painting, shares, statistics, storage.

NumPy only. The browser has a twin of this module, `static/numbers/maps.js`; both are
tested on the same cases. Log-odds of a class are its logit minus the logsumexp
of all others; their sigmoid is the class's probability.

Infinity says saturated: the model has no digits left to tell how much. What
cannot be told from such values stays saturated; it is neither NaN, which says
that something went wrong, nor zero, which says that nothing changed. So equal
infinities leave that infinity when subtracted (a class that stays at p = 1 is
+inf, one that stays at p = 0 is -inf), and where windows of both infinities
overlap, the pixel takes the one of more windows, the positive one where they
are as many. Infinite values are counted, and enter no sum, scale or share.
"""

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]


def quiet() -> np.errstate:
    """Where NaN, infinity and what overflows are results like others, recorded and shown as such.

    Of a model that diverged the user need not hear from NumPy.
    """
    return np.errstate(divide="ignore", invalid="ignore", over="ignore")


class Output(enum.StrEnum):
    """What a model's output is."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    SIGMOID = "sigmoid"
    RAW = "raw"


class Sign(enum.StrEnum):
    """What the sign of a map's values says.

    UNSIGNED: strength only. DIRECTION: brighter raises or lowers the score.
    CONTRIBUTION: positive supports the class, negative speaks against it.
    """

    UNSIGNED = "unsigned"
    DIRECTION = "direction"
    CONTRIBUTION = "contribution"


class Precision(enum.StrEnum):
    """How full-resolution maps are stored."""

    Q8 = "q8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


# Readings of log-odds


def probability(log_odds: ArrayLike) -> Floats:
    """Sigmoid of log-odds, without overflow; float64, same shape."""
    value = np.asarray(log_odds, np.float64)
    small = np.exp(-np.abs(value))
    return np.where(value >= 0, 1 / (1 + small), small / (1 + small))


def log_probability(log_odds: ArrayLike) -> Floats:
    """log(sigmoid), exact also where the probability rounds to 1; float64."""
    value = np.asarray(log_odds, np.float64)
    return np.minimum(value, 0) - np.log1p(np.exp(-np.abs(value)))


def evidence(for_class: ArrayLike, against_class: ArrayLike) -> Floats:
    """Log of the ratio of two classes' probabilities, from their log-odds."""
    return subtract(log_probability(for_class), log_probability(against_class))


def importance(occluded: ArrayLike, whole: ArrayLike) -> Floats:
    """Whole minus occluded: positive where hiding makes the class less likely."""
    return subtract(whole, occluded)


def subtract(value: ArrayLike, other: ArrayLike) -> Floats:
    """Value minus other; what is saturated alike in both stays so. float64."""
    a, b = np.asarray(value, np.float64), np.asarray(other, np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(a) & (a == b), a, a - b)


def single(values: ArrayLike) -> NDArray[np.float32]:
    """Rounded to float32; what that cannot hold is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(np.float32)


def within_single(values: ArrayLike) -> Floats:
    """As they are, but for what float32 cannot hold, which is infinite; float64."""
    value = np.asarray(values, np.float64)
    beyond = np.abs(value) > np.finfo(np.float32).max
    return np.where(beyond, np.copysign(np.inf, value), value) if beyond.any() else value


# From a grid to a map


def coverage(starts: ArrayLike, window: int, size: int) -> Floats:
    """(positions, size) matrix: 1 where a position's window covers a pixel."""
    pixel = np.arange(size)
    start = np.asarray(starts)[:, None]
    return ((pixel >= start) & (pixel < start + window)).astype(np.float64)


def paint(
    grid: ArrayLike,
    tops: ArrayLike,
    lefts: ArrayLike,
    window: tuple[int, int],
    shape: tuple[int, int],
) -> Floats:
    """Spread one value a window over the image; overlapping windows are averaged.

    Args:
      grid: (tops, lefts) values.
      tops, lefts: first row and column of each window, pixels, ascending.
      window: height and width of a window, pixels.
      shape: height and width of the image, pixels.

    Returns:
      (height, width) float64; NaN where no window reaches. A value that is not
      finite marks just the pixels under its window.
    """
    rows = coverage(tops, window[0], shape[0])
    columns = coverage(lefts, window[1], shape[1])
    return averaged(grid, lambda each: np.asarray(rows.T @ each @ columns))


def averaged(values: ArrayLike, spread: Callable[[Floats], Floats]) -> Floats:
    """The mean of the windows over each pixel, as `paint` has it.

    spread: from one value a window to the sum of those over each pixel.
    """
    value = np.asarray(values, np.float64)
    finite = np.isfinite(value)
    with np.errstate(invalid="ignore", divide="ignore"):
        painted = spread(np.where(finite, value, 0.0)) / spread(np.ones_like(value))
    if finite.all():
        return painted

    def windows(each: NDArray[np.bool_]) -> Floats:
        return spread(each.astype(np.float64))

    above, below = windows(value == np.inf), windows(value == -np.inf)
    painted[above + below > 0] = np.inf
    painted[below > above] = -np.inf
    painted[windows(np.isnan(value)) > 0] = np.nan
    return painted


# Statistics and shares


@dataclass(frozen=True)
class Share:
    """A region's share of a map: of its positive, negative and absolute total.

    NaN where that total is not above ten times the rounding of the scores.
    """

    positive: float
    negative: float
    absolute: float

    def of(self, sign: Sign) -> float:
        """The share that is quoted for a map of this sign."""
        return self.positive if sign is Sign.CONTRIBUTION else self.absolute


@dataclass(frozen=True)
class Located:
    """Where the strongest pixels of a map lie, of one region; see `located.py`.

    pointing: share of the strongest pixels that lie in the region grown by a tolerance.
    iou: intersection over union of the region with as many of the strongest pixels.
    NaN where the map has no share.
    """

    pointing: float
    iou: float


@dataclass(frozen=True)
class Statistics:
    """Of one full-resolution map before quantisation, over its finite values.

    positive, negative: sums of the values above and below zero.
    p50, p99, p999: percentiles of |value|.
    nan, infinite, count: how many values are NaN, infinite, finite.
    shares: one a region, in the record's order of regions.
    located: likewise; none in older records.
    """

    minimum: float = 0.0
    maximum: float = 0.0
    positive: float = 0.0
    negative: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    nan: int = 0
    infinite: int = 0
    count: int = 0
    shares: tuple[Share, ...] = ()
    located: tuple[Located, ...] = ()

    @property
    def absolute(self) -> float:
        """Sum of |value|."""
        return self.positive - self.negative

    @property
    def mean(self) -> float:
        """Mean of |value|: what "times uniform" divides by."""
        return self.absolute / self.count if self.count else 0.0


# The statistics of a map, and the numbers of a region, by name: declared here alone, and so
# called in `record.proto`, in the answers of the routes and in tables.
SHARES = tuple(each.name for each in fields(Share))
LOCATED = tuple(each.name for each in fields(Located))
STATISTICS = tuple(
    each.name for each in fields(Statistics) if each.name not in ("shares", "located")
)


def share(values: ArrayLike, mask: ArrayLike, rounding: float = 0.0) -> Share:
    """A region's share of one map.

    Args:
      values: (height, width); values that are not finite count as zero.
      mask: (height, width) bool, true inside the region.
      rounding: the rounding error of one value. A total of at most ten times
        that, summed over the finite values, has no share.
    """
    value = np.asarray(values, np.float64)
    value = np.where(np.isfinite(value), value, 0.0)
    inside = np.asarray(mask, bool)
    floor = 10 * rounding * value.size

    def part(each: Floats) -> float:
        total = float(each.sum())
        return float(each[inside].sum() / total) if total > floor else math.nan

    return Share(part(np.maximum(value, 0)), part(np.maximum(-value, 0)), part(np.abs(value)))


def statistics(
    values: ArrayLike, masks: Sequence[ArrayLike] = (), rounding: float = 0.0
) -> Statistics:
    """Statistics of one map (height, width); see `Statistics` and `share`."""
    value = np.asarray(values, np.float64)
    finite = value[np.isfinite(value)]
    shares = tuple(share(value, mask, rounding) for mask in masks)
    nan = int(np.isnan(value).sum())
    infinite = value.size - finite.size - nan
    if not finite.size:
        return Statistics(nan=nan, infinite=infinite, shares=shares)
    p50, p99, p999 = np.percentile(np.abs(finite), (50, 99, 99.9))
    return Statistics(
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        positive=float(np.maximum(finite, 0).sum()),
        negative=float(np.minimum(finite, 0).sum()),
        p50=float(p50),
        p99=float(p99),
        p999=float(p999),
        nan=nan,
        infinite=infinite,
        count=int(finite.size),
        shares=shares,
    )


def ceiling(mask: ArrayLike, tops: ArrayLike, lefts: ArrayLike, window: tuple[int, int]) -> float:
    """Share that occlusion would give a region that alone is used, and evenly.

    It bounds nothing: what uses the middle of a region alone gives more. A window then matters in proportion to how much of the region it hides;
    painted and averaged as any map is, some of that lands outside.
    """
    inside = np.asarray(mask, bool)
    rows = coverage(tops, window[0], inside.shape[0])
    columns = coverage(lefts, window[1], inside.shape[1])
    hidden = rows @ inside.astype(np.float64) @ columns.T
    return share(paint(hidden, tops, lefts, window, inside.shape), inside).positive


def times_uniform(values: ArrayLike) -> Floats:
    """Values divided by the mean of |value|: 1 is a uniform map. Zero stays zero."""
    value = np.asarray(values, np.float64)
    finite = np.abs(value[np.isfinite(value)])
    mean = finite.mean() if finite.size else 0.0
    return value / mean if mean > 0 else value


# Change of maps


def ranks(values: ArrayLike) -> Floats:
    """Rank of each value, from 1; equal values share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's correlation of two maps, -1 to 1: how alike they order the same positions.

    Maps of a method with a grid are compared window by window, others pixel by
    pixel; both have one shape. Positions count where either map is not zero and
    both are finite: a shared empty border says nothing of agreement. NaN where
    fewer than two are left or either map is constant over them.
    """
    pair = np.stack([np.ravel(a), np.ravel(b)]).astype(np.float64)
    counted = pair[:, pair.any(axis=0) & np.isfinite(pair).all(axis=0)]
    if counted.shape[1] < 2:
        return math.nan
    x, y = (rank - rank.mean() for rank in map(ranks, counted))
    spread = math.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread > 0 else math.nan


# Storage of full-resolution maps


def levels(sign: Sign) -> int:
    """Largest stored level of `Precision.Q8`."""
    return 255 if sign is Sign.UNSIGNED else 127


def quantise(values: ArrayLike, sign: Sign) -> tuple[NDArray[np.integer], float, NDArray[np.uint8]]:
    """Store a map in 8 bits on a square law: value = sign * (q / n)^2 * peak.

    Zero is exact, and values down to 2e-5 of the peak survive in unsigned maps.

    Returns:
      levels (int8, or uint8 for unsigned maps), peak (the maximum of |value|
      over finite values), special (uint8: 0 finite, 1 NaN, 2 +inf, 3 -inf).
    """
    value = np.asarray(values, np.float64)
    special = np.select([np.isnan(value), value == np.inf, value == -np.inf], [1, 2, 3], 0).astype(
        np.uint8
    )
    value = np.where(special == 0, value, 0.0)
    # The peak is kept as float32: round up, so that no level exceeds n.
    peak = np.float32(np.abs(value).max(initial=0.0))
    n = levels(sign)
    root = np.sqrt(np.abs(value) / float(peak)) if peak > 0 else np.zeros_like(value)
    level = np.clip(np.rint(root * n), 0, n) * np.sign(value)
    return level.astype(np.uint8 if sign is Sign.UNSIGNED else np.int8), float(peak), special


def dequantise(level: ArrayLike, peak: float, sign: Sign) -> NDArray[np.float32]:
    """Undo `quantise` for finite values; float32."""
    q = np.asarray(level, np.float64)
    return (np.sign(q) * (q / levels(sign)) ** 2 * peak).astype(np.float32)


def differences(level: NDArray[np.integer]) -> NDArray[np.uint8]:
    """How 8-bit levels (height, width) change down and right of the level beside, modulo 256.

    Of smooth maps these are small numbers, which compress well.
    """
    changes = level.view(np.uint8).copy()
    changes[1:] -= level.view(np.uint8)[:-1]
    changes[:, 1:] -= changes[:, :-1].copy()
    return changes


def summed(changes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo `differences`: the levels' bytes."""
    return changes.cumsum(axis=1, dtype=np.uint8).cumsum(axis=0, dtype=np.uint8)


def half_level(values: ArrayLike, peak: float, sign: Sign) -> Floats:
    """Half the distance between the levels around each stored value."""
    n = levels(sign)
    root = (
        np.sqrt(np.abs(np.asarray(values, np.float64)) / peak)
        if peak > 0
        else np.zeros(np.shape(values))
    )
    return ((root + 0.5 / n) ** 2 - root**2) * peak
