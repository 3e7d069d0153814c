"""One map over training: an image, a method and a target, its records joined on step."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tensorboard_picasso import maps, record
from tensorboard_picasso.export import ExportError, NotThereError
from tensorboard_picasso.maps import Floats, Output
from tensorboard_picasso.metadata import Kind, Series
from tensorboard_picasso.reading import (
    Problems,
    RefusedError,
    Stored,
    only,
    unpacked,
    unpacked_maps,
)
from tensorboard_picasso.readings import Reading, explained, own_scale, readings_for, shown
from tensorboard_picasso.record import Attribution, Input, Maps, Scores


class Source(Protocol):
    """What is read from: `reading.Reader` or `events.EventReader`."""

    def of_probe(self, run: str, probe: str) -> dict[Series, str]:
        """The series of one probe in one run."""

    def tensors(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The records of tensor series, ascending in step, superseded ones dropped."""

    def blobs(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The same of blob series; `data` is what `contents` takes."""

    def contents(self, wanted: Sequence[Stored]) -> Sequence[list[bytes] | RefusedError | None]:
        """The blobs of records of `blobs`; None where they are gone."""


@dataclass(frozen=True)
class Subject:
    """Which map: one image of a probe in a run under a method's label.

    target: the class explained; None: the image's label, else its newest prediction.
    """

    run: str
    probe: str
    image: int
    label: str
    target: int | None = None


@dataclass(frozen=True)
class Moment:
    """What was logged of the image at one step; None where there is nothing.

    planes: of methods without a grid.
    """

    step: int
    wall: float
    about: Attribution | None = None
    scores: Scores | None = None
    planes: Maps | None = None

    def explains(self, target: int) -> bool:
        """Whether there is a map of a class."""
        if self.about is None or target not in explained(self.about):
            return False
        if self.about.grid is not None:
            return True
        if self.planes is None or target not in [each.target for each in self.planes.planes]:
            return False
        # Two records: nothing but their agreement says that they belong together.
        return (self.planes.height, self.planes.width) == (self.about.height, self.about.width)

    @property
    def attribution(self) -> Attribution:
        """What a method said, of a moment that has a map.

        Raises:
          ValueError: it has none.
        """
        if self.about is None:
            raise ValueError(f"no map at step {self.step}")
        return self.about

    def shown(self, target: int, reading: Reading) -> Floats:
        """The map as the tab shows it, (height, width)."""
        plane = None if self.planes is None else self.planes.decode(target)
        return shown(self.attribution, target, reading, plane)


@dataclass(frozen=True)
class Evolution:
    """A map over training.

    target: the class explained. moments: ascending in step; steps that have
    scores only are among them. inputs: by hash. newest: the last input, None
    where none was kept. problems: what could not be read, in words.
    """

    subject: Subject
    target: int
    moments: tuple[Moment, ...]
    inputs: Mapping[bytes, Input]
    newest: Input | None
    problems: tuple[str, ...]

    def name(self, index: int) -> str:
        """What a class is called."""
        names = self.newest.class_names if self.newest else ()
        return names[index] if index < len(names) and names[index] else str(index)

    @functools.cached_property
    def drawn(self) -> list[Moment]:
        """The moments that have a map of the target.

        Raises:
          NotThereError: none has.
        """
        found = [each for each in self.moments if each.explains(self.target)]
        if not found:
            classes = sorted(
                {k for each in self.moments if each.about for k in explained(each.about)}
            )
            listed = ", ".join(map(self.name, classes)) or "none"
            raise NotThereError(f'no map of class "{self.name(self.target)}": there are {listed}')
        return found

    @property
    def missing(self) -> int:
        """How many steps of the method have no map of the target."""
        return sum(each.about is not None for each in self.moments) - len(self.drawn)

    def fitting(self, asked: str | None) -> Reading:
        """The reading with this name, or the default.

        Raises:
          ExportError: it does not fit the method.
        """
        fit = readings_for(self.drawn[-1].attribution)
        if not asked:
            return fit[0]
        if asked not in fit:
            raise ExportError(f'reading "{asked}": {self.subject.label} has {", ".join(fit)}')
        return Reading(asked)


def score_of(scores: Scores | None, index: int, values: Floats | None = None) -> float:
    """Log-odds of a class (raw outputs: the value); NaN where they were not kept."""
    if scores is None:
        return float("nan")
    at = np.flatnonzero(scores.classes == index)
    return float((scores.values if values is None else values)[at[0]]) if at.size else float("nan")


def probability_of(scores: Scores, value: float) -> float:
    """A score as a probability; a raw output stays the value."""
    return value if scores.output is Output.RAW else float(maps.probability(value))


def predicted(scores: Scores) -> int | None:
    """The class with the highest score; None where none is a number."""
    if np.isnan(scores.values).all():
        return None
    return int(scores.classes[np.nanargmax(scores.values)])


def gather(
    source: Source,
    subject: Subject,
    *,
    planes: bool = True,
    step: int | None = None,
    newest: bool = False,
) -> Evolution:
    """Read a map over training.

    Args:
      source: where from.
      subject: which.
      planes: whether full-resolution maps are wanted.
      step: keep only this one.
      newest: keep only the last one that explains the target.

    Raises:
      NotThereError: the run, probe, image, method or step is not there.
    """
    run, image, label = subject.run, subject.image, subject.label
    series = source.of_probe(run, subject.probe)
    method = only(series, Kind.METHOD, [image], label)
    if not method:
        raise NotThereError(
            f'no method "{label}" of image {image} in probe "{subject.probe}" of run "{run}"'
        )
    problems = Problems()

    def read(
        tags: Mapping[Series, str], unpack: Callable[[bytes], Any]
    ) -> list[tuple[Stored, Any]]:
        return [
            each
            for of, stored in source.tensors(run, tags).items()
            for each in unpacked(of, stored, unpack, problems)
        ]

    inputs = read(only(series, Kind.INPUT, [image]), record.unpack_input)
    scores = read(only(series, Kind.SCORES, [image]), record.unpack_scores)
    target = subject.target
    if target is None:
        target = truth([each for _, each in inputs], [each for _, each in scores])
    abouts = read(method, record.unpack_attribution)
    steps = [each.step for each, _ in abouts]
    if step is not None and step not in steps:
        raise NotThereError(f"no step {step} of {label}: {_range(steps)}")
    if newest and step is None:
        step = next((each.step for each, of in reversed(abouts) if target in explained(of)), None)
    if step is not None:
        scores = [each for each in scores if each[0].step == step]
        abouts = [each for each in abouts if each[0].step == step]
    said = {each.step: (each, value) for each, value in scores}
    told = {each.step: (each, value) for each, value in abouts}
    held = {}
    if planes:
        tags = only(series, Kind.MAP, [image], label)
        held = _planes(source, run, tags, {each.step: each.wall for each, _ in abouts}, problems)
    moments = []
    for at in sorted(said | told):
        stored, about = told.get(at, (None, None))
        also, score = said.get(at, (None, None))
        wall = (stored or also or Stored(at, 0.0, None)).wall
        moments.append(Moment(at, wall, about, score, held.get(at)))
    return Evolution(
        subject,
        target,
        tuple(moments),
        {each.hash: each for _, each in inputs},
        inputs[-1][1] if inputs else None,
        tuple(_said(run, each) for each in problems),
    )


def _planes(
    source: Source,
    run: str,
    tags: Mapping[Series, str],
    wanted: Mapping[int, float],
    problems: Problems,
) -> dict[int, Maps]:
    """Maps by step: those of the same event as the attribution they belong to."""
    found = {}
    for series, stored in source.blobs(run, tags).items():
        there = [each for each in stored if wanted.get(each.step) == each.wall]
        for each, elements in zip(there, source.contents(there), strict=True):
            if elements is None:
                continue
            try:
                found[each.step] = unpacked_maps(elements)
            except record.RecordError as e:
                problems.note(e, image=series.image, step=each.step)
    return found


def _said(run: str, problem: Mapping[str, Any]) -> str:
    return f"{run}, image {problem['image']}, step {problem['step']}: {problem['message']}: skipped"


def _range(steps: Sequence[int]) -> str:
    if len(steps) < 12:
        return f"there are {', '.join(map(str, steps)) or 'none'}"
    return f"there are {len(steps)} from {steps[0]} to {steps[-1]}"


def truth(inputs: Sequence[Input], scores: Sequence[Scores]) -> int:
    """An image's label in a run; where there is none, its newest prediction."""
    if inputs and inputs[-1].label is not None:
        return inputs[-1].label
    predictions = (predicted(each) for each in reversed(scores))
    return next((each for each in predictions if each is not None), 0)


def largest(
    source: Source,
    runs: Sequence[str],
    probe: str,
    label: str,
    target: int | None,
    reading: Reading,
) -> dict[int, float]:
    """At each step the largest scale of the method's maps, over all images and some runs.

    The tab's rule: each image counts with the class chosen, else with its
    `truth` in its run. The one scale for all steps is the largest of the answer.
    """
    result: dict[int, float] = {}
    for run in runs:
        series = source.of_probe(run, probe)
        targets = _truths(source, run, series) if target is None else {}
        tags = only(series, Kind.METHOD, None, label)
        for of, stored in source.tensors(run, tags).items():
            for each, about in unpacked(of, stored, record.unpack_attribution, Problems()):
                scale = own_scale(about, targets.get(of.image, target or 0), reading)
                result[each.step] = max(result.get(each.step, 0.0), scale)
    return result


def _truths(source: Source, run: str, series: Mapping[Series, str]) -> dict[int, int]:
    """The class of each image of a probe in a run."""

    def read(kind: Kind, unpack: Callable[[bytes], Any]) -> dict[int, list[Any]]:
        return {
            of.image: [value for _, value in unpacked(of, stored, unpack, Problems())]
            for of, stored in source.tensors(run, only(series, kind, None)).items()
        }

    inputs = read(Kind.INPUT, record.unpack_input)
    scores = read(Kind.SCORES, record.unpack_scores)
    images = {**inputs, **scores}
    return {image: truth(inputs.get(image, []), scores.get(image, [])) for image in images}
