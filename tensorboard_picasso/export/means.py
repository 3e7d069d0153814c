"""Means over a probe's images over training, as `Drawable`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export.drawable import Naming
from tensorboard_picasso.export.ground import greys
from tensorboard_picasso.export.source import Source, no_step, said
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.records import Problems, Stored, means_of, only, unpacked
from tensorboard_picasso.logs.scores import scores_of
from tensorboard_picasso.numbers import places
from tensorboard_picasso.numbers.maps import Floats
from tensorboard_picasso.presentation import wording
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tensorboard_picasso.stored.record import Input, Mean

Ground = NDArray[np.uint8] | None


@dataclass(frozen=True)
class MeanSubject:
    """Which mean: of a probe in a run under a method's label.

    group: the class whose images are averaged, the name of their group, or `WHOLE_PROBE`.
    """

    run: str
    probe: str
    label: str
    group: int | str = WHOLE_PROBE


@dataclass(frozen=True)
class MeanMoment:
    """The mean at one step; epoch: None where none was logged."""

    step: int
    wall: float
    epoch: float | None
    mean: Mean


@dataclass(frozen=True)
class MeanEvolution:
    """A mean over training.

    drawn: ascending in step. inputs: by image and hash. class_names: of its
    images. problems: what could not be read, in words.
    """

    subject: MeanSubject
    drawn: list[MeanMoment]
    inputs: Mapping[tuple[int, bytes], Input]
    class_names: Sequence[str]
    problems: tuple[str, ...]
    _grounds: dict[tuple[tuple[int, bytes], ...], Ground] = field(default_factory=dict, repr=False)

    @property
    def lacking(self) -> list[str]:
        """Nothing: each step that has a mean is drawn."""
        return []

    @property
    def inputs_read(self) -> int:
        """How many pictures may have to be decoded."""
        return len(self.inputs)

    @property
    def group_name(self) -> str:
        """Whose images are averaged: empty for the whole probe."""
        return "" if self.subject.group == WHOLE_PROBE else self._called(self.name)

    @property
    def words(self) -> list[str]:
        """What it is, for the name of a file."""
        of = f"mean of {self.group_name}" if self.group_name else "mean"
        return [self.subject.run, self.subject.probe, of, self.subject.label]

    @property
    def where(self) -> list[str]:
        """Where it is logged."""
        return [self.subject.run, self.subject.probe, self.subject.label]

    @property
    def named(self) -> set[int]:
        """Classes that pictures name."""
        group = self.subject.group
        return set() if isinstance(group, str) else {group} - {WHOLE_PROBE}

    def name(self, index: int) -> str:
        """What a class is called."""
        names = self.class_names
        return names[index] if index < len(names) and names[index] else str(index)

    def fitting(self, asked: str | None) -> Reading:
        """Importance.

        Raises:
          ExportError: another reading is asked for.
        """
        if asked and asked != Reading.IMPORTANCE:
            raise ExportError(f'reading "{asked}": a mean has importance')
        return Reading.IMPORTANCE

    def about(self, moment: MeanMoment) -> Mean:
        """What was recorded."""
        return moment.mean

    def values(self, moment: MeanMoment, reading: Reading) -> Floats:
        """The painted mean, (height, width)."""
        mean = moment.mean
        shape = (mean.height, mean.width)
        return places.paint(mean.means, mean, shape)

    def own_scale(self, moment: MeanMoment, reading: Reading) -> float:
        """What the mean alone would take as its scale."""
        return moment.mean.statistics.p99

    def ground(self, moment: MeanMoment) -> Ground:
        """The greys of the images' mean; None where one of them has none."""
        key, shape = _images(moment), (moment.mean.height, moment.mean.width)
        if key not in self._grounds:
            pngs = [self.inputs[each].png for each in key] if self.kept(moment) else None
            self._grounds[key] = None if pngs is None else greys(pngs, shape)
        return self._grounds[key]

    def kept(self, moment: MeanMoment) -> bool:
        """Whether all images were kept."""
        return all(each in self.inputs for each in _images(moment))

    def unseen(self, moment: MeanMoment) -> NDArray[np.bool_] | None:
        """Pixels of no segment; what models never see is not said of several images."""
        return places.untouched(moment.mean)

    def subject_of(self, called: Naming) -> str:
        """The class that each image's importance is for."""
        group = self.subject.group
        if isinstance(group, int) and group != WHOLE_PROBE:
            return called(group)
        return "the true class" if self.drawn[-1].mean.labelled else "what each step predicts"

    def caption(self, moment: MeanMoment, called: Naming) -> tuple[str, str]:
        """Of how many images it is; the step."""
        of = "" if self.subject.group == WHOLE_PROBE else f"{self._called(called)}: "
        title = f"{of}mean of {_over(moment.mean)}"
        return title, wording.step_text(moment.step, moment.epoch)

    def _called(self, called: Naming) -> str:
        group = self.subject.group
        return called(group) if isinstance(group, int) else group

    def remarks(self, moment: MeanMoment) -> list[str]:
        """Nothing more."""
        return []


