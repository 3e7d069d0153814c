"""Logs made from records alone, without any framework: `python -m tests.kit.logs DIR`."""

import argparse
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.stored import record, record_pb2
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series

CLASSES = 10
HASH = bytes(range(16))


class Log:
    """One event file in a run's directory."""

    def __init__(self, run: Path, name: str = "events.out.tfevents.1.test") -> None:
        run.mkdir(parents=True, exist_ok=True)
        self.path = run / name
        self._file = self.path.open("wb")
        self._writer = RecordWriter(self._file)
        self.event(event_pb2.Event(wall_time=1.0, file_version="brain.Event:2"))

    def event(self, event: event_pb2.Event) -> None:
        self._writer.write(event.SerializeToString())
        self._file.flush()

    def write(
        self, step: int, values: Iterable[tuple[Series, bytes | list[bytes]]], wall: float
    ) -> None:
        summary = summary_pb2.Summary()
        for series, data in values:
            tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING)
            if isinstance(data, list):
                tensor.tensor_shape.dim.add(size=len(data))
            tensor.tensor_shape.SetInParent()
            tensor.string_val.extend(data if isinstance(data, list) else [data])
            metadata = series.summary_metadata()
            summary.value.add(tag=series.tag, tensor=tensor, metadata=metadata)
        self.event(event_pb2.Event(step=step, wall_time=wall, summary=summary))

    def tensor(
        self, step: int, series: Series, tensor: tensor_pb2.TensorProto | None, wall: float
    ) -> None:
        """Whatever tensor under the tag of a series, or none."""
        summary = summary_pb2.Summary()
        value = summary.value.add(tag=series.tag, metadata=series.summary_metadata())
        if tensor is not None:
            value.tensor.CopyFrom(tensor)
        self.event(event_pb2.Event(step=step, wall_time=wall, summary=summary))

    def scalar(self, step: int, tag: str, value: float, wall: float) -> None:
        """An ordinary scalar."""
        summary = summary_pb2.Summary()
        metadata = scalar_metadata.create_summary_metadata(display_name="", description="")
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[value])
        tensor.tensor_shape.SetInParent()
        summary.value.add(tag=tag, tensor=tensor, metadata=metadata)
        self.event(event_pb2.Event(step=step, wall_time=wall, summary=summary))

    def close(self) -> None:
        self._file.close()


class Newer(Series):
    """A series of a format that is still to come."""

    def summary_metadata(self) -> summary_pb2.SummaryMetadata:
        metadata = super().summary_metadata()
        content = record_pb2.Series.FromString(metadata.plugin_data.content)
        content.version = 9
        metadata.plugin_data.content = content.SerializeToString()
        return metadata


