"""One checkpoint of one probe: scores, maps and statistics of all its images."""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso import maps, record
from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary import means
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary.backends.base import Backend, batches
from tensorboard_picasso.summary.methods.base import Answer, Method, RandomMethod, Subject
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
    means: over groups of images, of the methods with a grid.
    scalars: means over the probe by name, for each method's label; those of the
      class scores under "". Nothing where no image has a number: charts draw a gap.
    seconds: what it took, without tracing_seconds that only the first one takes, and
      without second_seed_seconds that few take.
    """

    images: tuple[Image, ...]
    output: Output
    means: tuple[tuple[means.Group, record.Mean], ...]
    scalars: Mapping[str, Mapping[str, float]]
    seconds: float
    tracing_seconds: float
    second_seed_seconds: float


def compute(
    probe: Probe,
    backend: Backend,
    methods: Sequence[Method],
    targets: Sequence[Targets],
    *,
    output: Output | None = None,
    second_seeds: Collection[str] = (),
    epoch: float | None = None,
) -> Result:
    """Explain a model on a probe.

    Args:
      probe: the images.
      backend: the model.
      methods: which maps to make.
      targets: the memory of each image; it is left as it is.
      output: what was decided at the probe's first checkpoint.
      second_seeds: labels of the random methods to compute with a second seed too.
      epoch: recorded with the scores.

    Raises:
      OutputError, AlignmentError, UnsupportedError, ValueError: the probe and
        the model do not go together.
    """
    started = time.perf_counter()
    traced = backend.tracing_seconds
    if output is None:
        _check_preprocess(probe)
    inputs, whole, hidden = _scores(probe, backend)
    if output is None:
        output = outputs.decide(whole, probe.output, backend.shown, backend.behind)
    log_odds = outputs.log_odds(whole, output, backend.behind)
    probe.check_classes(log_odds.shape[1])
    if output is not Output.RAW:
        probe.name_classes(maps.probability(log_odds))
    choices = [
        memory.choose(probe.labels[index] if probe.labels else None, log_odds[index])
        for index, memory in enumerate(targets)
    ]
    subjects = [
        Subject(probe, index, backend, output, inputs[index], whole[index], choice.targets)
        for index, choice in enumerate(choices)
    ]
    answers = [method.explain(subjects) for method in methods]
    tracing = backend.tracing_seconds - traced
    began = time.perf_counter()
    seconds = [
        method.second.explain(subjects)
        if isinstance(method, RandomMethod) and method.label in second_seeds
        else [None] * len(subjects)
        for method in methods
    ]
    extra = time.perf_counter() - began
    images = []
    for index, subject in enumerate(subjects):
        hidden_odds = {key: subject.log_odds(raw[None])[0] for key, raw in hidden[index].items()}
        scores = _record_scores(subject, log_odds[index], hidden_odds, choices[index], epoch)
        attributions = tuple(
            _record(subject, method, answer[index], log_odds[index], second[index])
            for method, answer, second in zip(methods, answers, seconds, strict=True)
        )
        images.append(Image(choices[index], scores, attributions))
    heads = [choice.head for choice in choices]
    averaged = [
        mean
        for method, answer in zip(methods, answers, strict=True)
        for mean in means.of_method(method, subjects, answer, heads)
    ]
    scalars = _scalars(probe, images, output)
    took = time.perf_counter() - started - tracing - extra
    return Result(tuple(images), output, tuple(averaged), scalars, took, tracing, extra)


def _check_preprocess(probe: Probe) -> None:
    """A random `preprocess` would explain other images than those shown."""
    image = probe.images[0][None]
    if not np.array_equal(probe.model_input(image), probe.model_input(image), equal_nan=True):
        raise ValueError("preprocess is random: pass one that gives the same for the same images")


def _scores(
    probe: Probe, backend: Backend
) -> tuple[list[NDArray[Any]], NDArray[Any], list[dict[tuple[str, str], NDArray[Any]]]]:
    """Score all images, whole and with each region hidden, in one sweep.

    Returns:
      One model input an image; raw scores (images, classes); and for each image
      raw scores (classes,) by region and fill.
    """
    inputs, keys = [], []
    for index, image in enumerate(probe.images):
        batch, names = [image], [("", "")]
        for fill in probe.region_fills if probe.regions[index] else ():
            filled = probe.filled(index, fill)
            for name, mask in probe.regions[index].items():
                batch.append(np.where(mask[:, :, None], filled, image))
                names.append((name, probe.fill_name(fill)))
        inputs.append(probe.model_input(np.stack(batch)))
        keys += [(index, *name) for name in names]
    shapes = sorted({each.shape[1:] for each in inputs})
    if len(shapes) > 1:
        raise ValueError(f"preprocess leaves inputs of shapes {shapes}: bring them to one")
    x = np.concatenate(inputs)
    raw = np.concatenate([backend.scores(x[part]) for part in batches(len(x), x[0].size)])
    if raw.ndim != 2 or len(raw) != len(x):
        raise outputs.OutputError(f"the model returns {raw.shape}: scores must be (n, classes)")
    whole = np.stack([row for key, row in zip(keys, raw, strict=True) if not key[1]])
    hidden: list[dict[tuple[str, str], NDArray[Any]]] = [{} for _ in probe.images]
    for (index, region, fill), row in zip(keys, raw, strict=True):
        if region:
            hidden[index][region, fill] = row
    return [each[0] for each in inputs], whole, hidden


def _record_scores(
    subject: Subject,
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
        output=subject.output,
        class_count=count,
        classes=classes.astype(np.uint32),
        values=log_odds[classes].astype(np.float32),
        input_hash=subject.probe.hashes[subject.index],
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
    subject: Subject,
    method: Method,
    answer: Answer,
    log_odds: NDArray[np.float64],
    second: Answer | None,
) -> tuple[record.Attribution, record.Maps | None]:
    probe, index = subject.probe, subject.index
    masks = probe.regions[index]
    stored = _stored(subject, method, answer)
    other = None if second is None else _stored(subject, method, second)
    agreements = _agreements(stored, other)
    targets = []
    for target, values in answer.maps.items():
        whole = log_odds[target]
        if answer.grid is not None:
            whole = answer.grid.whole[np.flatnonzero(answer.grid.classes == target)[0]]
        statistics = maps.statistics(values, list(masks.values()), answer.rounding)
        targets.append(record.Target(target, float(whole), statistics, agreements.get(target)))
    attribution = record.Attribution(
        method=method.name,
        label=method.label,
        sign=method.sign,
        unit=answer.unit,
        score=answer.score,
        output=subject.output,
        height=subject.shape[0],
        width=subject.shape[1],
        input_hash=probe.hashes[index],
        targets=tuple(targets),
        regions=tuple(
            record.Region(name, float(mask.mean()), _ceiling(mask, answer.grid))
            for name, mask in masks.items()
        ),
        layer=answer.layer,
        seed=answer.seed,
        second_seed=second.seed if second else None,
        parameters=dict(answer.parameters),
        grid=answer.grid,
        precision=answer.precision,
    )
    return attribution, stored


def _stored(subject: Subject, method: Method, answer: Answer) -> record.Maps | None:
    """An answer's maps as they are stored, None where they are made from a grid."""
    if answer.precision is None:
        return None
    digest = subject.probe.hashes[subject.index]
    return record.Maps.encode(answer.maps, method.sign, digest, answer.precision, answer.unseen)


