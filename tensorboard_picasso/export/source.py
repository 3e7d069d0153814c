"""Reads what was logged of an image, or of all for their common scale, and joins it on step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tensorboard_picasso import record
from tensorboard_picasso.export import NotThereError
from tensorboard_picasso.export.evolution import (
    PREDICTED,
    Evolution,
    Moment,
    Subject,
    Target,
    predicted,
)
from tensorboard_picasso.metadata import Kind, Series
from tensorboard_picasso.reading import (
    Elements,
    Problems,
    Stored,
    only,
    unpacked,
    unpacked_maps,
)
from tensorboard_picasso.readings import Reading, common_scale, explained, weighed
from tensorboard_picasso.record import Input, Maps, Scores


class Source(Protocol):
    """What is read from: `reading.Reader` or `events.EventReader`."""

    def of_probe(self, run: str, probe: str) -> dict[Series, str]:
        """The series of one probe in one run."""

    def tensors(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The records of tensor series, ascending in step, superseded ones dropped."""

    def blobs(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The same of blob series; `data` is what `contents` takes."""

    def contents(self, wanted: Sequence[Stored]) -> Sequence[Elements]:
        """The blobs of records of `blobs`; None where they are gone."""


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
    target = _class_of(subject.target, [each for _, each in inputs], [each for _, each in scores])
    abouts = read(method, record.unpack_attribution)
    steps = [each.step for each, _ in abouts]
    if step is not None and step not in steps:
        raise no_step(step, label, steps)
    if newest and step is None:
        step = next((each.step for each, of in reversed(abouts) if target in explained(of)), None)
    if step is not None:
        scores = [each for each in scores if each[0].step == step]
        abouts = [each for each in abouts if each[0].step == step]
    heard = {each.step: (each, value) for each, value in scores}
    told = {each.step: (each, value) for each, value in abouts}
    held = {}
    if planes:
        tags = only(series, Kind.MAP, [image], label)
        held = _planes(source, run, tags, {each.step: each.wall for each, _ in abouts}, problems)
    moments = []
    for at in sorted(heard | told):
        stored, about = told.get(at, (None, None))
        also, score = heard.get(at, (None, None))
        wall = (stored or also or Stored(at, 0.0, None)).wall
        moments.append(Moment(at, wall, about, score, held.get(at)))
    return Evolution(
        subject,
        target,
        tuple(moments),
        {each.hash: each for _, each in inputs},
        inputs[-1][1] if inputs else None,
        tuple(said(run, each) for each in problems),
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


def said(run: str, problem: Mapping[str, Any]) -> str:
    """What could not be read, in words."""
    of = f"image {problem['image']}" if "image" in problem else "mean"
    return f"{run}, {of}, step {problem['step']}: {problem['message']}: skipped"


def no_step(step: int | None, label: str, steps: Sequence[int]) -> NotThereError:
    """That a step is none of those that there are."""
    there = f"{len(steps)} from {steps[0]} to {steps[-1]}" if steps else "none"
    if 0 < len(steps) < 12:
        there = ", ".join(map(str, steps))
    return NotThereError(f"no step {step} of {label}: there are {there}")


def truth(inputs: Sequence[Input], scores: Sequence[Scores]) -> int:
    """An image's first true class in a run; where there is none, its newest prediction."""
    if inputs and inputs[-1].truths:
        return inputs[-1].truths[0]
    return prediction(scores)


def prediction(scores: Sequence[Scores]) -> int:
    """The newest prediction of an image; 0 where its scores are no numbers."""
    predictions = (predicted(each) for each in reversed(scores))
    return next((each for each in predictions if each is not None), 0)


def _class_of(target: Target, inputs: Sequence[Input], scores: Sequence[Scores]) -> int:
    if target is None:
        return truth(inputs, scores)
    return prediction(scores) if target == PREDICTED else target


def largest(
    source: Source,
    runs: Sequence[str],
    probe: str,
    label: str,
    target: Target,
    reading: Reading,
) -> tuple[dict[int, float], float]:
    """The scale of the method's maps at each step, and of all steps, over all images and some runs.

    The tab's rule: each image counts with the class chosen, else with its
    `truth`, or its newest prediction, in its run.
    """
    by_step: dict[int, float] = {}
    shared = 0.0
    for run in runs:
        series = source.of_probe(run, probe)
        known = {} if isinstance(target, int) else _classes(source, run, series, target)
        tags = only(series, Kind.METHOD, None, label)
        for of, stored in source.tensors(run, tags).items():
            own = target if isinstance(target, int) else known.get(of.image, 0)
            maps = [
                (each.step, weighed(about, own, reading))
                for each, about in unpacked(of, stored, record.unpack_attribution, Problems())
            ]
            common = common_scale([each for _, each in maps])
            shared = max(shared, common)
            for step, (scale, _) in maps:
                by_step[step] = max(by_step.get(step, 0.0), min(scale, common))
    return by_step, shared


def _classes(
    source: Source, run: str, series: Mapping[Series, str], target: Target
) -> dict[int, int]:
    """The class of each image of a probe in a run."""

    def read(kind: Kind, unpack: Callable[[bytes], Any]) -> dict[int, list[Any]]:
        return {
            of.image: [value for _, value in unpacked(of, stored, unpack, Problems())]
            for of, stored in source.tensors(run, only(series, kind, None)).items()
        }

    inputs = read(Kind.INPUT, record.unpack_input)
    scores = read(Kind.SCORES, record.unpack_scores)
    images = {**inputs, **scores}
    return {
        image: _class_of(target, inputs.get(image, []), scores.get(image, [])) for image in images
    }
