"""Volumes: images with an axis more, whose slices stand beneath each other in a sheet.

What is map-like (maps, masks, labels of segments, pictures) is kept as a sheet, (depth · height,
width): what is counted, stored or compared pixel by pixel need not know of slices. `depth` beside
it says how many there are, 0: it is a picture. Row z · height + y of a sheet is row y of slice z.
"""

import enum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Plane(enum.StrEnum):
    """Which way a volume is cut: across its depth, its height or its width.

    Rows and columns of what is cut are height and width; depth and width; depth and height.
    """

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"

    @property
    def axis(self) -> int:
        """The axis of (depth, height, width) across which it is cut."""
        return list(Plane).index(self)


def natural(sheet: NDArray[Any], depth: int, axis: int = 0) -> NDArray[Any]:
    """A sheet as (depth, height, width); what it is of a picture as it is.

    axis: that of the rows, where others stand before it. Of a grid's values depth is the number
    of fronts, and rows are those of tops.
    """
    if not depth:
        return sheet
    before, rows, after = sheet.shape[:axis], sheet.shape[axis], sheet.shape[axis + 1 :]
    return sheet.reshape(*before, depth, rows // depth, *after)


def sheet(volume: NDArray[Any]) -> NDArray[Any]:
    """The sheet of (depth, height, width, …): slices beneath each other."""
    depth, height, *rest = volume.shape
    return volume.reshape(depth * height, *rest)


def shape(size: tuple[int, int], depth: int) -> tuple[int, int, int]:
    """Depth, height and width of a volume; size: of its sheet."""
    return depth, size[0] // depth, size[1]


def cut(sheet: NDArray[Any], depth: int, plane: Plane, index: int) -> NDArray[Any]:
    """One slice of a sheet, (rows, columns, …) of the plane."""
    return np.asarray(natural(sheet, depth).take(index, plane.axis))
