"""Tensors of a log and what stands in them, read without trust, whichever loader is behind it.

TensorBoard's own way makes an array of what a shape declares before anybody can look at it: a
few bytes may declare gigabytes, and a tensor of another type, or one that does not fill its
shape, ends the whole answer. Here a tensor is looked at first, and is one or is named.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import grpc
from tensorboard import errors
from tensorboard.compat.proto import summary_pb2, types_pb2
from tensorboard.data import provider
from tensorboard.data.proto import data_provider_pb2
from tensorboard.util import tensor_util

from tensorboard_picasso.logs.bounds import TooLargeError
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.record import RecordError

# Bytes of the strings of a tensor, by its rank, and what else may stand beside each of them.
MOST = (record.MAX_PICTURED, record.MAX_PLANES)
BESIDE = 64
# More than TensorBoard keeps of any series.
ALL_STEPS = 1 << 20
STRINGS = (summary_pb2.DATA_CLASS_TENSOR, summary_pb2.DATA_CLASS_BLOB_SEQUENCE)
SCALARS = (summary_pb2.DATA_CLASS_SCALAR,)
_TOLD: dict[Any, type[errors.PublicError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
}

Content: TypeAlias = bytes | RecordError


class Held(NamedTuple):
    """A tensor that TensorBoard, or its answer, holds: its string is a copy, made when it is read."""

    tensor: Any

    def string(self) -> bytes:
        """The string of a tensor of rank 0; raises as `strings`."""
        return strings(self.tensor, 0)[0]

    def size(self) -> int:
        """Bytes that it takes."""
        size: int = self.tensor.ByteSize()
        return size


class Datum(NamedTuple):
    """One string of a series, what holds it, or why it is none."""

    step: int
    wall: float
    content: Content | Held


class About(NamedTuple):
    """What is listed of a series: its plugin data, its largest step and wall time.

    mark: how many records it has, and the last one's step and wall time: of a resumed run
      the largest ones may be older.
    """

    plugin_content: bytes
    max_step: int
    max_wall_time: float
    mark: tuple[float, ...]


def strings(tensor: Any, rank: int) -> list[bytes]:
    """The strings of a `TensorProto`: one of rank 0, any number of rank 1.

    Raises:
      RecordError: it is another tensor, does not fill its shape, or is larger than any of ours.
    """
    if tensor.dtype != types_pb2.DT_STRING:
        known = tensor.dtype in types_pb2.DataType.values()
        kind = types_pb2.DataType.Name(tensor.dtype) if known else f"type {tensor.dtype}"
        raise RecordError(f"damaged record: a tensor of {kind} in place of strings")
    sides = [each.size for each in tensor.tensor_shape.dim]
    if len(sides) != rank:
        raise RecordError(f"damaged record: a tensor of rank {len(sides)} in place of {rank}")
    if len(tensor.string_val) != math.prod(sides):
        raise RecordError(
            f"damaged record: {len(tensor.string_val)} strings in a tensor of {math.prod(sides)}"
        )
    size = tensor.ByteSize()
    if size - BESIDE * (1 + len(tensor.string_val)) > MOST[rank]:
        raise RecordError(f"damaged record: {size:,} bytes are out of bounds")
    return list(tensor.string_val)


def number(tensor: Any) -> float:
    """The number of a `TensorProto` of one.

    Raises:
      RecordError: it holds none, or several.
    """
    try:
        if math.prod(each.size for each in tensor.tensor_shape.dim) != 1:
            raise ValueError("several numbers")
        return float(tensor_util.make_ndarray(tensor).item())
    except (TypeError, ValueError, ArithmeticError, LookupError) as e:
        raise RecordError("damaged record: not one number") from e


def of_multiplexer(multiplexer: Any, run: str, tag: str) -> list[Any]:
    """The events of a series behind the Python loader; empty where it has metadata alone."""
    try:
        return list(multiplexer.Tensors(run, tag))
    except KeyError:
        return []


def listed(
    multiplexer: Any, plugin: str, classes: Collection[int], runs: Sequence[str] | None
) -> dict[str, dict[str, About]]:
    """The series of a plugin behind the Python loader.

    Its provider fails where one series has metadata and no record.
    """
    by_run: dict[str, dict[str, About]] = {}
    for run, tags in _metadata(multiplexer, runs):
        for tag, about in tags.items():
            if about.plugin_data.plugin_name != plugin or about.data_class not in classes:
                continue
            events = of_multiplexer(multiplexer, run, tag)
            if events:
                by_run.setdefault(run, {})[tag] = About(
                    about.plugin_data.content,
                    max(each.step for each in events),
                    max(each.wall_time for each in events),
                    (len(events), events[-1].step, events[-1].wall_time),
                )
    return by_run


def _metadata(multiplexer: Any, runs: Sequence[str] | None) -> Iterator[tuple[str, Any]]:
    """Runs, all or those of these that there are, with the metadata of their tags."""
    if runs is None:
        yield from multiplexer.AllSummaryMetadata().items()
        return
    for run in dict.fromkeys(runs):
        try:
            yield run, multiplexer.GetAccumulator(run).AllSummaryMetadata()
        except KeyError:
            continue


def of_source(
    source: provider.DataProvider, context: Any, where: Mapping[str, str], run: str,
    tags: Sequence[str],
) -> dict[str, list[Datum]]:  # fmt: skip
    """The strings of series behind a data provider."""
    stub = getattr(source, "_stub", None)
    if hasattr(stub, "ReadTensors"):
        return _of_server(stub, where, run, tags)
    try:
        return _arrays(source, context, where, run, tags)
    except (TypeError, ValueError, MemoryError) as e:
        if len(tags) == 1:
            return {tags[0]: [Datum(0, 0.0, RecordError(f"damaged record: a tensor: {e}"))]}
        parts = [of_source(source, context, where, run, [tag]) for tag in tags]
        return {tag: data for part in parts for tag, data in part.items()}


def _of_server(
    stub: Any, where: Mapping[str, str], run: str, tags: Sequence[str]
) -> dict[str, list[Datum]]:
    """As the data server gives them: TensorBoard's client of it makes arrays at once."""
    request: Any = data_provider_pb2.ReadTensorsRequest()
    request.experiment_id = where["experiment_id"]
    request.plugin_filter.plugin_name = where["plugin_name"]
    request.run_tag_filter.runs.names[:] = [run]
    request.run_tag_filter.tags.names[:] = sorted(tags)
    request.downsample.num_points = ALL_STEPS
    try:
        answer = stub.ReadTensors(request)
    except grpc.RpcError as e:
        if e.code() in _TOLD:
            raise _TOLD[e.code()](e.details()) from e
        if e.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise
        # How large a series is shows only when it is read.
        if len(tags) == 1:
            raise TooLargeError(
                f'series "{tags[0]}" is more than TensorBoard\'s default loader hands over:'
                " start TensorBoard with --load_fast=false"
            ) from e
        parts = [_of_server(stub, where, run, [tag]) for tag in tags]
        return {tag: data for part in parts for tag, data in part.items()}
    return {
        series.tag_name: [
            Datum(step, wall, Held(value))
            for step, wall, value in zip(
                series.data.step, series.data.wall_time, series.data.value, strict=True
            )
        ]
        for of_run in answer.runs
        for series in of_run.tags
    }


