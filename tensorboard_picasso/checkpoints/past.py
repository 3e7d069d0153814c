"""The past of a log, what it holds already, so that it is gone on with."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.checkpoints.settings import RECORDED
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.logs.records import Problems
from tensorboard_picasso.logs.scores import first_scores, only_scores, scores_of
from tensorboard_picasso.logs.tensors import Content
from tensorboard_picasso.stored import metadata, record
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, Series
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.explain.targets import Fixed
from tensorboard_picasso.summary.kit.images import flat
from tensorboard_picasso.summary.methods.base import BROKEN
from tensorboard_picasso.summary.probe.outputs import Taken

_RUN = "."


@dataclass(frozen=True)
class Chosen:
    """What is the same at all steps: what the output is taken to be, and each image's targets.

    taken: None of dense outputs, whose log does not tell: each checkpoint decides.
    """

    taken: Taken | None
    targets: tuple[Fixed, ...]

    @property
    def open(self) -> bool:
        """Whether all models so far were broken: the first that is not is to choose."""
        return self.taken is not None and not self.taken.decided


@dataclass
class Past:
    """What was logged of a probe.

    steps: those with scores. last: the last one of each method's label.
    chosen: at the first step; None where nothing is logged.
    inputs: each image's input record, packed.
    settings: of each label, what must stay the same from step to step.
    nth, since: as in `record.Scores`, of the last step with scores.
    """

    steps: list[int] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)
    chosen: Chosen | None = None
    inputs: dict[int, bytes] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    nth: int = 0
    since: int = 0

    def due(self, step: int, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the labels that a step still lacks and may get.

        In a log a later record replaces all of its series from its step on, so nothing is
        written behind what is there.
        """
        if not (self.is_new(step) or step in self.steps):
            return ()
        return tuple(label for label in labels if step > self.last.get(label, -1))

    def is_new(self, step: int) -> bool:
        """Whether a step stands behind all that are logged."""
        return not self.steps or step > self.steps[-1]

    def fresh_inputs(self, probe: Probe) -> list[tuple[int, record.Input]]:
        """The input records that are not in the log as they are now."""
        shown = [(index, probe.shown(index)) for index in range(len(probe))]
        return [(i, each) for i, each in shown if self.inputs.get(i) != record.pack_input(each)]

    def written(self, step: int, labels: tuple[str, ...], probe: Probe) -> None:
        """Take note of what was written at a step."""
        if self.is_new(step):
            self.nth, self.since = self._next(step)
            self.steps.append(step)
        self.last.update(dict.fromkeys(labels, step))
        self.inputs = {i: record.pack_input(probe.shown(i)) for i in range(len(probe))}

    def _next(self, step: int) -> tuple[int, int]:
        return self.nth + 1, self.since if self.nth else step

    def count(self, summary: summary_pb2.Summary, step: int) -> None:
        """Give records of scores their number, which no worker knows: other steps may fail."""
        nth, since = self._next(step)
        for value, series in _ours(summary):
            if series.kind is Kind.ALL_SCORES:
                said = record.unpack_all_scores(value.tensor.string_val[0])
                told = {i: replace(each, nth=nth, since=since) for i, each in said.items()}
                value.tensor.string_val[0] = record.pack_all_scores(told)

    def check(self, summary: summary_pb2.Summary) -> None:
        """Say where what is to be written was computed with other settings than the log's.

        Raises:
          LogError: which method.
        """
        for value, series in _ours(summary):
            if series.kind is not Kind.METHOD or series.image:
                continue
            attribution = record.unpack_attribution(value.tensor.string_val[0])
            if _is_broken(attribution):
                continue  # it could not be found what there is to compare
            ours = _settings(attribution)
            logged = self.settings.setdefault(series.label, ours)
            other = [name for name in ours if ours[name] != logged[name]]
            if other:
                raise LogError(
                    f"{series.label} is in the log with {other[0]} {_said(logged[other[0]])}, not"
                    f" {_said(ours[other[0]])}: pass the same, or another --name or --logdir"
                )


def read(logdir: Path, probe: Probe, about: Mapping[str, str], warn: Callable[[str], None]) -> Past:
    """What a log holds of a probe.

    Args:
      logdir: where.
      probe: the images.
      about: the settings that are recorded, by option.
      warn: is told what cannot be read.

    Raises:
      LogError: it was begun with other settings; or is of other images, labels, regions or
        targets.
      RecordError: its newest records are damaged.
    """
    past = Past()
    if not logdir.is_dir():
        return past
    reader = EventReader(logdir, warn)
    if _RUN not in reader.runs:
        return past
    tags = reader.of_probe(_RUN, probe.name)
    newest = _newest(reader, tags)
    scores = _newest_scores(reader, tags)
    if not scores:
        return past
    attributions = [(each, record.unpack_attribution(data)) for each, data in newest(Kind.METHOD)]
    for _, newest_of in attributions[:1]:
        _check_settings(newest_of.parameters, about)
    _check_images(probe, scores)
    told_by = first_scores(tags)
    past.steps = sorted(step for each in told_by for step in reader.steps(_RUN, each))
    past.nth, past.since = scores[0].nth, scores[0].since
    if not past.nth:  # of an older version: what is in the log is what is known
        past.nth, past.since = len(past.steps), past.steps[0]
    fixed = tuple(Fixed(scores[i].targets, scores[i].lasting) for i in range(len(probe)))
    dense = probe.task.over is not None
    told = not all(np.isnan(each.values).all() for each in scores.values()) or _ever_told(
        reader, tags
    )
    taken = None if dense else Taken(scores[0].output, scores[0].independent, decided=told)
    past.chosen = Chosen(taken, fixed)
    past.inputs = {each.image: data for each, data in newest(Kind.INPUT)}
    for index, data in past.inputs.items():
        shown = record.unpack_input(data)
        if shown.truths != probe.truths_of(index):
            raise LogError(f"the log has another label for {probe.names[index]}: pass --name")
        regions = {name: flat(mask) for name, mask in probe.regions[index].items()}
        if {*shown.regions} != {*regions} or any(
            not np.array_equal(shown.regions[region], regions[region]) for region in regions
        ):
            raise LogError(
                f"the log has other regions for {probe.names[index]}: pass the same, or another"
                " --name or --logdir"
            )
    for index, of_image in enumerate(fixed):
        if missing := set(probe.targets) - set(of_image.targets):
            raise LogError(
                f"the log was begun without target {min(missing)} for {probe.names[index]}: pass"
                " another --name or --logdir"
            )
    for series, _ in attributions:
        if series.image == 0:
            past.last[series.label] = reader.steps(_RUN, series)[-1]
    past.settings = {
        series.label: _settings(attribution)
        for series, attribution in attributions
        if series.image == 0 and not _is_broken(attribution)
    }
    return past