def shown(
    size: tuple[int, int], index: int = 0, hash: bytes = HASH, **more: object
) -> record.Input:
    """A blob on a dark ground."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y / height - 0.55, x / width - 0.35 - 0.03 * (index % 10))
    pixels = (255 * np.exp(-((distance / 0.2) ** 2))).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    names = tuple(str(each) for each in range(CLASSES))
    options = {"name": str(index), "label": index % CLASSES, "class_names": names, **more}
    return record.Input(stream.getvalue(), height, width, hash, **options)


EDITS = (
    record.Edit("no colour", "colour", parameters={"luma": "601"}),
    record.Edit("sky, swapped", "the sky", "swapped", "sky"),
    record.Edit(
        "sky elsewhere (1), swapped", "the sky elsewhere", "swapped", "sky", "sky, swapped"
    ),
)


def edits(**changes: object) -> record.Edits:
    random = np.random.default_rng(0)
    shape = (3, 5)
    made = record.Edits(
        output=maps.Output.LOGITS,
        class_count=4,
        edits=EDITS,
        images=tuple(
            record.Edited(HASH, (index % 4,), 3 - index % 4, *((1, 1) if index else ()))
            for index in range(5)
        ),
        whole=random.normal(size=(5, 3)).astype(np.float32),
        edited=random.normal(size=(*shape, 3)).astype(np.float32),
        predicted=random.integers(0, 4, shape).astype(np.uint32),
        moves=random.random(shape).astype(np.float32),
        asked=random.random(shape) < 0.7,
        flips=random.random(shape) < 0.5,
        epoch=0.5,
        nth=3,
        since=10,
        superseded=2,
    )
    return replace(made, **changes)


def example(**changes: object) -> record.Example:
    whole, donor, edited = (shown((6, 8), index).png for index in range(3))
    return replace(record.Example(HASH, whole, donor, {EDITS[1].name: edited}), **changes)


def scores(values: np.ndarray, hidden: dict[str, np.ndarray] | None = None) -> record.Scores:
    parts = tuple(
        record.Hidden(name, "image mean", each.astype(np.float32))
        for name, each in (hidden or {}).items()
    )
    classes = np.arange(len(values), dtype=np.uint32)
    return record.Scores(
        maps.Output.LOGITS,
        len(values),
        classes,
        values.astype(np.float32),
        HASH,
        parts,
        0.5,
        (0, 1),
    )


def moved(said: record.Scores) -> record.Scores:
    """Scores with how hiding regions moves them, as an op records it."""
    parts = tuple(replace(each, move=said.move_of(each)) for each in said.hidden)
    return replace(said, hidden=parts)


def all_scores(images: int) -> dict[int, record.Scores]:
    """Of the images of a probe, which differ in all that may differ."""
    return {
        image: replace(
            scores(np.arange(4.0 + image), {"sky": np.arange(4.0 + image)} if image % 2 else None),
            input_hash=bytes([image]) * 16,
            targets=(image,),
        )
        for image in range(images)
    }


def occlusion(
    values: np.ndarray,
    whole: np.ndarray,
    size: tuple[int, int],
    window: tuple[int, int],
    tops: np.ndarray,
    lefts: np.ndarray,
    targets: tuple[int, ...],
    regions: dict[str, np.ndarray] | None = None,
    fronts: Sequence[int] = (),
    window_depth: int = 0,
) -> record.Attribution:
    """An occlusion record of a grid (tops, lefts, classes) of log-odds; of a volume in sheet form."""
    regions = regions or {}
    grid = record.Grid(
        window, tops, lefts, np.arange(values.shape[2]), whole, values,
        fronts=np.array(fronts, np.uint32), window_depth=window_depth,
    )  # fmt: skip
    answers = []
    for target in targets:
        important = maps.importance(values[:, :, target], whole[target])
        painted = places.paint(important, grid, size)
        statistics = maps.statistics(painted, list(regions.values()))
        answers.append(record.Target(target, float(whole[target]), statistics))
    references = tuple(
        record.Region(name, float(mask.mean()), places.ceiling(mask, grid))
        for name, mask in regions.items()
    )
    return record.Attribution(
        "occlusion", "occlusion", maps.Sign.CONTRIBUTION, "log-odds", "log-odds",
        maps.Output.LOGITS, *size, HASH, tuple(answers), references,
        parameters={"fill": "image mean"}, grid=grid,
        depth=int(fronts[-1]) + window_depth if len(fronts) else 0,
    )  # fmt: skip


def segmented(
    values: np.ndarray,
    whole: np.ndarray,
    labels: np.ndarray,
    targets: tuple[int, ...],
    regions: dict[str, np.ndarray] | None = None,
) -> record.Attribution:
    """An occlusion record of segments (segments, classes) of log-odds."""
    regions = regions or {}
    none = np.empty(0, np.uint32)
    grid = record.Grid(
        (0, 0), none, none, np.arange(values.shape[1], dtype=np.uint32), whole,
        values[:, None], labels.astype(np.int16),
    )  # fmt: skip
    answers = []
    for target in targets:
        painted = places.paint(
            maps.importance(values[:, target], whole[target]), grid, labels.shape
        )
        statistics = maps.statistics(painted, list(regions.values()))
        answers.append(record.Target(target, float(whole[target]), statistics))
    references = tuple(
        record.Region(name, float(mask.mean()), places.ceiling(mask, grid))
        for name, mask in regions.items()
    )
    return record.Attribution(
        "occlusion", "occlusion", maps.Sign.CONTRIBUTION, "log-odds", "log-odds",
        maps.Output.LOGITS, *labels.shape, HASH, tuple(answers), references,
        parameters={"fill": "image mean", "segments": "label map"}, grid=grid,
    )  # fmt: skip


def mean(
    occluded: Sequence[record.Attribution],
    targets: Sequence[int],
    images: Sequence[int] | None = None,
    labelled: bool = True,
) -> record.Mean:
    """The mean record of occlusion records, each image's importance for its target."""
    first = occluded[0]
    grid = first.grid
    values = np.stack(
        [
            maps.importance(each.grid.values[:, :, target], each.grid.whole[target])
            for each, target in zip(occluded, targets, strict=True)
        ]
    )
    values[~np.isfinite(values)] = np.nan
    counts = np.isfinite(values).sum(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # positions where nothing is finite
        means = np.nanmean(values, 0).astype(np.float32)
        errors = np.nanstd(values, 0, ddof=1) / np.sqrt(counts)
    size = (first.height, first.width)
    members = tuple(
        record.Member(image, target, first.input_hash)
        for image, target in zip(images or range(len(targets)), targets, strict=True)
    )
    return record.Mean(
        first.method, first.label, first.sign, first.unit, first.output, first.parameters,
        *size, members, labelled, grid.window, grid.tops, grid.lefts, means,
        errors.astype(np.float32), counts.astype(np.uint32), (),
        maps.statistics(places.paint(means, grid, size)), grid.segments, grid.fronts,
        grid.window_depth, first.depth,
    )  # fmt: skip


def saliency(
    planes: dict[int, np.ndarray],
    sign: maps.Sign = maps.Sign.UNSIGNED,
    label: str = "saliency",
    depth: int = 0,
) -> tuple[record.Attribution, record.Maps]:
    """A saliency record and its maps."""
    size = next(iter(planes.values())).shape
    answers = tuple(
        record.Target(target, 0.0, maps.statistics(each)) for target, each in planes.items()
    )
    about = record.Attribution(
        "saliency", label, sign, "log-odds per unit of input", "log-odds", maps.Output.LOGITS,
        *size, HASH, answers, precision=maps.Precision.Q8, depth=depth,
    )  # fmt: skip
    return about, record.Maps.encode(planes, sign, HASH, depth=depth)


def starts(size: int, window: int, stride: int) -> np.ndarray:
    return np.append(np.arange(0, size - window, stride), size - window)


def image_values(
    image: int,
    said: record.Scores | None,
    occluded: record.Attribution,
    explained: tuple[record.Attribution, record.Maps],
    given: record.Input | None = None,
    probe: str = "p",
) -> list[tuple[Series, bytes | list[bytes]]]:
    """The values of one image at a step, in the order in which an op writes them.

    said: its scores, in a series of its own as up to version 2; None: written elsewhere.
    explained: by saliency. given: what is written once, None where it was.
    """
    inputs = [] if given is None else [(Series(probe, image, Kind.INPUT), record.pack_input(given))]
    about, planes = explained
    if said is not None:
        inputs.append((Series(probe, image, Kind.SCORES), record.pack_scores(said)))
    return [
        *inputs,
        (Series(probe, image, Kind.METHOD, "occlusion", "occlusion"),
         record.pack_attribution(occluded)),
        (Series(probe, image, Kind.METHOD, "saliency", "saliency"),
         record.pack_attribution(about)),
        (Series(probe, image, Kind.MAP, "saliency", "saliency"), record.pack_maps(planes)),
    ]  # fmt: skip


def plausible(
    run: Path, seed: int, steps: Iterable[int], images: int, side: int, probe: str = "digits"
) -> None:
    """A run in which importance moves from a corner onto the blob, and predictions settle."""
    steps = list(steps)
    random = np.random.default_rng(seed)
    window, stride = max(1, round(side / 7)), max(1, round(side / 14))
    tops = starts(side, window, stride)
    centre = (tops + window / 2) / side
    size, windows = (side, side), (window, window)
    corner = np.zeros(size, bool)
    corner[: side // 4, : side // 4] = True
    log = Log(run, f"events.out.tfevents.1.{seed}")
    noise = random.normal(0, 1, (images, CLASSES))
    started = time.time() - 10_000
    for number, step in enumerate(steps):
        progress = number / max(1, len(steps) - 1)
        values: list[tuple[Series, bytes | list[bytes]]] = []
        occluded = []
        said = {}
        for image in range(images):
            label = image % CLASSES
            logits = (1 - progress) * noise[image] + random.normal(0, 0.1, CLASSES)
            logits[label] += 6 * progress * (1 - image / images / 2)
            others = [np.logaddexp.reduce(np.delete(logits, k)) for k in range(CLASSES)]
            odds = logits - np.array(others)
            row = np.hypot(centre[:, None] - 0.55, centre[None, :] - 0.35 - 0.03 * (image % 10))
            edge = np.hypot(centre[:, None] - 0.1, centre[None, :] - 0.1)
            drop = 4 * progress * np.exp(-((row / 0.2) ** 2))
            drop = drop + 3 * (1 - progress) * np.exp(-((edge / 0.2) ** 2))
            weights = np.full(CLASSES, -0.3)
            weights[label] = 1
            grid = (odds - drop[:, :, None] * weights).astype(np.float32)
            targets = tuple(dict.fromkeys([label, *map(int, np.argsort(-odds)[:2])]))
            targets = (*targets, *(k for k in range(CLASSES) if k not in targets))[:3]
            hidden = {"corner": odds - 3 * (1 - progress) * weights}
            about = occlusion(
                grid,
                odds.astype(np.float32),
                size,
                windows,
                tops,
                tops,
                targets,
                {"corner": corner},
            )
            occluded.append(about)
            y, x = np.mgrid[:side, :side] / side
            blob = np.exp(-((np.hypot(y - 0.55, x - 0.35) / (0.4 - 0.25 * progress)) ** 2))
            explained = saliency(
                {k: blob * random.random(size) * 10.0 ** (-2 * progress) for k in targets}
            )
            given = shown(size, image, regions={"corner": corner}) if number == 0 else None
            said[image] = moved(scores(odds, hidden))
            values += image_values(image, None, about, explained, given, probe)
        values.append((Series(probe, 0, Kind.ALL_SCORES), record.pack_all_scores(said)))
        values += [(series, record.pack_mean(each)) for series, each in means(probe, occluded)]
        log.write(step, values, started + number)
    log.close()


def means(
    probe: str, occluded: Sequence[record.Attribution]
) -> Iterable[tuple[Series, record.Mean]]:
    """The means over a probe whose labels count up, and over its classes."""
    labels = [image % CLASSES for image in range(len(occluded))]
    for group in (WHOLE_PROBE, *range(CLASSES)):
        images = [k for k, label in enumerate(labels) if group in (WHOLE_PROBE, label)]
        if len(images) > 1:
            name = "" if group == WHOLE_PROBE else str(group)
            series = Series(probe, 0, Kind.MEAN, "occlusion", "occlusion", group, name)
            yield series, mean([occluded[k] for k in images], [labels[k] for k in images], images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logdir", type=Path)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--size", type=int, default=28)
    arguments = parser.parse_args()
    for run in range(arguments.runs):
        directory = arguments.logdir / f"run{run}"
        plausible(directory, run, range(arguments.steps), arguments.images, arguments.size)


if __name__ == "__main__":
    main()
