"""Entries: what an answer holds of one record, as JSON with references to its pack's numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorboard_picasso.logs.records import Stored
from tensorboard_picasso.numbers.maps import SHARES, STATISTICS, Statistics
from tensorboard_picasso.numbers.moves import Move
from tensorboard_picasso.numbers.steps import exact
from tensorboard_picasso.serving.pack import Json, Pack, dumped
from tensorboard_picasso.stored import record


def when(stored: Stored, digest: bytes) -> dict[str, Any]:
    """Step and wall time of a record, and the hash of its input."""
    return {"step": exact(stored.step), "wall": stored.wall, "hash": digest.hex()}


class Listed:
    """What repeats from record to record, listed once."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._places: dict[str, int] = {}
        self._last: tuple[Any, int] = (None, -1)

    @property
    def all(self) -> list[Json]:
        """What was placed, in its order."""
        return [Json(each) for each in self._places]

    def place(self, about: Any) -> int:
        """Index of these settings, or names, in the list."""
        # Mostly those of the record before.
        if self._last[0] != about:
            text = dumped(about)
            if text not in self._places:
                self._pack.room.take(len(text))
            self._last = about, self._places.setdefault(text, len(self._places))
        return self._last[1]


def move_of(found: Move | None) -> dict[str, Any]:
    """How far hiding a region moves the answer; nulls where that is not known."""
    if found is None:
        return {"moves": None, "flips": None, "predicted": None}
    return {"moves": found.moves, "flips": found.flips, "predicted": found.predicted}


def settings_of(each: record.Attribution) -> dict[str, Any]:
    """What was used for a map."""
    geometry = None
    if each.grid is not None:
        geometry = {
            "window": list(each.grid.window),
            "tops": each.grid.tops.tolist(),
            "lefts": each.grid.lefts.tolist(),
            "classes": each.grid.classes.tolist(),
        }
    return {
        "method": each.method,
        "sign": each.sign,
        "unit": each.unit,
        "score": each.score,
        "output": each.output,
        "layer": each.layer,
        "seed": None if each.seed is None else exact(each.seed),
        "parameters": dict(each.parameters),
        "height": each.height,
        "width": each.width,
        "precision": each.precision,
        "regions": regions_of(each.regions),
        "geometry": geometry,
    }


def mean_settings_of(each: record.Mean) -> dict[str, Any]:
    """What was used for a mean, and whose it is."""
    return {
        "method": each.method,
        "sign": each.sign,
        "unit": each.unit,
        "output": each.output,
        "parameters": dict(each.parameters),
        "height": each.height,
        "width": each.width,
        "labelled": each.labelled,
        "members": [
            {"image": part.image, "target": part.target, "hash": part.input_hash.hex()}
            for part in each.members
        ],
        "regions": regions_of(each.regions),
        "geometry": {
            "window": list(each.window),
            "tops": each.tops.tolist(),
            "lefts": each.lefts.tolist(),
        },
    }


def regions_of(regions: Sequence[record.Region]) -> list[dict[str, Any]]:
    """What the shares of regions are to be compared with."""
    return [{"name": each.name, "area": each.area, "ceiling": each.ceiling} for each in regions]


def row_of(target: record.Target) -> list[float]:
    """The log-odds of a target for the whole image, then its statistics."""
    return [target.whole, *numbers_of(target.statistics)]


def second_of(pack: Pack, each: record.Attribution) -> dict[str, Any] | None:
    """The second seed, and how the maps of both agree; one number a target, NaN: none."""
    if each.second_seed is None:
        return None
    known = [math.nan if at.agreement is None else at.agreement for at in each.targets]
    return {"seed": exact(each.second_seed), "agreement": pack.add(known, "f8")}


def numbers_of(statistics: Statistics) -> list[float]:
    """The statistics in the order of their names, then of each region the parts of its share."""
    row = [getattr(statistics, name) for name in STATISTICS]
    return row + [getattr(share, name) for share in statistics.shares for name in SHARES]


def maps_of(pack: Pack, at: tuple[int, int, float], stored: record.Maps) -> dict[str, Any]:
    """The maps of an image at a step and wall time, as they are stored."""
    return {
        "image": at[0],
        "step": exact(at[1]),
        "wall": at[2],
        "hash": stored.input_hash.hex(),
        "height": stored.height,
        "width": stored.width,
        "sign": stored.sign,
        "precision": stored.precision,
        "unseen": None if stored.unseen is None else pack.add(np.packbits(stored.unseen), "u1"),
        "planes": [
            {
                "target": plane.target,
                "peak": plane.peak,
                "values": pack.add(plane.values, "u1"),
                "special": pack.add(plane.special, "u1") if plane.special else None,
                "differences": plane.differences,
            }
            for plane in stored.planes
        ],
    }
