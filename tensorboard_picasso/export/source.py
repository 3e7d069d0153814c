"""The source of exports: what was logged of an image, or of all for their scale, joined on step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tensorboard_picasso.export.evolution import (
    PREDICTED,
    Evolution,
    MapSubject,
    Moment,
    TargetChoice,
    predicted,
)
from tensorboard_picasso.logs.bounds import COMMAND, Room
from tensorboard_picasso.logs.errors import NotThereError
from tensorboard_picasso.logs.records import (
    Elements,
    Problems,
    Stored,
    only,
    unpacked,
    unpacked_maps,
)
from tensorboard_picasso.logs.scores import scores_of
from tensorboard_picasso.presentation.readings import (
    Reading,
    common_scale,
    explained,
    statistics_of,
    weighed,
)
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import Attribution, Input, Maps, Scores

MAPS = "maps of all steps"  # what there is room for
# Bytes of memory of a part of a record, of which a log has a few: about that.
_PART = 256


class Source(Protocol):
    """What is read from: `provider.ProviderReader` or `events.EventReader`."""

    def of_probe(self, run: str, probe: str) -> dict[Series, str]:
        """The series of one probe in one run."""

    def tensors(
        self, run: str, tags: Mapping[Series, str]
    ) -> Iterator[tuple[Series, list[Stored]]]:
        """The records of tensor series, ascending in step, superseded ones dropped."""

    def blobs(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The same of blob series; `data` is what `contents` takes."""

    def contents(self, wanted: Sequence[Stored]) -> Iterator[Elements]:
        """The blobs of records of `blobs`; None where they are gone."""


def gather(
    source: Source,
    subject: MapSubject,
    room: Room | None = None,
    *,
    planes: bool = True,
    step: int | None = None,
    newest: bool = False,
) -> Evolution:
    """Read a map over training.

    Args:
      source: where from.
      subject: which.
      room: for the grids, maps and masks that are kept; None: as the command has it.
      planes: whether full-resolution maps are wanted.
      step: keep only this one.
      newest: keep only the last one that explains the target.

    Raises:
      NotThereError: the run, probe, image, method or step is not there.
      TooLargeError: there is not enough room.
    """
    run, image, label = subject.run, subject.image, subject.label
    series = source.of_probe(run, subject.probe)
    method = only(series, Kind.METHOD, [image], label)
    if not method:
        raise NotThereError(
            f'no method "{label}" of image {image} in probe "{subject.probe}" of run "{run}"'
        )
    problems = Problems()
    room = room or COMMAND.room(COMMAND.kept, MAPS)

    def read(
        tags: Mapping[Series, str], unpack: Callable[[bytes], Any]
    ) -> list[tuple[Stored, Any]]:
        return [
            pair
            for of, stored in source.tensors(run, tags)
            for pair in unpacked(of, stored, unpack, problems)
        ]

    def attribution(data: bytes) -> Attribution:
        about = record.unpack_attribution(data, values=False)
        room.take(_PART * (len(about.targets) * (1 + len(about.regions)) + len(about.regions)))
        return about

    inputs = read(
        only(series, Kind.INPUT, [image]), lambda data: record.unpack_picture(data, room.take)
    )
    scores = []
    for _, at_step, said_then in scores_of(source, run, series, [image], problems):
        room.take(_PART * len(said_then.hidden))
        scores.append((at_step, said_then))
    scores.sort(key=lambda pair: pair[0].step)
    target = _class_of(subject.target, [each for _, each in inputs], [each for _, each in scores])
    abouts = read(method, attribution)
    steps = [each.step for each, _ in abouts]
    if step is not None and step not in steps:
        raise no_step(step, label, steps)
    if newest and step is None:
        step = next((each.step for each, of in reversed(abouts) if target in explained(of)), None)
    if step is not None:
        scores = [each for each in scores if each[0].step == step]
        abouts = [each for each in abouts if each[0].step == step]
    if planes:
        abouts = _whole(source, run, method, abouts, room)
    heard = {each.step: (each, value) for each, value in scores}
    told = {each.step: (each, value) for each, value in abouts}
    held = {}
    if planes:
        tags = only(series, Kind.MAP, [image], label)
        walls = {each.step: each.wall for each, _ in abouts}
        held = _planes(source, run, tags, walls, target, room, problems)
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


