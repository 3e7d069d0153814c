"""The mean over a probe's images of what hiding each window, or segment, does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind
from tensorboard_picasso.summary.explain.regions import Regions
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.methods.base import Answer, Floats, Method, Subject
from tensorboard_picasso.summary.probe.probe import Probe

# One image has no mean that says more than its own map.
FEWEST = 2


@dataclass(frozen=True)
class Group:
    """Images that are averaged.

    index: their class, or `WHOLE_PROBE`. name: what tags call the class, or the group.
    members: each image with the class that its importance is for; with several true labels
      an image is there with each.
    """

    index: int
    name: str
    members: tuple[tuple[int, int], ...]
    kind: Kind = Kind.MEAN


def groups(probe: Probe, predicted: Sequence[int]) -> list[Group]:
    """The whole probe, then each class that is true of an image, then each group that has a name."""
    truths = [probe.truths_of(image) for image in range(len(probe))]
    members = tuple(
        (image, target)
        for image, known in enumerate(truths)
        for target in ((predicted[image],) if known is None else known)
    )
    all_groups = [Group(WHOLE_PROBE, "", members)]
    classes = [] if probe.labels is None else sorted({target for _, target in members})
    for index in classes:
        of_class = tuple(each for each in members if each[1] == index)
        all_groups.append(Group(index, _name(index, probe.class_names), of_class))
    belongs = probe.groups or ()
    for name in sorted({each for each in belongs if each is not None}):
        within = tuple(each for each in members if belongs[each[0]] == name)
        all_groups.append(Group(WHOLE_PROBE, name, within, Kind.GROUP_MEAN))
    return all_groups


def _name(index: int, names: Sequence[str]) -> str:
    """A class's name where it is the only one of that name: tags must differ."""
    name = names[index] if index < len(names) else ""
    return name if name and names.count(name) == 1 else f"class {index}"


def of_method(
    method: Method, subjects: Sequence[Subject], answers: Sequence[Answer], predicted: Sequence[int]
) -> list[tuple[Group, record.Mean]]:
    """Average a method's importance, each image's for its true classes or else its prediction.

    Args:
      method: what answered.
      subjects, answers: one an image of the probe. Without grids, or where the images have
        several sizes or segments of their own, there is no mean.
      predicted: each image's newest prediction, -1 where nothing heads it.

    Returns:
      A mean for each group of two images or more.
    """
    probe, grid = subjects[0].probe, answers[0].grid
    if grid is None or len({(*subject.shape, subject.depth) for subject in subjects}) > 1:
        return []
    if grid.segments is not None and not _same_segments(grid.segments, answers):
        report.tell(
            f"{probe.name}/{method.label}: mean",
            f"{method.label} of probe {probe.name!r} has no mean: its images have segments of their"
            " own",
        )
        return []
    rounding = max(answer.rounding for answer in answers)
    means = []
    for group in groups(probe, predicted):
        # Of many classes a grid holds those that were explained.
        importance = {
            (image, target): values
            for image, target in group.members
            if (values := _importance(answers[image].grid, target)) is not None
        }
        if len({image for image, _ in importance}) >= FEWEST:
            members = tuple(
                record.Member(image, target, probe.hashes[image]) for image, target in importance
            )
            values = np.stack(list(importance.values()))
            mean = _mean(method, subjects[0], answers[0], grid, members, values, rounding)
            means.append((group, mean))
    return means


def _same_segments(labels: places.Labels, answers: Sequence[Answer]) -> bool:
    """Whether all images have the same."""
    others = [answer.grid.segments if answer.grid else None for answer in answers[1:]]
    return all(other is not None and np.array_equal(other, labels) for other in others)


def _importance(grid: record.Grid | None, target: int) -> Floats | None:
    """One a place, of the numbers as stored; None where the grid lacks the class."""
    if grid is None or target not in grid.classes:
        return None
    column = int(np.searchsorted(grid.classes, target))
    return np.asarray(maps.importance(grid.values[:, :, column], grid.whole[column]), np.float64)


def _mean(
    method: Method,
    subject: Subject,
    answer: Answer,
    grid: record.Grid,
    members: tuple[record.Member, ...],
    values: Floats,
    rounding: float,
) -> record.Mean:
    """The record; settings and geometry are those of one answer, as of all."""
    exact, errors, counts = mean_and_error(values)
    # Rounded before anything is made of it: readers have the stored numbers.
    means = maps.single(exact)
    images = [member.image for member in members]
    within = Regions(subject.probe, images[0], _common_regions(subject.probe, images))
    painted = places.paint(means, grid, subject.shape)
    return record.Mean(
        method=method.name,
        label=method.label,
        sign=method.sign,
        unit=answer.unit,
        output=subject.output,
        parameters=dict(answer.parameters),
        height=subject.shape[0],
        width=subject.shape[1],
        depth=subject.depth,
        members=members,
        labelled=subject.probe.labels is not None,
        window=grid.window,
        tops=grid.tops,
        lefts=grid.lefts,
        means=means,
        errors=maps.single(errors),
        counts=counts,
        regions=within.references(grid),
        statistics=within.statistics(painted, method.sign, rounding),
        segments=grid.segments,
        fronts=grid.fronts,
        window_depth=grid.window_depth,
    )


def mean_and_error(values: ArrayLike) -> tuple[Floats, Floats, NDArray[np.uint32]]:
    """Mean over the first axis, its standard error, and of how many values.

    What is not finite is left out. The mean of nothing is NaN, and so is the
    standard error of fewer than two: the standard deviation (one degree of
    freedom less than values) over the square root of their count.
    """
    value = np.asarray(values, np.float64)
    finite = np.isfinite(value)
    count = finite.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(finite, value, 0.0).sum(axis=0) / count
        off = np.where(finite, value - mean, 0.0)
        error = np.sqrt((off**2).sum(axis=0) / (count - 1) / count)
    return mean, np.where(count > 1, error, np.nan), count.astype(np.uint32)


def _common_regions(probe: Probe, images: Sequence[int]) -> list[str]:
    """Regions that lie at the same place in all of the images."""
    others = [probe.regions[image] for image in images[1:]]
    return [
        name
        for name, mask in probe.regions[images[0]].items()
        if all(name in other and np.array_equal(mask, other[name]) for other in others)
    ]
