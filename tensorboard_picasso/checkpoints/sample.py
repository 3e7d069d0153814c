"""The sample whose images are edited at each checkpoint, and what a log holds of its edits."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.stored import metadata, record
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, Series
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.probe.outputs import Taken

# Beside the labels of methods: what a step has, or lacks. None of these can be called so.
EDITS = "edits/"


@dataclass(frozen=True)
class Sample:
    """What is edited, and how."""

    probe: Probe
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Begun:
    """What is the same at all steps.

    taken: what the output is taken to be; None of dense outputs: each checkpoint decides.
    heads: what is predicted of each image at the first one, for lack of labels its class.
    """

    taken: Taken | None
    heads: tuple[int, ...]


@dataclass
class Edited:
    """What a log holds of a sample's edits.

    last: the last step with edits; None: there is none.
    begun: at the first one. names: of the edits.
    once: by series, records that are written once: inputs and examples, packed.
    nth, since: as in `record.Edits`, of the last one.
    """

    last: int | None = None
    begun: Begun | None = None
    names: tuple[str, ...] = ()
    once: dict[Series, bytes] = field(default_factory=dict)
    nth: int = 0
    since: int = 0

    def place(self, summary: summary_pb2.Summary, step: int) -> None:
        """Give a record of edits its number, and leave out what the log has already.

        Raises:
          LogError: the log was begun with other edits.
        """
        kept, numbered = [], False
        for value in summary.value:
            series = _series(value)
            if series is not None and series.kind is Kind.EDITS:
                edits = record.unpack_edits(value.tensor.string_val[0])
                self._check([each.name for each in edits.edits])
                self.nth, self.since = self.nth + 1, self.since if self.nth else step
                told = replace(edits, nth=self.nth, since=self.since)
                value.tensor.string_val[0] = record.pack_edits(told)
                numbered = True
            if series is not None and series.kind in (Kind.INPUT, Kind.EXAMPLE):
                data = value.tensor.string_val[0]
                if self.once.get(series) == data:
                    continue
                self.once[series] = data
            kept.append(value)
        if numbered:
            self.last = step
        del summary.value[:]
        summary.value.extend(kept)

    def _check(self, names: list[str]) -> None:
        if self.names and self.names != tuple(names):
            other = ({*self.names} ^ {*names}) or {names[0]}
            raise LogError(
                f'the log was begun with other edits ("{min(other)}" is not in both): pass the same'
                " --edits, or another --name or --logdir"
            )
        self.names = tuple(names)


def read(logdir: Path, sample: Sample) -> Edited:
    """What a log holds.

    Raises:
      LogError: the edits in it are of other images or labels.
      RecordError: its newest record is damaged.
    """
    found = Edited()
    reader = EventReader(logdir, lambda _: None) if logdir.is_dir() else None
    if reader is None or "." not in reader.runs:
        return found
    tags = reader.of_probe(".", sample.probe.name)
    kinds = Kind.EDITS, Kind.INPUT, Kind.EXAMPLE
    some = {series: tag for series, tag in tags.items() if series.kind in kinds}
    newest = {series: stored[-1] for series, stored in reader.blobs(".", some).items() if stored}
    texts = reader.texts(list(newest.values()))
    for series, text in zip(newest, texts, strict=True):
        if isinstance(text, record.RecordError):
            raise text
        if series.kind is not Kind.EDITS:
            found.once[series] = text
            continue
        edits = record.unpack_edits(text)
        _check_images(sample.probe, edits)
        steps = reader.steps(".", series)
        found.last, found.names = steps[-1], tuple(each.name for each in edits.edits)
        found.nth, found.since = edits.nth or len(steps), edits.since if edits.nth else steps[0]
        if sample.probe.task.over is not None:
            found.begun = Begun(None, _truths(edits))
        elif not np.isnan(edits.whole).all():
            found.begun = Begun(Taken(edits.output, edits.independent), _truths(edits))
    return found


def _truths(edits: record.Edits) -> tuple[int, ...]:
    return tuple(next(iter(each.truths), each.head) for each in edits.images)


def _check_images(probe: Probe, edits: record.Edits) -> None:
    if tuple(each.input_hash for each in edits.images) != probe.hashes:
        raise LogError(
            f'the log has edits of other images of "{probe.name}": pass another --name or --logdir'
        )
    for index, each in enumerate(edits.images):
        if edits.labelled and each.truths != (probe.truths_of(index) or ()):
            raise LogError(f"the log has another label for {probe.names[index]}: pass --name")


def _series(value: summary_pb2.Summary.Value) -> Series | None:
    if value.metadata.plugin_data.plugin_name != PLUGIN_NAME:
        return None
    return metadata.parse(value.metadata.plugin_data.content)
