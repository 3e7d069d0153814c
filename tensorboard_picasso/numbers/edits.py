"""What an answer survives: statistics of edits over a probe's images, each with an interval.

Intervals are bootstrapped over the images (Efron 1979, doi:10.1214/aos/1176344552): the
images are drawn again with replacement, `RESAMPLES` times, and the middle 95 % of the means
are told. One set of draws serves all edits and steps of a probe, so that they compare.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps

RESAMPLES = 2000
LEVEL = 0.05
# By so much more than the same elsewhere an edit has to move answers to be flagged.
LEAST = 0.05

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A mean over images, and the interval in which it lies.

    Attributes:
      value: NaN where no image has a number.
      low, high: of the interval; NaN below two images.
      count: how many images have a number.
    """

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Difference(Estimate):
    """Of an edit in two runs: by how much more it moves the answers of one than those of the other.

    Attributes:
      paired: whether it is of the same images, each with itself; else of two means, whose images
        are drawn independently, and count is of the first run.
    """

    paired: bool


@lru_cache(maxsize=16)
def draws(images: int, of: int = 0) -> Floats:
    """How often each image is in each resample, (RESAMPLES, images); the same in the browser.

    of: which images, where two sets are drawn independently.
    """
    counter = np.arange(RESAMPLES * images, dtype=np.uint32)
    counter = counter + np.uint32(of * RESAMPLES * images)
    drawn = (_hash(counter) % np.uint32(images)).reshape(RESAMPLES, images)
    counts = np.zeros((RESAMPLES, images))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], drawn), 1)
    counts.setflags(write=False)
    return counts


def _hash(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Bits of a counter mixed: two rounds of a shift and a product, as of MurmurHash3's finaliser."""
    with np.errstate(over="ignore"):
        mixed = (numbers ^ (numbers >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))


def resampled(values: ArrayLike, of: int = 0) -> Floats:
    """Means of values (…, images) in each resample, (…, RESAMPLES); NaN where none has a number.

    of: as of `draws`.
    """
    given = np.asarray(values, np.float64)
    known = np.isfinite(given)
    counts = draws(given.shape[-1], of).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.where(known, given, 0.0) @ counts) / (known @ counts))


