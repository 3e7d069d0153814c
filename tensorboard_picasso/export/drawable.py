"""The drawable: what pictures are made from, numbers and words of each moment, of a map or of a mean."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.numbers.maps import Floats
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored.record import Attribution, Mean

# How a picture calls a class: by a name that its font has.
Naming = Callable[[int], str]


class At(Protocol):
    """When a moment is."""

    @property
    def step(self) -> int:
        """The step that it was logged at."""


M = TypeVar("M", bound=At)


class Drawable(Protocol[M]):
    """Something over training that can be drawn."""

    @property
    def drawn(self) -> list[M]:
        """The moments that have a map; at least one."""

    @property
    def lacking(self) -> list[str]:
        """Which have none, in words."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, in words."""

    @property
    def inputs_read(self) -> int:
        """How many pictures may have to be decoded."""

    @property
    def words(self) -> list[str]:
        """What it is, for the name of a file."""

    @property
    def where(self) -> list[str]:
        """Where it is logged, for the last line of a picture."""

    @property
    def named(self) -> set[int]:
        """Classes that pictures name."""

    def name(self, index: int) -> str:
        """What a class is called."""

    def fitting(self, asked: str | None) -> Reading:
        """The reading with this name, or the default; raises `ExportError`."""

    def about(self, moment: M) -> Attribution | Mean:
        """What was recorded."""

    def values(self, moment: M, reading: Reading) -> Floats:
        """The map as the tab shows it, (height, width)."""

    def own_scale(self, moment: M, reading: Reading) -> float:
        """What the map alone would take as its scale."""

    def ground(self, moment: M) -> NDArray[np.uint8] | None:
        """The greys below; None where what they are of was not kept, or cannot be decoded."""

    def kept(self, moment: M) -> bool:
        """Whether what they are of was kept."""

    def unseen(self, moment: M) -> NDArray[np.bool_] | None:
        """Pixels that the model never sees, where it is known, or that are never hidden."""

    def subject_of(self, called: Naming) -> str:
        """What hiding makes less likely, in the legend."""

    def caption(self, moment: M, called: Naming) -> tuple[str, str]:
        """The two lines above a map."""

    def remarks(self, moment: M) -> Sequence[str]:
        """What must be said of one map."""


def check_alike(steps: Sequence[int], geometries: Sequence[Any]) -> None:
    """Refuse to make one array of maps of several sizes.

    Raises:
      ExportError: a step's size or windows differ from the last one's.
    """
    for step, geometry in zip(steps, geometries, strict=True):
        if geometry != geometries[-1]:
            raise ExportError(
                f"step {step} has other windows or another size than step"
                f" {steps[-1]}: export one step at a time"
            )
