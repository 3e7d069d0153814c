"""Cells and columns of tables, of a map and of a mean, and the room that these and arrays take."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.bounds import Room
from tensorboard_picasso.numbers.maps import SHARES, STATISTICS, Statistics
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


def statistics_columns(regions: Sequence[str]) -> list[str]:
    """Columns of a map's statistics and of the shares of regions."""
    shares = [f"{part} share of {name}" for name in dict.fromkeys(regions) for part in SHARES]
    return [*(f"map_{name}" for name in STATISTICS), *shares]


def statistics_cells(regions: Sequence[Region], statistics: Statistics) -> dict[str, str]:
    """What was recorded of a map, by column."""
    row = {f"map_{name}": cell_of(getattr(statistics, name)) for name in STATISTICS}
    for region, share in zip(regions, statistics.shares, strict=True):
        for part in SHARES:
            row[f"{part} share of {region.name}"] = cell_of(getattr(share, part))
    return row


def cell_of(value: float) -> str:
    """As it was logged, digit by digit; empty for NaN, which means that there is none."""
    return "" if np.isnan(value) else repr(value)


def name_cell(text: str) -> str:
    """A name from the log that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
