"""One checkpoint of one probe: scores, maps and statistics of all its images."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso import maps, record
from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary.backends.base import BATCH_IMAGES, BATCH_NUMBERS, Backend
from tensorboard_picasso.summary.methods.base import Answer, Method, Subject
from tensorboard_picasso.summary.probe import Probe
from tensorboard_picasso.summary.targets import Choice, Targets

# Scores of up to so many classes are all kept, beyond that the top and the targets.
ALL_CLASSES = 100
TOP_CLASSES = 20


@dataclass(frozen=True)
class Image:
    """What is recorded of one image."""

    choice: Choice
    scores: record.Scores
    attributions: tuple[tuple[record.Attribution, record.Maps | None], ...]


@dataclass(frozen=True)
class Result:
    """What is recorded of a probe at a checkpoint.

    output: what the model's output was taken to be.
    scalars: means over the probe, by name.
    seconds: what it took, without tracing_seconds that only the first one takes.
    """

    images: tuple[Image, ...]
    output: Output
    scalars: Mapping[str, float]
    seconds: float
    tracing_seconds: float


def compute(
    probe: Probe,
    backend: Backend,
    methods: Sequence[Method],
    targets: Sequence[Targets],
    *,
    output: Output | None = None,
    epoch: float | None = None,
) -> Result:
    """Explain a model on a probe.

    Args:
      probe: the images.
      backend: the model.
      methods: which maps to make.
      targets: the memory of each image; it is left as it is.
      output: what was decided at the probe's first checkpoint.
      epoch: recorded with the scores.

    Raises:
      OutputError, AlignmentError, UnsupportedError, ValueError: the probe and
        the model do not go together.
    """
    started = time.perf_counter()
    traced = getattr(backend, "tracing_seconds", 0.0)
    whole, hidden = _scores(probe, backend)
    if output is None:
        output = outputs.decide(whole, probe.output, backend.shown)
    log_odds = outputs.log_odds(whole, output, backend.behind)
    if output is not Output.RAW:
        probe.name_classes(maps.probability(log_odds))
    images = []
    for index in range(len(probe.images)):
        label = probe.labels[index] if probe.labels else None
        choice = targets[index].choose(label, log_odds[index])
        hidden_odds = {
            key: outputs.log_odds(raw[None], output, backend.behind)[0]
            for key, raw in hidden[index].items()
        }
        scores = _record_scores(probe, index, output, log_odds[index], hidden_odds, choice, epoch)
        subject = Subject(probe, index, backend, output, whole[index])
        attributions = tuple(
            _record(subject, method, method.explain(subject, choice.targets), log_odds[index])
            for method in methods
        )
        images.append(Image(choice, scores, attributions))
    tracing = getattr(backend, "tracing_seconds", 0.0) - traced
    scalars = _scalars(probe, images, output)
    seconds = time.perf_counter() - started - tracing
    return Result(tuple(images), output, scalars, seconds, tracing)


def _scores(
    probe: Probe, backend: Backend
) -> tuple[NDArray[Any], list[dict[tuple[str, str], NDArray[Any]]]]:
    """Raw scores of all images, whole and with each region hidden, in one sweep."""
    inputs, keys = [], []
    for index, image in enumerate(probe.images):
        batch, names = [image], [("", "")]
        for fill in probe.region_fills:
            filled = probe.filled(index, fill)
            for name, mask in probe.regions[index].items():
                batch.append(np.where(mask[:, :, None], filled, image))
                names.append((name, probe.fill_name(fill)))
        inputs.append(probe.model_input(np.stack(batch)))
        keys += [(index, *name) for name in names]
    if len({each.shape[1:] for each in inputs}) > 1:
        shapes = sorted({each.shape[1:] for each in inputs})
        raise ValueError(f"preprocess leaves inputs of {len(shapes)} shapes: bring them to one")
    x = np.concatenate(inputs)
    size = max(1, min(BATCH_IMAGES, BATCH_NUMBERS // max(1, x[0].size)))
    raw = np.concatenate([backend.scores(x[at : at + size]) for at in range(0, len(x), size)])
    if raw.ndim != 2 or len(raw) != len(x):
        raise outputs.OutputError(f"the model returns {raw.shape}: scores must be (n, classes)")
    hidden: list[dict[tuple[str, str], NDArray[Any]]] = [{} for _ in probe.images]
    whole = []
    for (index, region, fill), row in zip(keys, raw, strict=True):
        if region:
            hidden[index][region, fill] = row
        else:
            whole.append(row)
    return np.stack(whole), hidden


def _record_scores(
    probe: Probe,
    index: int,
    output: Output,
    log_odds: NDArray[np.float64],
    hidden: Mapping[tuple[str, str], NDArray[np.float64]],
    choice: Choice,
    epoch: float | None,
) -> record.Scores:
    count = log_odds.size
    classes = np.arange(count)
    if count > ALL_CLASSES:
        top = np.argsort(-log_odds, kind="stable")[:TOP_CLASSES]
        classes = np.unique([*top, *choice.targets])
    return record.Scores(
        output=output,
        class_count=count,
        classes=classes.astype(np.uint32),
        values=log_odds[classes].astype(np.float32),
        input_hash=probe.hashes[index],
        hidden=tuple(
            record.Hidden(region, fill, odds[classes].astype(np.float32))
            for (region, fill), odds in hidden.items()
        ),
        epoch=epoch,
        targets=choice.targets,
        lasting=choice.lasting,
        dropped=choice.dropped,
    )


def _record(
    subject: Subject, method: Method, answer: Answer, log_odds: NDArray[np.float64]
) -> tuple[record.Attribution, record.Maps | None]:
    probe, index = subject.probe, subject.index
    masks = probe.regions[index]
    height, width = subject.image.shape[:2]
    targets = []
    for target, values in answer.maps.items():
        whole = log_odds[target]
        if answer.grid is not None:
            whole = answer.grid.whole[np.flatnonzero(answer.grid.classes == target)[0]]
        statistics = maps.statistics(values, list(masks.values()), answer.rounding)
        targets.append(record.Target(target, float(whole), statistics))
    attribution = record.Attribution(
        method=method.name,
        label=method.label,
        sign=answer.sign,
        unit=answer.unit,
        score=answer.score,
        output=subject.output,
        height=height,
        width=width,
        input_hash=probe.hashes[index],
        targets=tuple(targets),
        regions=tuple(
            record.Region(name, float(mask.mean()), _ceiling(mask, answer.grid))
            for name, mask in masks.items()
        ),
        layer=answer.layer,
        parameters=dict(answer.parameters),
        grid=answer.grid,
        precision=answer.precision,
    )
    if answer.precision is None:
        return attribution, None
    stored = record.Maps.encode(
        answer.maps, answer.sign, probe.hashes[index], answer.precision, answer.unseen
    )
    return attribution, stored


def _ceiling(mask: NDArray[np.bool_], grid: record.Grid | None) -> float | None:
    return None if grid is None else maps.ceiling(mask, grid.tops, grid.lefts, grid.window)


def _scalars(probe: Probe, images: Sequence[Image], output: Output) -> dict[str, float]:
    """Means over the probe that ordinary scalar dashboards can show."""
    collected: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        if math.isfinite(value):
            collected.setdefault(name, []).append(value)

    of = "value" if output is Output.RAW else "probability"
    for index, image in enumerate(images):
        if probe.labels:
            at = np.flatnonzero(image.scores.classes == probe.labels[index])[0]
            add(f"{of} of the true class", _read(output, image.scores.values[at]))
            for each in image.scores.hidden:
                name = f"{of} of the true class without {each.region}"
                if len(probe.region_fills) > 1:
                    name += f" ({each.fill})"
                add(name, _read(output, each.values[at]))
        for attribution, _ in image.attributions:
            # The label where there is one, else the newest prediction's head.
            first = attribution.targets[0]
            for region, part in zip(attribution.regions, first.statistics.shares, strict=True):
                add(f"{attribution.label}/share of {region.name}", part.of(attribution.sign))
    return {name: float(np.mean(values)) for name, values in collected.items()}


def _read(output: Output, value: float) -> float:
    return float(value if output is Output.RAW else maps.probability(value))
