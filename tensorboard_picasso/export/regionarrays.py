"""Arrays of regions: what a method's maps are on them, over training, beside what chance gives."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export import source
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.numbers.maps import Sign, Statistics
from tensorboard_picasso.stored import record

Floats = NDArray[np.float64]
# What is counted of a region, and its reference: what a map gives that has nothing to do with it.
CHANCE = {"share": "area", "pointing": "chance_pointing", "iou": "chance_iou"}


@dataclass(frozen=True)
class RegionNumbers:
    """What a method's maps of an image are on one region, over training.

    Attributes:
      steps: int64 (n,), ascending; those at which the class was explained.
      share: float64 (n,), the region's share of the map: of a contribution of its positive total,
        which is the energy inside, else of the absolute one. NaN where there is none, here and
        in what follows.
      pointing: float64 (n,), pointing game: 1 where the strongest pixel lies in the region or
        within `tolerance` pixels of it, else 0; of several that are as strong the share.
      iou: float64 (n,), intersection over union of the region with as many of the strongest
        pixels.
      chance: what these three are by chance, at the newest step, by name.
      second: the same numbers of the map of a second seed, by name; NaN where none was computed.
      tolerance: pixels; NaN in older logs.
    """

    steps: NDArray[np.int64]
    share: Floats
    pointing: Floats
    iou: Floats
    chance: Mapping[str, float]
    second: Mapping[str, Floats]
    tolerance: float


def by_region(reader: source.Source, subject: MapSubject) -> dict[str, RegionNumbers]:
    """The numbers of each region in the maps of a class.

    Raises:
      NotThereError: there are no such maps.
    """
    evolution = source.gather(reader, subject, planes=False)
    for text in evolution.problems:
        warnings.warn(text, stacklevel=3)
    target = evolution.target
    records = [(each.step, each.about) for each in evolution.moments if each.about is not None]
    explained = [
        (step, about, found)
        for step, about in records
        for found in about.targets
        if found.index == target
    ]
    names = list(dict.fromkeys(of.name for _, about, _ in explained for of in about.regions))
    return {name: _numbers(name, explained) for name in names}


def _numbers(
    name: str, explained: Sequence[tuple[int, record.Attribution, record.Target]]
) -> RegionNumbers:
    rows, seconds = [], []
    reference: record.Region | None = None
    for _, about, target in explained:
        place = next((n for n, of in enumerate(about.regions) if of.name == name), None)
        rows.append(_row(target.statistics, place, about.sign))
        seconds.append(_row(target.second, place, about.sign))
        reference = reference if place is None else about.regions[place]
    share, pointing, iou = np.array(rows, np.float64).T
    again = np.array(seconds, np.float64).T
    chance = {part: _known(reference, of) for part, of in CHANCE.items()}
    return RegionNumbers(
        np.array([step for step, _, _ in explained], np.int64),
        share,
        pointing,
        iou,
        chance,
        dict(zip(CHANCE, again, strict=True)),
        _known(reference, "tolerance"),
    )


def _row(statistics: Statistics | None, place: int | None, sign: Sign) -> tuple[float, ...]:
    if statistics is None or place is None:
        return (np.nan,) * len(CHANCE)
    share = statistics.shares[place].of(sign)
    if not statistics.located:  # of older records
        return share, np.nan, np.nan
    found = statistics.located[place]
    return share, found.pointing, found.iou


def _known(reference: record.Region | None, name: str) -> float:
    value = getattr(reference, name, None)
    return np.nan if value is None else float(value)
