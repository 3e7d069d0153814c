"""Named regions: each swapped and hidden, all else swapped, and the same elsewhere as a reference."""

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.edits.base import HIDDEN, SWAPPED, Edit, Mask, Part, Variant, View
from tensorboard_picasso.summary.kit.images import Array, Size
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
        return [variant for name in names for variant in _of(name, _row_of(name))]


def _row_of(region: str) -> str:
    """Its name among the edits: another than that of a place, such as the border."""
    from tensorboard_picasso.summary import edits  # which finds this module

    return f"region {region}" if region in edits.known() else region


def _of(region: str, name: str) -> list[Variant]:
    inside = Part(
        name,
        f'the region "{region}"',
        partial(_mask, region=region),
        partial(_donor, region=region, inside=True),
        region,
    )
    outside = Part(
        f"all but {name}",
        f'all but the region "{region}"',
        partial(_outside, region=region),
        partial(_donor, region=region, inside=False),
        region,
    )
    asked = [inside.variant(SWAPPED), inside.variant(HIDDEN), outside.variant(SWAPPED)]
    for number in range(ELSEWHERE):
        moved = Part(
            name,
            f'the region "{region}" moved to another place',
            partial(_moved, region=region, number=number),
            partial(_donor, region=region, inside=False),
            region,
        )
        for form in (SWAPPED, HIDDEN):
            row = f"{name} elsewhere ({number + 1}), {form}"
            asked.append(moved.variant(form, row, f"{name}, {form}"))
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
    return np.where(kept[..., None], donor, mean.astype(donor.dtype))


def _moved(view: View, region: str, number: int) -> Mask | None:
    mask = view.mask(region)
    places = () if mask is None else elsewhere(mask)
    return places[number] if number < len(places) else None


def elsewhere(mask: Mask) -> tuple[Mask, ...]:
    """The same shape at other places, as little on itself as can be.

    Mirrored, as that is as far from the middle, where objects are; else moved, around the image's
    edges, as far as can be.

    mask: (height, width), or (depth, height, width).

    Returns:
      At most `ELSEWHERE` masks; fewer where it would lie half on itself.
    """
    return _elsewhere(mask.tobytes(), mask.shape)


# Each is asked for once a place and form, and a mask may be that of all images.
@lru_cache(maxsize=4)
def _elsewhere(mask_bytes: bytes, shape: Size) -> tuple[Mask, ...]:
    mask = np.frombuffer(mask_bytes, bool).reshape(shape)
    axes = range(len(shape))
    turned = (each for count in axes for each in combinations(axes, len(axes) - count))
    mirrored = [np.flip(mask, each) for each in turned]
    taken, found = mask.astype(int), []
    for _ in range(ELSEWHERE):
        common = _common(taken, mask)
        place = min(_offsets(shape), key=lambda at: common[at])
        moved = [*mirrored, np.roll(mask, place, tuple(axes))]
        least = min(moved, key=lambda each: int(taken[each].sum()))
        if taken[least].sum() > _MOST_COMMON * mask.sum():
            break
        found.append(least)
        taken = taken + least
    return tuple(found)


@lru_cache(maxsize=4)
def _offsets(shape: Size) -> list[Size]:
    """By how much a region may be moved, the farthest first, around the edges."""
    steps = ([round(at * side / _PLACES) % side for at in range(_PLACES)] for side in shape)
    offsets = set(product(*steps))

    def distance(offset: Size) -> float:
        return math.hypot(*(min(by, side - by) for by, side in zip(offset, shape, strict=True)))

    return sorted(offsets, key=lambda at: (-distance(at), at))


def _common(taken: NDArray[np.int64], mask: Mask) -> NDArray[np.float64]:
    """How much of `taken` lies under a mask that was moved, for each place, of its shape."""
    spectrum = np.fft.rfftn(taken) * np.conj(np.fft.rfftn(mask))
    return np.rint(np.fft.irfftn(spectrum, s=mask.shape, axes=tuple(range(mask.ndim))))
