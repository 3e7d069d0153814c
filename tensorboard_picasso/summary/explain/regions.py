"""What is recorded of maps on an image's regions, and what that is to be compared with."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from tensorboard_picasso.numbers import located, places
from tensorboard_picasso.numbers.maps import Floats, Mask, Sign, Statistics
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.kit.images import flat
from tensorboard_picasso.summary.probe.probe import Probe


class Regions:
    """The regions of an image of a probe; of volumes maps and masks are sheets.

    Args:
      probe: the images.
      index: of the image.
      names: those that are meant; default: all.
    """

    def __init__(self, probe: Probe, index: int, names: Collection[str] | None = None) -> None:
        self._masks = {
            name: flat(mask)
            for name, mask in probe.regions[index].items()
            if names is None or name in names
        }
        grown = probe.grown(index)
        self._grown = {name: flat(grown[name]) for name in self._masks}
        self._tolerance = probe.tolerance(index)

    def statistics(self, values: Floats, sign: Sign, rounding: float) -> Statistics:
        """Statistics of a map (height, width), on the regions too; arguments as of `share`."""
        pairs = [(mask, self._grown[name]) for name, mask in self._masks.items()]
        return located.with_located(values, pairs, sign, rounding)

    def references(self, grid: record.Grid | None) -> tuple[record.Region, ...]:
        """What each region's numbers are to be compared with, with that grid's windows."""
        return tuple(
            record.Region(
                name,
                float(mask.mean()),
                None if grid is None else _ceiling(mask, grid),
                self._tolerance,
                float(self._grown[name].mean()),
                located.iou_by_chance(int(mask.sum()), mask.size),
            )
            for name, mask in self._masks.items()
        )


def _ceiling(mask: Mask, grid: record.Grid) -> float:
    return places.ceiling(mask, grid)


def scalars(
    attribution: record.Attribution, explained: Sequence[record.Target]
) -> Iterator[tuple[str, float]]:
    """Names and numbers of an image's regions, means over the classes explained; NaN for none."""
    for place, region in enumerate(attribution.regions):
        shares = [each.statistics.shares[place].of(attribution.sign) for each in explained]
        found = [each.statistics.located[place] for each in explained]
        yield f"share of {region.name}", float(np.mean(shares))
        yield f"pointing game of {region.name}", float(np.mean([each.pointing for each in found]))
        yield f"IoU of {region.name}", float(np.mean([each.iou for each in found]))