def blobs(
    source: provider.DataProvider, context: Any, keys: Sequence[str], most: int
) -> list[bytes]:
    """The blobs of these keys behind a data provider.

    Raises:
      RecordError: they are of more bytes than that.
      PublicError: they are not given.
    """
    stub = getattr(source, "_stub", None)
    found, size = [], 0
    for key in keys:
        if hasattr(stub, "ReadBlob"):
            found.append(_blob_of_server(stub, key, most - size))
        else:
            found.append(source.read_blob(context, blob_key=key))
        size += len(found[-1])
        record.check_bytes(size, most)
    return found


def _blob_of_server(stub: Any, key: str, most: int) -> bytes:
    """As the data server gives it, part by part: no more of it than may be."""
    request: Any = data_provider_pb2.ReadBlobRequest()
    request.blob_key = key
    parts, size = [], 0
    answer = stub.ReadBlob(request)
    try:
        for each in answer:
            size += len(each.data)
            record.check_bytes(size, most)
            parts.append(each.data)
    except RecordError:
        answer.cancel()
        raise
    except grpc.RpcError as e:
        if e.code() in _TOLD:
            raise _TOLD[e.code()](e.details()) from e
        raise
    return b"".join(parts)


def _arrays(
    source: provider.DataProvider, context: Any, where: Mapping[str, str], run: str,
    tags: Sequence[str],
) -> dict[str, list[Datum]]:  # fmt: skip
    """As any other provider gives them."""
    read = source.read_tensors(
        context,
        downsample=ALL_STEPS,
        run_tag_filter=provider.RunTagFilter(runs=[run], tags=list(tags)),
        **where,
    ).get(run, {})
    return {
        tag: [Datum(each.step, each.wall_time, _string(each.numpy)) for each in data]
        for tag, data in read.items()
    }


def _string(array: Any) -> Content:
    value = array.item() if array.size == 1 and array.ndim == 0 else None
    return value if isinstance(value, bytes) else RecordError("damaged record: not one string")
