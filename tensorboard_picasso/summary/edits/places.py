"""Bands, the border and the corners, each hidden and swapped for an image's of another class."""

import abc
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tensorboard_picasso.summary.edits.base import HIDDEN, SWAPPED, Edit, Mask, Part, Variant, View
from tensorboard_picasso.summary.probe.probe import Probe

# Of the shorter side: how broad a border is, and a corner's side.
_BORDER = 1 / 8
_CORNER = 1 / 4


class Place(Edit):
    """A place that is the same in every image, and in every slice of a volume."""

    takes: ClassVar[str]

    def variants(self, probe: Probe) -> Sequence[Variant]:
        """See `Edit.variants`: swapped, then hidden."""
        part = Part(self.name, self.takes, self._mask)
        return [part.variant(form) for form in (SWAPPED, HIDDEN)]

    def _mask(self, view: View) -> Mask | None:
        shape = view.image.shape[:-1]
        mask = np.zeros(shape[-2:], bool)
        self.mark(mask)
        return None if mask.all() or not mask.any() else np.broadcast_to(mask, shape)

    @abc.abstractmethod
    def mark(self, mask: Mask) -> None:
        """Set what lies in the place; mask: (height, width), all False."""


def _third(side: int, number: int) -> slice:
    return slice(round(number * side / 3), round((number + 1) * side / 3))


class Top(Place):
    """The upper third."""

    name, takes = "top", "the upper third"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[_third(mask.shape[0], 0)] = True


class Middle(Place):
    """The third between top and bottom."""

    name, takes = "middle", "the third between top and bottom"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[_third(mask.shape[0], 1)] = True


class Bottom(Place):
    """The lower third."""

    name, takes = "bottom", "the lower third"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[_third(mask.shape[0], 2)] = True


class Left(Place):
    """The left third."""

    name, takes = "left", "the left third"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[:, _third(mask.shape[1], 0)] = True


class Centre(Place):
    """The third between left and right."""

    name, takes = "centre", "the third between left and right"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[:, _third(mask.shape[1], 1)] = True


class Right(Place):
    """The right third."""

    name, takes = "right", "the right third"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        mask[:, _third(mask.shape[1], 2)] = True


class Border(Place):
    """A frame of an eighth of the shorter side."""

    name, takes = "border", "a frame of an eighth of the shorter side"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        broad = _broad(mask, _BORDER)
        mask[:] = True
        mask[broad:-broad, broad:-broad] = False


class Inside(Place):
    """All but that frame."""

    name, takes = "inside", "all but a frame of an eighth of the shorter side"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        broad = _broad(mask, _BORDER)
        mask[broad:-broad, broad:-broad] = True


class Corners(Place):
    """Four squares of a quarter of the shorter side."""

    name, takes = "corners", "four squares of a quarter of the shorter side"

    def mark(self, mask: Mask) -> None:
        """See `Place.mark`."""
        side = _broad(mask, _CORNER)
        for rows in (slice(None, side), slice(-side, None)):
            for columns in (slice(None, side), slice(-side, None)):
                mask[rows, columns] = True


def _broad(mask: Mask, share: float) -> int:
    return max(1, round(share * float(min(mask.shape))))
