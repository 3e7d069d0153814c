"""Readings: the ways in which the same stored numbers are shown, and their scales.

The browser has a twin of this module, `static/numbers/reading.js`; both are tested on
the same cases. What a number means is stated in `maps`.
"""

import enum
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.numbers.maps import Floats, Output, Sign, Statistics
from tensorboard_picasso.stored.record import Attribution, Mean


class Reading(enum.StrEnum):
    """What is shown of a grid; maps without a grid have importance only."""

    IMPORTANCE = "importance"
    SCORE = "score"
    EVIDENCE = "evidence"


def readings_for(about: Attribution) -> list[Reading]:
    """Readings that fit a record; the first is the default."""
    if about.grid is None or about.output is Output.RAW:
        return [Reading.IMPORTANCE]
    if len(about.grid.classes) > 1:
        return list(Reading)
    return [Reading.IMPORTANCE, Reading.SCORE]


def comparable(about: Attribution | Mean) -> bool:
    """Whether values of different maps may be compared as they are: differences of scores."""
    return about.sign is Sign.CONTRIBUTION


def is_signed(about: Attribution | Mean, reading: Reading) -> bool:
    """Whether zero lies in the middle of the scale."""
    return reading is not Reading.SCORE and about.sign is not Sign.UNSIGNED


def explained(about: Attribution) -> list[int]:
    """Classes that a map can be shown for."""
    if about.grid is not None:
        return [int(each) for each in about.grid.classes]
    return [each.index for each in about.targets]


def statistics_of(about: Attribution, target: int) -> Statistics | None:
    """What was recorded of a target's map, None where it is not a target at this step."""
    return next((each.statistics for each in about.targets if each.index == target), None)


def column(about: Attribution, target: int) -> Floats | None:
    """One class's log-odds at all window positions, (tops, lefts), or segments, (segments, 1); None without."""
    if about.grid is None or target not in explained(about):
        return None
    return about.grid.values[:, :, explained(about).index(target)].astype(np.float64)


def whole_of(about: Attribution, target: int) -> float:
    """One class's log-odds for the unoccluded image, from the grid's own pass."""
    if about.grid is None or target not in explained(about):
        return float("nan")
    return float(about.grid.whole[explained(about).index(target)])


def rival(about: Attribution, target: int) -> int | None:
    """The strongest other class: what evidence is weighed against."""
    others = [each for each in explained(about) if each != target]
    return max(others, key=lambda each: whole_of(about, each), default=None)


def windows(about: Attribution, target: int, reading: Reading) -> Floats | None:
    """One number a window position or segment, as the reading shows it; None without a grid."""
    hidden = column(about, target)
    if hidden is None:
        return None
    whole = whole_of(about, target)
    if reading is Reading.SCORE:
        return maps.probability(hidden)
    if reading is Reading.IMPORTANCE:
        return maps.importance(hidden, whole)
    other = rival(about, target)
    against = None if other is None else column(about, other)
    if other is None or against is None:
        return None
    before = maps.evidence(whole, whole_of(about, other))
    with np.errstate(invalid="ignore"):
        return maps.subtract(before, maps.evidence(hidden, against))


def shown(
    about: Attribution, target: int, reading: Reading, plane: ArrayLike | None = None
) -> Floats:
    """A map as it is shown, (height, width): from the grid, or from a stored plane.

    Raises:
      ValueError: there is neither.
    """
    grid = windows(about, target, reading)
    if about.grid is not None and grid is not None:
        shape = (about.height, about.width)
        return places.paint(grid, about.grid, shape)
    if plane is None:
        raise ValueError(f"no map of class {target}")
    values = np.asarray(plane, np.float64)
    statistics = statistics_of(about, target)
    if comparable(about):
        return values
    # The mean before quantisation, where it was recorded.
    if statistics is None:
        return maps.times_uniform(values)
    return values / statistics.mean if statistics.mean > 0 else values


# Maps that hold less than this part of the strength of all steps together set no scale.
_SLIGHT = 0.01


def common_scale(maps: Sequence[tuple[float, float | None]]) -> float:
    """The scale of one image's maps over training: the largest of their own.

    Of maps without a common unit those are left out that have the largest scales and next to
    no strength, as of dead layers.

    Args:
      maps: (scale, strength); strength None: in a common unit.
    """
    ordered = sorted(maps, key=lambda each: -each[0])
    whole = sum(strength or 0.0 for _, strength in ordered)
    left = 0.0
    for scale, strength in ordered:
        left += strength or 0.0
        if strength is None or left > _SLIGHT * whole:
            return scale
    return 0.0


def weighed(about: Attribution, target: int, reading: Reading) -> tuple[float, float | None]:
    """What a map counts for in a common scale: its own, and its strength."""
    scale = own_scale(about, target, reading)
    if reading is not Reading.IMPORTANCE or comparable(about):
        return scale, None
    statistics = statistics_of(about, target)
    return scale, statistics.mean if statistics else 0.0


def own_scale(about: Attribution, target: int, reading: Reading) -> float:
    """What a map alone would take as its scale: the 99th percentile of |value|."""
    if reading is Reading.SCORE:
        return 1.0
    statistics = statistics_of(about, target)
    if reading is Reading.EVIDENCE or statistics is None:
        grid = windows(about, target, reading)
        sizes = np.abs(grid[np.isfinite(grid)]) if grid is not None else np.empty(0)
        return float(np.percentile(sizes, 99)) if sizes.size else 0.0
    if comparable(about):
        return statistics.p99
    return statistics.p99 / statistics.mean if statistics.mean else 0.0