def gather_mean(
    source: Source, subject: MeanSubject, *, step: int | None = None, newest: bool = False
) -> MeanEvolution:
    """Read a mean over training.

    Args:
      source: where from.
      subject: which.
      step: keep only this one.
      newest: keep only the last one.

    Raises:
      NotThereError: the run, probe, mean or step is not there.
    """
    run, label = subject.run, subject.label
    series = source.of_probe(run, subject.probe)
    problems = Problems()
    means = _records(source, run, _of_group(series, label, subject.group), problems)
    if not means:
        word = "class" if isinstance(subject.group, int) else "group"
        of = "" if subject.group == WHOLE_PROBE else f" of {word} {subject.group}"
        raise NotThereError(f'no mean{of} of "{label}" in probe "{subject.probe}" of run "{run}"')
    kept = [each for each in means if step is None or each[0].step == step]
    if not kept:
        raise no_step(step, label, [each.step for each, _ in means])
    if newest:
        kept = kept[-1:]
    images = sorted({each.image for _, mean in kept for each in mean.members})
    inputs: dict[tuple[int, bytes], Input] = {}
    for input_series, stored in source.tensors(run, only(series, Kind.INPUT, images)):
        for _, shown in unpacked(input_series, stored, record.unpack_picture, problems):
            inputs[input_series.image, shown.hash] = shown
    # All images of a call have one epoch.
    told = scores_of(source, run, series, images[:1], problems)
    epochs = {at.step: scores.epoch for _, at, scores in told}
    return MeanEvolution(
        subject,
        [MeanMoment(at.step, at.wall, epochs.get(at.step), mean) for at, mean in kept],
        inputs,
        next((each.class_names for each in inputs.values() if each.class_names), ()),
        tuple(said(run, each) for each in problems),
    )


def largest_mean(
    source: Source, runs: Sequence[str], subject: MeanSubject
) -> tuple[dict[int, float], float]:
    """The largest scale of such means at each step, and of all steps, over some runs.

    The tab's rule: means over the whole probe have one scale, those over
    classes and groups, all of them, another.
    """
    result: dict[int, float] = {}
    for run in runs:
        series = source.of_probe(run, subject.probe)
        groups = {
            key.over
            for key in means_of(series, subject.label)
            if (key.over == WHOLE_PROBE) == (subject.group == WHOLE_PROBE)
        }
        for group in groups:
            tags = _of_group(series, subject.label, group)
            for at, mean in _records(source, run, tags, Problems()):
                result[at.step] = max(result.get(at.step, 0.0), mean.statistics.p99)
    return result, max(result.values(), default=0.0)


def _of_group(series: Mapping[Series, str], label: str, group: int | str) -> dict[Series, str]:
    """The means of a method; a class that got another name has one under each."""
    tags = means_of(series, label)
    return {each: tag for each, tag in tags.items() if each.over == group}


def _records(
    source: Source, run: str, tags: Mapping[Series, str], problems: Problems
) -> list[tuple[Stored, Mean]]:
    """The records of one group, ascending in step."""
    by_step = {
        at.step: (at, mean)
        for of, stored in source.tensors(run, tags)
        for at, mean in unpacked(of, stored, record.unpack_mean, problems)
    }
    return [by_step[step] for step in sorted(by_step)]


def _images(moment: MeanMoment) -> tuple[tuple[int, bytes], ...]:
    """The images that it is over, once each: with several true labels one is there with each."""
    members = moment.mean.members
    return tuple(dict.fromkeys((each.image, each.input_hash) for each in members))


def _over(mean: Mean) -> str:
    """What it is over: with several true labels an image is there with each."""
    images = len({each.image for each in mean.members})
    several = "" if images == len(mean.members) else f"{len(mean.members)} labels of "
    return f"{several}{images} images"