def _agreements(first: record.Maps | None, second: record.Maps | None) -> dict[int, float]:
    """Rank correlation of two seeds' maps by target.

    Both are compared as they are stored, as a reader compares maps of two steps.
    """
    if first is None or second is None:
        return {}
    targets = [plane.target for plane in first.planes]
    return {
        each: maps.rank_correlation(first.decode(each), second.decode(each)) for each in targets
    }


def _ceiling(mask: NDArray[np.bool_], grid: record.Grid | None) -> float | None:
    return None if grid is None else maps.ceiling(mask, grid.tops, grid.lefts, grid.window)


def _scalars(probe: Probe, images: Sequence[Image], output: Output) -> dict[str, dict[str, float]]:
    """Means over the probe that ordinary scalar dashboards can show; see `Result`."""
    collected: dict[str, dict[str, list[float]]] = {}

    def add(label: str, name: str, value: float) -> None:
        if math.isfinite(value):
            collected.setdefault(label, {}).setdefault(name, []).append(value)

    truth = f"{'value' if output is Output.RAW else 'probability'} of the true class"
    for index, image in enumerate(images):
        if probe.labels:
            at = np.searchsorted(image.scores.classes, probe.labels[index])
            add("", truth, _read(output, image.scores.values[at]))
            for each in image.scores.hidden:
                fill = f" ({each.fill})" if len(probe.region_fills) > 1 else ""
                add("", f"{truth}, {each.region} hidden{fill}", _read(output, each.values[at]))
        for attribution, _ in image.attributions:
            # The label where there is one, else the caller's class or the newest prediction.
            first = attribution.targets[0]
            for region, share in zip(attribution.regions, first.statistics.shares, strict=True):
                add(attribution.label, f"share of {region.name}", share.of(attribution.sign))
    return {
        label: {name: float(np.mean(values)) for name, values in named.items()}
        for label, named in collected.items()
    }


def _read(output: Output, value: float) -> float:
    return float(value if output is Output.RAW else maps.probability(value))