def _whole(
    source: Source,
    run: str,
    tags: Mapping[Series, str],
    chosen: Sequence[tuple[Stored, Attribution]],
    room: Room,
) -> list[tuple[Stored, Attribution]]:
    """Records with the values of their grids."""
    if not any(each.grid for _, each in chosen):
        return list(chosen)
    steps = {each.step for each, _ in chosen}
    whole: list[tuple[Stored, Attribution]] = []
    known: set[int] = set()
    for of, stored in source.tensors(run, tags):
        there = [each for each in stored if each.step in steps]
        for at, about in unpacked(of, there, record.unpack_attribution, Problems()):
            if about.grid is not None:
                room.take(about.grid.values.nbytes)
                labels = about.grid.segments
                if labels is not None and id(labels) not in known:  # most are one array
                    known.add(id(labels))
                    room.take(labels.nbytes)
            whole.append((at, about))
    return whole


def _planes(
    source: Source,
    run: str,
    tags: Mapping[Series, str],
    wanted: Mapping[int, float],
    target: int,
    room: Room,
    problems: Problems,
) -> dict[int, Maps]:
    """Maps by step: those of the same event as the attribution they belong to."""
    by_step = {}
    for series, stored in source.blobs(run, tags).items():
        there = [each for each in stored if wanted.get(each.step) == each.wall]
        for at, elements in zip(there, source.contents(there), strict=True):
            if elements is None:
                continue
            try:
                stored_maps = unpacked_maps(elements)
                of_target = [plane for plane in stored_maps.planes if plane.target == target]
                held = replace(stored_maps, planes=tuple(of_target))
                if of_target:
                    held.check(target)
                room.take(sum(len(plane.values) + len(plane.special) for plane in of_target))
                room.take(0 if held.unseen is None else held.unseen.nbytes)
                by_step[at.step] = held
            except record.RecordError as e:
                problems.note(e, image=series.image, step=at.step)
    return by_step


def said(run: str, problem: Mapping[str, Any]) -> str:
    """What could not be read, in words."""
    of = (
        f"image {problem['image']}"
        if "image" in problem
        else "mean"
        if "group" in problem
        else "all images"
        if "images" in problem
        else "edits"
    )
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


def _class_of(target: TargetChoice, inputs: Sequence[Input], scores: Sequence[Scores]) -> int:
    if target is None:
        return truth(inputs, scores)
    return prediction(scores) if target == PREDICTED else target


def largest(
    source: Source,
    runs: Sequence[str],
    probe: str,
    label: str,
    target: TargetChoice,
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
        for of, stored in source.tensors(run, tags):
            own = target if isinstance(target, int) else known.get(of.image, 0)

            def counted(data: bytes, own: int = own) -> tuple[float, float | None]:
                about = record.unpack_attribution(data, values=False)
                if reading is Reading.EVIDENCE or statistics_of(about, own) is None:
                    about = record.unpack_attribution(data)
                return weighed(about, own, reading)

            maps = [(at.step, weight) for at, weight in unpacked(of, stored, counted, Problems())]
            common = common_scale([each for _, each in maps])
            shared = max(shared, common)
            for step, (scale, _) in maps:
                by_step[step] = max(by_step.get(step, 0.0), min(scale, common))
    return by_step, shared


def _classes(
    source: Source, run: str, series: Mapping[Series, str], target: TargetChoice
) -> dict[int, int]:
    """The class of each image of a probe in a run."""
    inputs = {
        of.image: [each for _, each in unpacked(of, stored, record.unpack_picture, Problems())][-1:]
        for of, stored in source.tensors(run, only(series, Kind.INPUT, None))
    }
    classes = {image: _class_of(target, shown, []) for image, shown in inputs.items()}
    heads: dict[int, list[tuple[int, int]]] = {}
    for image, at, said in scores_of(source, run, series, None, Problems()):
        head = predicted(said)
        if head is not None:
            heads.setdefault(image, []).append((at.step, head))
    for image, told in heads.items():
        if target == PREDICTED or not (inputs.get(image) and inputs[image][-1].truths):
            classes[image] = max(told)[1]
    return classes