def _ours(summary: summary_pb2.Summary) -> Iterator[tuple[summary_pb2.Summary.Value, Series]]:
    for value in summary.value:
        if value.metadata.plugin_data.plugin_name == PLUGIN_NAME:
            yield value, metadata.parse(value.metadata.plugin_data.content)


def _newest(
    reader: EventReader, all_tags: Mapping[Series, str]
) -> Callable[[Kind], list[tuple[Series, bytes]]]:
    def of(kind: Kind) -> list[tuple[Series, bytes]]:
        tags = {each: tag for each, tag in all_tags.items() if each.kind is kind}
        last = {series: stored[-1] for series, stored in reader.blobs(_RUN, tags).items() if stored}
        texts = reader.texts(list(last.values()))
        return [(series, told(text)) for series, text in zip(last, texts, strict=True)]

    def told(text: Content) -> bytes:
        if isinstance(text, record.RecordError):
            raise text
        return text

    return of


def _newest_scores(reader: EventReader, tags: Mapping[Series, str]) -> dict[int, record.Scores]:
    """Each image's, of whichever series holds its newest; raises as `_newest` gives."""
    by_image: dict[int, tuple[int, record.Scores]] = {}
    for series, stored in reader.blobs(_RUN, only_scores(tags)).items():
        if not stored:
            continue
        (text,) = reader.texts(stored[-1:])
        if isinstance(text, record.RecordError):
            raise text
        step = stored[-1].step
        if series.kind is Kind.SCORES:
            by_image[series.image] = step, record.unpack_scores(text)
            continue
        said = record.unpack_all_scores(text)
        if all(step > other for other, _ in by_image.values()):
            by_image = {image: (step, said[image]) for image in said}
    return {image: said for image, (_, said) in by_image.items()}


def _begun(logged: str, ours: str) -> str:
    return (
        f"the log was begun with {logged}, not with {ours}: pass the same, or another --name or"
        " --logdir"
    )


def _check_settings(logged: Mapping[str, str], ours: Mapping[str, str]) -> None:
    if not any(option in logged for option in RECORDED):
        return  # logged while training
    for option in RECORDED:
        if logged.get(option) != ours.get(option):
            both = [
                f"no {option}" if value is None else f"{option} {value}"
                for value in (logged.get(option), ours.get(option))
            ]
            raise LogError(_begun(*both))


def _check_images(probe: Probe, scores: Mapping[int, record.Scores]) -> None:
    if len(scores) != len(probe):
        images = f'images of probe "{probe.name}"'
        raise LogError(_begun(f"{len(scores)} {images}", str(len(probe))))
    for index, digest in enumerate(probe.hashes):
        if index not in scores or scores[index].input_hash != digest:
            raise LogError(
                f'the log has other images of probe "{probe.name}" ({probe.names[index]} is not'
                " the same): pass another --name or --logdir"
            )


def _ever_told(reader: EventReader, tags: Mapping[Series, str]) -> bool:
    """Whether any step of a log has scores that are numbers."""
    return not all(
        np.isnan(said.values).all()
        for _, _, said in scores_of(reader, _RUN, tags, None, Problems())
    )


def _is_broken(of: record.Attribution) -> bool:
    return BROKEN.items() <= of.parameters.items()


def _settings(of: record.Attribution) -> dict[str, Any]:
    """What tells two settings of a method apart; parameters also hold what was measured."""
    grid = of.grid
    return {
        "method": of.method,
        "sign": of.sign,
        "score": of.score,
        "layer": of.layer,
        "seed": of.seed,
        "fill": of.parameters.get("fill"),
        "window": grid and grid.window,
        "stride": grid and (tuple(grid.tops.tolist()), tuple(grid.lefts.tolist())),
        "fronts": grid and (grid.window_depth, tuple(grid.fronts.tolist())),
        "segments": None if grid is None else _digest(grid.segments),
    }


def _digest(labels: NDArray[np.int16] | None) -> str | None:
    """What tells label maps apart."""
    if labels is None:
        return None
    return hashlib.blake2b(labels.tobytes(), digest_size=4).hexdigest()


def _said(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return f"{len(value[0])}×{len(value[1])} positions"
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)
