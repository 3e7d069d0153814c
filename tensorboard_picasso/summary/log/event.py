"""Events: all records of one call, as one event's values."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.summary.explain.records import Result


def input_values(name: str, shown: Iterable[tuple[int, record.Input]]) -> summary_pb2.Summary:
    """The values of the input records alone, as `build` puts them first.

    Args:
      name: the probe's, with its name scopes.
      shown: index and record of each image that is written.
    """
    summary = summary_pb2.Summary()
    for index, input_record in shown:
        _add(summary, Series(name, index, Kind.INPUT), record.pack_input(input_record))
    return summary


@dataclass(frozen=True)
class Contents:
    """What of a result one event holds.

    scores: whether the class scores; the first call of a step writes them.
    inputs: which input records.
    labels: the methods' labels that are written.
    scalars: whether ordinary scalars too.
    nth, since, superseded: of the step, as in `record.Scores`.
    tensors: scalars as `tf.summary.scalar` writes them. Else as `SummaryWriter.add_scalar` does,
      which more than TensorBoard reads: its `EventAccumulator.Scalars`, tbparse, MLflow.
    """

    scores: bool
    labels: Sequence[str]
    inputs: Sequence[tuple[int, record.Input]] = ()
    scalars: bool = True
    nth: int = 0
    since: int = 0
    superseded: int = 0
    tensors: bool = False


def build(name: str, result: Result, contents: Contents) -> summary_pb2.Summary:
    """All values of one call, whole or absent after a crash; those of the inputs first.

    Args:
      name: the probe's, with its name scopes.
      result: what was computed.
      contents: what of it is written.
    """
    summary = input_values(name, contents.inputs)
    labels = contents.labels
    if contents.scores:
        told = {
            index: replace(
                image.scores,
                nth=contents.nth,
                since=contents.since,
                superseded=contents.superseded,
            )
            for index, image in enumerate(result.images)
        }
        _add(summary, Series(name, 0, Kind.ALL_SCORES), record.pack_all_scores(told))
    for index, image in enumerate(result.images):
        for attribution, stored in image.attributions:
            label = attribution.label
            if label not in labels:
                continue
            series = Series(name, index, Kind.METHOD, attribution.method, label)
            _add(summary, series, record.pack_attribution(attribution))
            if stored is not None:
                series = Series(name, index, Kind.MAP, attribution.method, label)
                _add(summary, series, record.pack_maps(stored))
    for group, mean in result.means:
        if mean.label in labels:
            series = Series(name, 0, group.kind, mean.method, mean.label, group.index, group.name)
            _add(summary, series, record.pack_mean(mean))
    if contents.scalars:
        for label, named in result.scalars.items():
            if label in labels or (contents.scores and not label):
                for key, value in named.items():
                    tag = f"{name}/{label}/{key}" if label else f"{name}/{key}"
                    _add_scalar(summary, tag, value, contents.tensors)
    return summary


def of_edits(
    name: str,
    edits: record.Edits,
    inputs: Iterable[tuple[int, record.Input]],
    examples: Iterable[tuple[int, record.Example]],
    scalars: bool,
    as_tensors: bool,
) -> summary_pb2.Summary:
    """All values of one call that asks edits; those of the inputs and the examples first.

    Args:
      name: the probe's, with its name scopes.
      edits: what was answered. inputs, examples: which records of these.
      scalars, as_tensors: as of `Contents`.
    """
    summary = input_values(name, inputs)
    for index, example in examples:
        _add(summary, Series(name, index, Kind.EXAMPLE), record.pack_example(example))
    _add(summary, Series(name, 0, Kind.EDITS), record.pack_edits(edits))
    if scalars:
        for edit, moves in zip(edits.edits, edits.moves, strict=True):
            known = moves[np.isfinite(moves)]
            if known.size and not edit.matched:
                tag = f"{name}/edits/moves {_plain(edit.name)}"
                _add_scalar(summary, tag, float(known.mean()), as_tensors)
    return summary


def _plain(text: str) -> str:
    """A part of a tag that MLflow takes too."""
    return re.sub(r"[^\w ./-]", "", text.replace("×", "x"))


def sizes(summary: summary_pb2.Summary, before: int) -> tuple[int, int]:
    """Bytes of what each record writes, and of so many values before it, which are not written again."""
    once = sum(value.ByteSize() for value in summary.value[:before])
    return summary.ByteSize() - once, once


def _add(summary: summary_pb2.Summary, series: Series, data: bytes | list[bytes]) -> None:
    shape = tensor_shape_pb2.TensorShapeProto()
    elements = [data]
    if isinstance(data, list):
        shape.dim.add(size=len(data))
        elements = list(data)
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=elements
    )
    summary.value.add(tag=series.tag, tensor=tensor, metadata=series.summary_metadata())


def _add_scalar(summary: summary_pb2.Summary, tag: str, value: float, as_tensor: bool) -> None:
    if not as_tensor:
        summary.value.add(tag=tag, simple_value=value)
        return
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(),
        float_val=[float(maps.single(value))],
    )
    metadata = scalar_metadata.create_summary_metadata(display_name="", description="")
    metadata.data_class = summary_pb2.DATA_CLASS_SCALAR
    summary.value.add(tag=tag, tensor=tensor, metadata=metadata)
