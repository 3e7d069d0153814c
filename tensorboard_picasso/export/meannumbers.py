"""Numbers of a mean over training as NPZ and CSV; docs/export.md says what each is."""

import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorboard_picasso.export.cells import (
    cell_of,
    stack_room,
    statistics_cells,
    statistics_columns,
    written,
)
from tensorboard_picasso.export.cut import Cut, slice_columns, taken
from tensorboard_picasso.export.drawable import check_alike
from tensorboard_picasso.export.mapnumbers import placed
from tensorboard_picasso.export.means import MeanEvolution, MeanMoment
from tensorboard_picasso.logs.bounds import Room
from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored.metadata import WHOLE_PROBE
from tensorboard_picasso.stored.record import Mean
from tensorboard_picasso.version import __version__


def arrays(
    evolution: MeanEvolution,
    room: Room,
    reading: Reading,
    remarks: Sequence[str] = (),
    cut: Cut | None = None,
) -> bytes:
    """As NPZ.

    room: for the arrays. remarks: what is lacking, for the metadata. cut: as of `mapnumbers`.

    Raises:
      ExportError: the windows or the images' size change from step to step.
      TooLargeError: there is not enough room.
    """
    moments = evolution.drawn
    means = [each.mean for each in moments]
    check_alike([each.step for each in moments], [_geometry(each) for each in means])
    newest = means[-1]
    members = [_by_place(mean) for mean in means]
    places = sorted({place for each in members for place in each})
    values = stack_room(room, len(moments), newest.height, newest.width)
    room.take(16 * len(moments) * len(places))
    for row, moment in zip(values, moments, strict=True):
        row[:] = maps.single(evolution.values(moment, reading))
    contents: dict[str, Any] = {
        "steps": np.array([each.step for each in moments], np.int64),
        "wall_times": np.array([each.wall for each in moments], np.float64),
        "epochs": np.array(
            [np.nan if moment.epoch is None else moment.epoch for moment in moments], np.float64
        ),
        "values": taken(values, newest, cut),
        "windows": np.stack([each.means for each in means]),
        "errors": np.stack([each.errors for each in means]),
        "counts": np.stack([each.counts for each in means]),
        "images": np.array([image for image, _ in places], np.int64),
        "targets": np.array([[of.get(place, -1) for place in places] for of in members]),
        "metadata": np.array(json.dumps(_metadata(evolution, newest, reading, remarks, cut))),
    }
    contents |= placed(newest, newest.depth, contents, "windows", "errors", "counts")
    stream = io.BytesIO()
    np.savez_compressed(stream, **contents)
    return stream.getvalue()


def _by_place(mean: Mean) -> dict[tuple[int, int], int]:
    """Targets by image and which of the image's it is: with several true labels there are more."""
    targets: dict[tuple[int, int], int] = {}
    places: Counter[int] = Counter()
    for member in mean.members:
        targets[member.image, places[member.image]] = member.target
        places[member.image] += 1
    return targets


def table(evolution: MeanEvolution, room: Room, cut: Cut | None = None) -> str:
    """As CSV: one row a step; empty where nothing was kept.

    cut: as of `mapnumbers`.

    Raises:
      TooLargeError: there is not enough room.
    """
    regions = [part.name for each in evolution.drawn for part in each.mean.regions]
    columns = ["step", "wall_time", "epoch", "images", *statistics_columns(regions)]
    columns += slice_columns() if cut else []
    room.check(len(evolution.drawn) * len(columns))

    def row_of(moment: MeanMoment) -> dict[str, Any]:
        mean = moment.mean
        row: dict[str, Any] = {
            "step": moment.step,
            "wall_time": repr(moment.wall),
            "images": len({each.image for each in mean.members}),
        }
        row["epoch"] = "" if moment.epoch is None else cell_of(moment.epoch)
        row |= statistics_cells(mean.regions, mean.statistics)
        if cut is not None:
            row |= cut.cells(evolution.values(moment, Reading.IMPORTANCE), mean)
        return row

    return written(columns, map(row_of, evolution.drawn), room)


def _geometry(mean: Mean) -> tuple[Any, ...]:
    return mean.height, mean.width, mean.depth, places.key(mean)


def _metadata(
    evolution: MeanEvolution,
    mean: Mean,
    reading: Reading,
    remarks: Sequence[str],
    cut: Cut | None,
) -> dict[str, Any]:
    """What the numbers are, of the newest step."""
    subject = evolution.subject
    return {
        "run": subject.run,
        "probe": subject.probe,
        "group": None if subject.group == WHOLE_PROBE else subject.group,
        "group_name": evolution.group_name,
        "labelled": mean.labelled,
        "method": mean.method,
        "method_label": mean.label,
        "class_names": list(evolution.class_names),
        "reading": reading,
        "unit": mean.unit,
        "sign": mean.sign,
        "output": mean.output,
        "parameters": dict(mean.parameters),
        "regions": [dict(vars(region)) for region in mean.regions],
        "remarks": list(remarks),
        "version": __version__,
        **(cut.told(mean) if cut else {}),
    }
