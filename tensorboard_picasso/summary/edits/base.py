"""What an edit is: a plain question, asked of every image, whether the answer survives it."""

import abc
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.kit import content
from tensorboard_picasso.summary.kit.images import Array, resized
from tensorboard_picasso.summary.probe.probe import Probe

Mask = NDArray[np.bool_]

HIDDEN, SWAPPED = "hidden", "swapped"
# Least change, as a share of the values that are black to white, that is one.
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class View:
    """One image that is edited.

    donor: the image of the probe whose pixels or colours are taken; None: there is none.
    """

    probe: Probe
    index: int
    donor: int | None

    @property
    def image(self) -> Array:
        """(height, width, channels), or a volume, of its own dtype and values."""
        return self.probe.images[self.index]

    @property
    def other(self) -> Array | None:
        """The donor's, brought to this image's size."""
        return None if self.donor is None else self._sized(self.probe.images[self.donor])

    def mask(self, region: str) -> Mask | None:
        """A named region of this image."""
        return self.probe.regions[self.index].get(region)

    def other_mask(self, region: str) -> Mask | None:
        """The donor's own, where it is another one than this image's."""
        found = None if self.donor is None else self.probe.regions[self.donor].get(region)
        mask = self.mask(region)
        if found is None or (mask is not None and np.array_equal(found, mask)):
            return None
        return self._sized(found[..., None].astype(np.float32))[..., 0] >= 0.5

    def _sized(self, image: Array) -> Array:
        return resized(image, self.image.shape[:-1])

    def replaced(self, mask: Mask, by: Array) -> Array:
        """The image with the pixels of a mask taken from another one."""
        return np.where(mask[..., None], by, self.image)

    def hidden(self, mask: Mask) -> Array:
        """The image with the pixels of a mask in its mean."""
        return self.replaced(mask, self.probe.filled(self.index, "mean"))

    def differs(self, edited: Array) -> bool:
        """Whether an edit changed anything but a rounding error."""
        if self.image.dtype.kind != "f":
            return not np.array_equal(edited, self.image)
        return not np.allclose(edited, self.image, rtol=0, atol=_LEAST * self.probe.brightness.span)


@dataclass(frozen=True, eq=False)
class Variant:
    """One edit as it is asked and recorded, a row.

    about: its name, what it takes away, its form.
    make: the edited image, of the same shape and dtype; None where it cannot be made of this
      one, as without a donor or the region.
    """

    about: record.Edit
    make: Callable[[View], Array | None]


class Edit(abc.ABC):
    """What may be asked of the images of a probe.

    One is made before training, and asked for its variants at each record; what they make of
    an image is the same each time.

    Attributes:
      name: by which `edits=` asks for it.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def variants(self, probe: Probe) -> Sequence[Variant]:
        """What it asks of a probe: one variant, or one for each form and region."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def key_of(edits: Sequence[Edit]) -> Hashable:
    """Equal for edits that ask the same."""
    return content.key([(type(edit).__qualname__, vars(edit)) for edit in edits])


class WholeImage(Edit):
    """An edit of the image as a whole, of which one variant is asked.

    form: "swapped" where what it takes away is the donor's instead.
    """

    takes: ClassVar[str]
    form: ClassVar[str] = ""

    @property
    def parameters(self) -> Mapping[str, str]:
        """Recorded with it."""
        return {}

    def variants(self, probe: Probe) -> Sequence[Variant]:
        """See `Edit.variants`."""
        about = record.Edit(self.name, self.takes, self.form, parameters=self.parameters)
        return [Variant(about, self.edited)]

    @abc.abstractmethod
    def edited(self, view: View) -> Array | None:
        """The edited image; see `Variant.make`."""


@dataclass(frozen=True)
class Part:
    """A part of an image that is hidden, and swapped for a donor's.

    mask: of an image; None where it has none.
    donor: the donor's pixels; default: as they are.
    """

    name: str
    takes: str
    mask: Callable[[View], Mask | None]
    donor: Callable[[View], Array | None] = field(default=lambda view: view.other)
    region: str = ""

    def variant(self, form: str, name: str = "", matched: str = "") -> Variant:
        """What is asked in one form."""
        what = "from another image, its donor" if form == SWAPPED else "with the image's mean"
        about = record.Edit(
            name or f"{self.name}, {form}",
            f"{self.takes}, filled {what}",
            form,
            self.region,
            matched,
        )
        return Variant(about, self._swapped if form == SWAPPED else self._hidden)

    def _hidden(self, view: View) -> Array | None:
        mask = self.mask(view)
        return None if mask is None else view.hidden(mask)

    def _swapped(self, view: View) -> Array | None:
        mask, donor = self.mask(view), self.donor(view)
        return None if mask is None or donor is None else view.replaced(mask, donor)
