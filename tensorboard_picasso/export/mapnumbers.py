"""Numbers of a map over training as NPZ and CSV; docs/export.md says what each is."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export.cells import (
    cell_of,
    name_cell,
    stack_room,
    statistics_cells,
    statistics_columns,
    written,
)
from tensorboard_picasso.export.cut import Cut, slice_columns, taken
from tensorboard_picasso.export.drawable import check_alike
from tensorboard_picasso.export.evolution import (
    Evolution,
    Moment,
    predicted,
    prediction,
    probability_of,
    score_of,
)
from tensorboard_picasso.logs.bounds import Room
from tensorboard_picasso.numbers import maps, places, volumes
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.presentation import readings
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored.record import Attribution, Scores
from tensorboard_picasso.version import __version__


def arrays(
    evolution: Evolution,
    room: Room,
    reading: Reading,
    remarks: Sequence[str] = (),
    cut: Cut | None = None,
) -> bytes:
    """The numbers as NPZ; docs/export.md says what each array is.

    room: for the arrays. remarks: what is lacking, for the metadata. cut: of volumes the slice
      whose maps are wanted; None: whole ones.

    Raises:
      ExportError: the image's size or the windows change from step to step.
      TooLargeError: there is not enough room.
    """
    moments, target = evolution.drawn, evolution.target
    abouts = [each.attribution for each in moments]
    newest = abouts[-1]
    check_alike([each.step for each in moments], [_geometry(each) for each in abouts])
    values = stack_room(room, len(moments), newest.height, newest.width)
    kept = {int(k) for each in moments if each.scores for k in each.scores.classes}
    room.take(3 * 4 * len(moments) * len(kept))
    contents: dict[str, Any] = {
        "steps": np.array([each.step for each in moments], np.int64),
        "wall_times": np.array([each.wall for each in moments], np.float64),
        "epochs": np.array([_epoch(each.scores) for each in moments], np.float64),
    }
    if newest.grid is None:
        stored = [each.planes for each in moments if each.planes]
        for row, planes in zip(values, stored, strict=True):
            row[:] = planes.decode(target)
        contents["peaks"] = np.array([each.peak(target) for each in stored])
    else:
        shape = places.shape_of(newest.grid)
        room.take(24 * len(moments) * shape[0] * shape[1])
        for row, moment in zip(values, moments, strict=True):
            row[:] = maps.single(moment.shown(target, reading))
        grids = [
            (readings.windows(about, target, reading), readings.column(about, target))
            for about in abouts
        ]
        contents["windows"] = np.stack([shown for shown, _ in grids if shown is not None])
        contents["hidden_log_odds"] = np.stack(
            [hidden for _, hidden in grids if hidden is not None]
        ).astype(np.float32)
        contents["whole_log_odds"] = np.array(
            [readings.whole_of(each, target) for each in abouts], np.float32
        )
        contents |= placed(newest.grid, newest.depth, contents, "windows", "hidden_log_odds")
    contents["values"] = taken(values, newest, cut)
    contents["means"] = np.array([_mean(each, target) for each in abouts])
    classes, log_odds = _all_scores(moments)
    contents["classes"], contents["log_odds"] = classes, log_odds
    if newest.output is not Output.RAW:
        contents["probabilities"] = maps.probability(log_odds)
    contents["metadata"] = np.array(json.dumps(_metadata(evolution, newest, reading, remarks, cut)))
    stream = io.BytesIO()
    np.savez_compressed(stream, **contents)
    return stream.getvalue()


def table(evolution: Evolution, room: Room, cut: Cut | None = None) -> str:
    """The series as CSV: one row a step; empty where nothing was kept.

    cut: a slice of volumes, whose statistics are wanted too.

    Raises:
      TooLargeError: there is not enough room.
    """
    target = evolution.target
    raw = any(each.scores and each.scores.output is Output.RAW for each in evolution.moments)
    hidden = list(
        dict.fromkeys(
            (part.region, part.fill)
            for moment in evolution.moments
            if moment.scores
            for part in moment.scores.hidden
        )
    )
    regions = [part.name for each in evolution.moments if each.about for part in each.about.regions]
    scores = ["value"] if raw else ["probability", "log_odds"]
    columns = ["step", "wall_time", "epoch", "prediction", "predicted_class", *scores]
    columns += [] if raw or not hidden else [_OF_PREDICTED]
    columns += [
        f"{quantity} with {name} hidden ({fill})"
        for name, fill in hidden
        for quantity in (scores if raw else [*scores, _OF_PREDICTED, *_EFFECT])
    ]
    second = any(each.about and each.about.second_seed is not None for each in evolution.moments)
    of_regions = statistics_columns(regions, second)
    room.check(len(evolution.moments) * (6 * len(hidden) + len(of_regions)))
    columns += of_regions
    if second:
        columns.append(_AGREEMENT)
    source = evolution.newest and evolution.newest.source_index
    group = evolution.newest and evolution.newest.group
    constant: dict[str, Any] = {} if source is None else {"source_index": source}
    constant |= {"group": name_cell(group)} if group else {}
    columns += [*constant, *(slice_columns() if cut else ())]

    def row(moment: Moment) -> dict[str, Any]:
        cells = {"step": moment.step, "wall_time": repr(moment.wall), **constant}
        cells |= _score_cells(evolution, moment.scores)
        return cells | _map_cells(moment.about, target) | _slice_cells(evolution, moment, cut)

    return written(columns, map(row, evolution.moments), room)


_OF_PREDICTED = "probability of the predicted class"
_EFFECT = ("prediction", "prediction changed", "moves")
_AGREEMENT = "rank_correlation_with_second_seed"


def _score_cells(evolution: Evolution, scores: Scores | None) -> dict[str, Any]:
    if scores is None:
        return {}
    best, every = predicted(scores), prediction(scores)
    row: dict[str, Any] = {}
    if every is not None:
        names = ", ".join(map(evolution.name, every))
        row |= {"prediction": " ".join(map(str, every)), "predicted_class": name_cell(names)}
    if scores.epoch is not None:
        row["epoch"] = repr(scores.epoch)
    kinds = [("", scores.values)]
    kinds += [(f" with {each.region} hidden ({each.fill})", each.values) for each in scores.hidden]
    for suffix, values in kinds:
        value = score_of(scores, evolution.target, values)
        if scores.output is Output.RAW:
            row[f"value{suffix}"] = cell_of(value)
            continue
        row[f"probability{suffix}"] = cell_of(probability_of(scores, value))
        row[f"log_odds{suffix}"] = cell_of(value)
        if scores.hidden and best is not None:
            of_best = probability_of(scores, score_of(scores, best, values))
            row[f"{_OF_PREDICTED}{suffix}"] = cell_of(of_best)
    return row | _effect_cells(scores)


def _effect_cells(scores: Scores) -> dict[str, Any]:
    """What hiding each region does to the answer; nothing where that is not known."""
    row: dict[str, Any] = {}
    for hidden in scores.hidden:
        move = scores.move_of(hidden)
        if move is None:
            continue
        values = (move.predicted, int(move.flips), cell_of(move.moves))
        for name, value in zip(_EFFECT, values, strict=True):
            row[f"{name} with {hidden.region} hidden ({hidden.fill})"] = value
    return row


def _map_cells(about: Attribution | None, target: int) -> dict[str, Any]:
    of_target = about and next((each for each in about.targets if each.index == target), None)
    if not about or not of_target:
        return {}
    row = statistics_cells(about.regions, of_target.statistics, of_target.second)
    if of_target.agreement is not None:
        row[_AGREEMENT] = cell_of(of_target.agreement)
    return row


def _slice_cells(evolution: Evolution, moment: Moment, cut: Cut | None) -> dict[str, Any]:
    """Which slice it is, and the statistics of the map in it, as it was recorded."""
    if cut is None or not moment.explains(evolution.target):
        return {}
    target = evolution.target
    stored = None if moment.planes is None else moment.planes.decode(target)
    values = moment.shown(target, Reading.IMPORTANCE) if stored is None else stored
    return cut.cells(values, moment.attribution)


def placed(
    of: places.Placed, depth: int, contents: Mapping[str, Any], *names: str
) -> dict[str, Any]:
    """Where windows or segments lie, and the named arrays by them: steps, then places."""
    if of.segments is not None:
        labels = volumes.natural(of.segments, depth)
        return {"segments": labels, **{name: contents[name][..., 0] for name in names}}
    window = np.array(places.extent(of), np.int64)
    where: dict[str, Any] = {"tops": of.tops, "lefts": of.lefts, "window": window}
    if not len(of.fronts):
        return where
    fronts = len(of.fronts)
    by_front = {name: volumes.natural(contents[name], fronts, 1) for name in names}
    return {"fronts": of.fronts, **where, **by_front}


def _geometry(about: Attribution) -> tuple[Any, ...]:
    grid = about.grid
    return about.height, about.width, about.depth, None if grid is None else places.key(grid)


def _epoch(scores: Scores | None) -> float:
    return float("nan") if scores is None or scores.epoch is None else scores.epoch


def _mean(about: Attribution, target: int) -> float:
    statistics = readings.statistics_of(about, target)
    return float("nan") if statistics is None else statistics.mean


def _all_scores(moments: list[Moment]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All classes ever kept and their log-odds, (steps, classes); NaN where not kept."""
    kept = [each.scores.classes for each in moments if each.scores]
    classes = np.unique(np.concatenate(kept)) if kept else np.empty(0)
    result = np.full((len(moments), len(classes)), np.nan, np.float32)
    for row, moment in zip(result, moments, strict=True):
        if moment.scores:
            row[np.searchsorted(classes, moment.scores.classes)] = moment.scores.values
    return classes.astype(np.int64), result


def _metadata(
    evolution: Evolution,
    about: Attribution,
    reading: Reading,
    remarks: Sequence[str],
    cut: Cut | None,
) -> dict[str, Any]:
    """What the numbers are, of the newest step."""
    subject, newest = evolution.subject, evolution.newest
    return {
        "run": subject.run,
        "probe": subject.probe,
        "image": subject.image,
        "image_name": newest.name if newest else "",
        "source_index": newest.source_index if newest else None,
        "group": newest.group if newest else None,
        "label": newest.label if newest else None,
        "labels": newest.labels if newest else None,
        "method": about.method,
        "method_label": about.label,
        "target": evolution.target,
        "target_name": evolution.name(evolution.target),
        "class_names": list(newest.class_names) if newest else [],
        "reading": reading,
        "unit": "probability" if reading is Reading.SCORE else about.unit,
        "sign": about.sign,
        "score": about.score,
        "output": about.output,
        "layer": about.layer,
        "seed": about.seed,
        "parameters": dict(about.parameters),
        "precision": about.precision,
        "regions": [dict(vars(region)) for region in about.regions],
        "remarks": list(remarks),
        "version": __version__,
        **(cut.told(about) if cut else {}),
    }
