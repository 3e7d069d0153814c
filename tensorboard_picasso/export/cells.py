"""Cells and columns of tables, of a map and of a mean, and the room that these and arrays take."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.bounds import Room
from tensorboard_picasso.numbers.maps import LOCATED, SHARES, STATISTICS, Statistics
from tensorboard_picasso.stored.record import Region


def stack_room(room: Room, *shape: int) -> NDArray[np.float32]:
    """An array to fill, once there is room for it."""
    room.take(4 * math.prod(shape))
    return np.empty(shape, np.float32)


def written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], room: Room) -> str:
    """A table as CSV."""
    stream = _Stream(room)
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


class _Stream(io.StringIO):
    """Text that takes no more than there is room for, which may be two bytes a character."""

    def __init__(self, room: Room) -> None:
        super().__init__(newline="")
        self._room = room

    def write(self, text: str) -> int:
        self._room.take(2 * len(text))
        return super().write(text)


# How tables and charts call what is counted of the strongest pixels.
CALLED = {"pointing": "pointing game", "iou": "IoU"}
_CHANCE, _SECOND = " by chance", " with the second seed"


def statistics_columns(regions: Sequence[str], second: bool = False) -> list[str]:
    """Columns of a map's statistics and of its regions.

    second: whether there are maps of a second seed.
    """
    names = list(dict.fromkeys(regions))
    shares = [f"{part} share of {name}" for name in names for part in SHARES]
    found = [f"{CALLED[part]} of {name}" for name in names for part in LOCATED]
    columns = [*(f"map_{name}" for name in STATISTICS), *shares]
    columns += [f"{each}{more}" for each in found for more in ("", _CHANCE)]
    return columns + [f"{each}{_SECOND}" for each in (*shares, *found) if second]


def statistics_cells(
    regions: Sequence[Region], statistics: Statistics, second: Statistics | None = None
) -> dict[str, str]:
    """What was recorded of a map, by column; second: of that of a second seed."""
    row = {f"map_{name}": cell_of(getattr(statistics, name)) for name in STATISTICS}
    row |= _region_cells(regions, statistics)
    for region in regions:
        for part in LOCATED:
            chance = getattr(region, f"chance_{part}")
            row[f"{CALLED[part]} of {region.name}{_CHANCE}"] = (
                "" if chance is None else cell_of(chance)
            )
    if second is not None:
        row |= {f"{name}{_SECOND}": cell for name, cell in _region_cells(regions, second).items()}
    return row


def _region_cells(regions: Sequence[Region], statistics: Statistics) -> dict[str, str]:
    row = {}
    for region, share in zip(regions, statistics.shares, strict=True):
        for part in SHARES:
            row[f"{part} share of {region.name}"] = cell_of(getattr(share, part))
    # Older records have none.
    for region, found in zip(regions, statistics.located, strict=False):
        for part in LOCATED:
            row[f"{CALLED[part]} of {region.name}"] = cell_of(getattr(found, part))
    return row


def cell_of(value: float) -> str:
    """As it was logged, digit by digit; empty for NaN, which means that there is none."""
    return "" if np.isnan(value) else repr(value)


def name_cell(text: str) -> str:
    """A name from the log that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
