"""Named regions: each swapped and hidden, all else swapped, and the same elsewhere as a reference."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from tensorboard_picasso.summary.edits.base import HIDDEN, SWAPPED, Edit, Mask, Part, Variant, View
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.probe import Probe

# A region is moved by multiples of an eighth of each side, and is asked about at so many places.
_PLACES = 8
ELSEWHERE = 2
# Of a region that large no other place is elsewhere: it would be half the same one.
_MOST_COMMON = 0.5


class Regions(Edit):
    """The probe's named regions, as `Probe(regions=…)` has them."""

    name = "regions"

    def variants(self, probe: Probe) -> Sequence[Variant]:
        """See `Edit.variants`; none where the probe has no regions."""
        names = dict.fromkeys(name for masks in probe.regions for name in masks)
        return [variant for name in names for variant in _of(name)]


def _of(region: str) -> list[Variant]:
    inside = Part(
        region,
        f'the region "{region}"',
        partial(_mask, region=region),
        partial(_donor, region=region, inside=True),
        region,
    )
    outside = Part(
        f"all but {region}",
        f'all but the region "{region}"',
        partial(_outside, region=region),
        partial(_donor, region=region, inside=False),
        region,
    )
    asked = [inside.variant(SWAPPED), inside.variant(HIDDEN), outside.variant(SWAPPED)]
    for number in range(ELSEWHERE):
        moved = Part(
            region,
            f'the region "{region}" moved to another place',
            partial(_moved, region=region, number=number),
            region=region,
        )
        for form in (SWAPPED, HIDDEN):
            name = f"{region} elsewhere ({number + 1}), {form}"
            asked.append(moved.variant(form, name, f"{region}, {form}"))
    return asked


def _mask(view: View, region: str) -> Mask | None:
    return view.mask(region)


def _outside(view: View, region: str) -> Mask | None:
    mask = view.mask(region)
    return None if mask is None else ~mask


def _donor(view: View, region: str, inside: bool) -> Array | None:
    """The donor's pixels; those of its own other side are filled, so that no second object comes along."""
    donor, own = view.other, view.other_mask(region)
    if donor is None or own is None:
        return donor
    kept = own if inside else ~own
    if not kept.any():
        return donor
    mean = donor[kept].mean(0)
    if donor.dtype.kind != "f":
        mean = np.rint(mean)
    return np.where(kept[:, :, None], donor, mean.astype(donor.dtype))


def _moved(view: View, region: str, number: int) -> Mask | None:
    mask = view.mask(region)
    places = [] if mask is None else elsewhere(mask)
    return places[number] if number < len(places) else None


def elsewhere(mask: Mask) -> list[Mask]:
    """The same shape at other places, around the image's edges: as far from itself as it can be.

    mask: (height, width).

    Returns:
      At most `ELSEWHERE` masks; fewer where it would lie half on itself.
    """
    height, width = mask.shape
    offsets = sorted(
        {
            (round(row * height / _PLACES), round(column * width / _PLACES))
            for row in range(_PLACES)
            for column in range(_PLACES)
        }
    )
    taken, found = mask.astype(int), []
    for _ in range(ELSEWHERE):
        moved = [np.roll(mask, offset, (0, 1)) for offset in offsets]
        common = [float(taken[each].sum()) / mask.sum() for each in moved]
        far = [_distance(offset, mask.shape) for offset in offsets]
        best = min(range(len(moved)), key=lambda at: (common[at], -far[at]))
        if common[best] > _MOST_COMMON:
            break
        found.append(moved[best])
        taken = taken + moved[best]
    return found


def _distance(offset: tuple[int, int], shape: tuple[int, ...]) -> float:
    """How far a place is, around the edges."""
    return math.hypot(*(min(by, side - by) for by, side in zip(offset, shape, strict=True)))