def estimate(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of values (images,) and its interval; what is no number does not count.

    level: how often the mean may lie outside.
    """
    given = np.asarray(values, np.float64)
    known = given[np.isfinite(given)]
    if not known.size:
        return Estimate(math.nan, math.nan, math.nan, 0)
    low = high = math.nan
    if known.size > 1:
        low, high = _middle(resampled(given), level)
    return Estimate(float(known.mean()), low, high, int(known.size))


def _middle(means: Floats, level: float) -> tuple[float, float]:
    low, high = np.nanpercentile(means, [100 * level / 2, 100 * (1 - level / 2)])
    return float(low), float(high)


def difference(
    own: ArrayLike, other: ArrayLike, pairs: Sequence[tuple[int, int]] | None, level: float = LEVEL
) -> Difference:
    """By how much more an edit moves the answers of one run than those of another.

    Args:
      own: (images,), how far each answer moves in the one run. other: (images,), in the other,
        where there may be other images.
      pairs: which are the same images, as of `paired`; None: they are not compared one by one.
      level: how often the difference may lie outside.
    """
    mine, theirs = np.asarray(own, np.float64), np.asarray(other, np.float64)
    if pairs is not None:
        ours, others = np.array(pairs, np.intp).reshape(-1, 2).T
        found = estimate(mine[ours] - theirs[others], level)
        return Difference(found.value, found.low, found.high, found.count, paired=True)
    a, b = estimate(mine, level), estimate(theirs, level)
    low = high = math.nan
    if min(a.count, b.count) > 1:
        low, high = _middle(resampled(mine) - resampled(theirs, 1), level)
    return Difference(a.value - b.value, low, high, a.count, paired=False)


def paired(own: Sequence[Hashable], other: Sequence[Hashable]) -> list[tuple[int, int]] | None:
    """Places of the same images in two runs.

    Args:
      own, other: what each image of a run is known by, such as its hash.

    Returns:
      A pair for each image; None where both runs have images that the other has not: then they
      are two samples.
    """
    places: dict[Hashable, list[int]] = {}
    for at, image in enumerate(other):
        places.setdefault(image, []).append(at)
    found = [(at, places[image].pop(0)) for at, image in enumerate(own) if places.get(image)]
    return found if len(found) == min(len(own), len(other)) else None


def costs(whole: ArrayLike, edited: ArrayLike, asked: ArrayLike, raw: bool = False) -> Floats:
    """What edits take from the true class: of its probability, or of its value.

    Args:
      whole: (images,) log-odds of the true class; of raw outputs its value.
      edited: (edits, images), likewise. asked: bool (edits, images).
      raw: whether the output is.

    Returns:
      (edits, images); NaN where nothing was asked, or no class is true.
    """
    before, after = (
        np.asarray(odds if raw else maps.probability(odds), np.float64) for odds in (whole, edited)
    )
    with np.errstate(invalid="ignore"):
        return np.where(asked, before - after, np.nan)


def follows(
    heads: Sequence[int], predicted: ArrayLike, donors: Sequence[int | None], asked: ArrayLike
) -> Floats:
    """Whether an edited image is predicted as its donor is labelled.

    Args:
      heads: of each image, what is predicted of it unedited.
      predicted: (edits, images), once edited. asked: bool, likewise.
      donors: of each image the donor's class, None where there is none.

    Returns:
      (edits, images), 1 or 0; NaN where nothing was asked, or the donor's class was predicted
      without it.
    """
    of_donor = np.array([-1 if each is None else each for each in donors])
    counts = np.asarray(asked) & (of_donor >= 0) & (of_donor != np.asarray(heads))
    return np.where(counts, np.asarray(predicted) == of_donor, np.nan)


def beyond(moves: ArrayLike, matched: ArrayLike) -> Floats:
    """By how much more an edit moves each answer than the same at the other place that moves it most.

    Two places are a small sample of all: to their mean one in twenty trainings without any cue
    would differ somewhere.

    Args:
      moves: (…, images), of the edit. matched: (…, places, images), of its references.

    Returns:
      (…, images); NaN where either was not asked.
    """
    most = np.fmax.reduce(np.asarray(matched, np.float64), -2)
    return np.asarray(np.asarray(moves, np.float64) - most)


@dataclass(frozen=True)
class Onset:
    """From which step on an edit is flagged.

    Attributes:
      place: of the first step from which on it is, at every later one.
      early, late: from which on the mean itself is, in the 5th and the 95th of a hundred resamples,
        and late not before place; None: in that resample it is not.
    """

    place: int
    early: int | None
    late: int | None


def onset(differences: ArrayLike, edits: int = 1, least: float = LEAST) -> Onset | None:
    """Whether an edit is flagged, and since when.

    It is where the lower end of the interval of `beyond` stays above `least` at every step
    from one on, at a level divided by the number of edits that are asked about so, and where
    there are `enough` images.

    Args:
      differences: (steps, images), as of `beyond`.
      edits: how many. least: by so much more than elsewhere it has to move answers.

    Returns:
      None where it is not flagged at the last step.
    """
    given = np.asarray(differences, np.float64)
    if not given.size:
        return None
    level = LEVEL / edits
    each_step = [estimate(row, level) for row in given]
    place = _since(np.array([of.low > least and enough(of.count, level) for of in each_step], bool))
    if place is None:
        return None
    each = [_since(above) for above in (resampled(given) > least).T]
    places = np.sort([len(given) if at is None else at for at in each])
    ends = [int(places[int(share * (len(places) - 1))]) for share in (0.05, 0.95)]
    early, late = (None if at == len(given) else at for at in ends)
    return Onset(place, early, late if late is None else max(late, place))


def enough(images: int, level: float) -> bool:
    """Whether that all images differ to one side, each as if by the toss of a coin, is rarer than a level.

    Of fewer images no resample lies below their least, however it came about.
    """
    return bool(0.5**images <= level / 2)


def _since(above: Bools) -> int | None:
    """The first place from which on all are true."""
    if not above[-1]:
        return None
    below = np.flatnonzero(~above)
    return int(below[-1]) + 1 if below.size else 0
