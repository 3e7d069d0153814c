"""Entries: what an answer holds of one record, as JSON with references to its pack's numbers."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.records import Stored
from tensorboard_picasso.numbers import places
from tensorboard_picasso.numbers.maps import SHARES, STATISTICS, Statistics
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


class LabelMaps:
    """Which segments pixels are of: what repeats from record to record is in the pack once."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._placed: dict[str, dict[str, Any]] = {}

    def place(self, labels: NDArray[np.int16]) -> dict[str, Any]:
        """What the header says of one; `key` tells it apart."""
        key = hashlib.blake2b(labels.tobytes(), digest_size=8).hexdigest()
        if key not in self._placed:
            added = self._pack.add(labels, "i2")
            self._placed[key] = {"key": key, "count": int(labels.max()) + 1, "labels": added}
        return self._placed[key]


def size_of(of: record.Input | record.Attribution | record.Mean | record.Maps) -> dict[str, int]:
    """Height and width, of a volume those of its sheet, and how many slices it has."""
    depth = {"depth": of.depth} if of.depth else {}
    return {"height": of.height, "width": of.width, **depth}


def _geometry_of(placed: places.Placed, label_maps: LabelMaps) -> dict[str, Any]:
    """Where windows lie, or segments."""
    geometry: dict[str, Any] = {
        "window": list(placed.window),
        "tops": placed.tops.tolist(),
        "lefts": placed.lefts.tolist(),
    }
    if len(placed.fronts):
        geometry["fronts"] = placed.fronts.tolist()
        geometry["window_depth"] = placed.window_depth
    if placed.segments is not None:
        geometry["segments"] = label_maps.place(placed.segments)
    return geometry


def settings_of(attribution: record.Attribution, label_maps: LabelMaps) -> dict[str, Any]:
    """What was used for a map."""
    geometry = None
    if attribution.grid is not None:
        geometry = _geometry_of(attribution.grid, label_maps)
        geometry["classes"] = attribution.grid.classes.tolist()
    return {
        "method": attribution.method,
        "sign": attribution.sign,
        "unit": attribution.unit,
        "score": attribution.score,
        "output": attribution.output,
        "layer": attribution.layer,
        "seed": None if attribution.seed is None else exact(attribution.seed),
        "parameters": dict(attribution.parameters),
        **size_of(attribution),
        "precision": attribution.precision,
        "regions": regions_of(attribution.regions),
        "geometry": geometry,
    }


def mean_settings_of(mean: record.Mean, label_maps: LabelMaps) -> dict[str, Any]:
    """What was used for a mean, and whose it is."""
    return {
        "method": mean.method,
        "sign": mean.sign,
        "unit": mean.unit,
        "output": mean.output,
        "parameters": dict(mean.parameters),
        **size_of(mean),
        "labelled": mean.labelled,
        "members": [
            {"image": member.image, "target": member.target, "hash": member.input_hash.hex()}
            for member in mean.members
        ],
        "regions": regions_of(mean.regions),
        "geometry": _geometry_of(mean, label_maps),
    }


def asked_of(edits: record.Edits) -> dict[str, Any]:
    """Which edits were made of which images."""
    return {
        "output": edits.output,
        "value_name": edits.value_name,
        "labelled": edits.labelled,
        "edits": [{**vars(each), "parameters": dict(each.parameters)} for each in edits.edits],
        "images": [
            {
                "hash": image.input_hash.hex(),
                "truths": list(image.truths),
                "donor": image.donor,
                "donor_class": image.donor_class,
                "group": image.group,
            }
            for image in edits.images
        ],
    }


def regions_of(regions: Sequence[record.Region]) -> list[dict[str, Any]]:
    """What the shares of regions are to be compared with."""
    return [dict(vars(region)) for region in regions]


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
        **size_of(stored),
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
