"""Cuts: which slice of a volume is taken away; a picture is what it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export.cells import cell_of
from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.numbers import maps, volumes
from tensorboard_picasso.numbers.maps import STATISTICS
from tensorboard_picasso.numbers.volumes import Plane
from tensorboard_picasso.stored.record import Attribution, Mean


@dataclass(frozen=True)
class Cut:
    """A slice across a plane; index: which, from 0 on, None: the middle one."""

    plane: Plane = Plane.AXIAL
    index: int | None = None

    def check(self, about: Attribution | Mean) -> None:
        """See that an image has the slice.

        Raises:
          ExportError: it has not.
        """
        if not about.depth:
            raise ExportError("slice, plane: the image is a picture and has no slices")
        last = _shape(about)[self.plane.axis] - 1
        if self.index is not None and self.index > last:
            raise ExportError(f"slice {self.index}: give 0 to {last}")

    def number(self, about: Attribution | Mean) -> int:
        """Which slice it is of a volume."""
        return _shape(about)[self.plane.axis] // 2 if self.index is None else self.index

    def of(self, sheet: NDArray[Any], about: Attribution | Mean) -> NDArray[Any]:
        """The slice of a sheet, (rows, columns)."""
        if not about.depth:
            return sheet
        return volumes.cut(sheet, about.depth, self.plane, self.number(about))

    def size(self, about: Attribution | Mean) -> tuple[int, int]:
        """Rows and columns of what is cut."""
        if not about.depth:
            return about.height, about.width
        rows, columns = (n for axis, n in enumerate(_shape(about)) if axis != self.plane.axis)
        return rows, columns

    def words(self, about: Attribution | Mean) -> str:
        """Which slice it is, and of which; nothing of a picture."""
        if not about.depth:
            return ""
        last = _shape(about)[self.plane.axis] - 1
        return f"{self.plane} slice {self.number(about)} (0 to {last})"

    def told(self, about: Attribution | Mean) -> dict[str, Any]:
        """Which slice it is, by the names of columns."""
        return {"plane": str(self.plane), "slice": self.number(about)}

    def cells(self, sheet: NDArray[Any], about: Attribution | Mean) -> dict[str, Any]:
        """Of a map that slice and its statistics, by column."""
        found = maps.statistics(self.of(sheet, about))
        numbers = {f"slice_{name}": cell_of(getattr(found, name)) for name in STATISTICS}
        return {**self.told(about), **numbers}


def slice_columns() -> list[str]:
    """Those of `Cut.cells`."""
    return ["plane", "slice", *(f"slice_{name}" for name in STATISTICS)]


def taken(sheets: NDArray[Any], about: Attribution | Mean, cut: Cut | None) -> NDArray[Any]:
    """Sheets of several steps, as they are taken away: of volumes the slice, or (steps, depth, height, width)."""
    solid = volumes.natural(sheets, about.depth, 1)
    if cut is None:
        return solid
    return np.asarray(solid.take(cut.number(about), 1 + cut.plane.axis))


def _shape(about: Attribution | Mean) -> tuple[int, int, int]:
    return volumes.shape((about.height, about.width), about.depth)
