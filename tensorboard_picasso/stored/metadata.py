"""Metadata of a series, which say what it is: plugin name, format version, tags, plugin data.

A series is one image of one probe under one kind (and, for maps, one method
and label), or of several images: a method's mean, the scores, the edits. Tags are for people; the
plugin data in the summary metadata is what is read, because name scopes put
prefixes before tags, and names hold slashes, spaces and any script.
"""

import enum
import functools
import re
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.stored import record_pb2

PLUGIN_NAME = "picasso"
FORMAT_VERSION = 4
# Of all kinds that it knew, so that a reader of that version takes them.
BASE_VERSION = 2
# What of a known kind is newer than that: values by segment; windows of volumes.
SEGMENTS_VERSION = 3
VOLUMES_VERSION = 4
# Bytes of plugin data that are remembered.
SHORT = 512
# The group of a mean over all images; others are classes.
WHOLE_PROBE = -1
# What JSON escapes, and so what TensorBoard's default loader cannot read in the
# key of a blob; and what looks as if it were escaped here already.
_ESCAPED = re.compile(r'["\\\x00-\x1f]|%(?=[0-9A-F]{2})')


class Kind(enum.StrEnum):
    """What the records of a series hold."""

    SCORES = "scores"
    METHOD = "method"
    MAP = "map"
    INPUT = "input"
    MEAN = "mean"
    EDITS = "edits"
    EXAMPLE = "example"
    ALL_SCORES = "all scores"
    GROUP_MEAN = "group mean"

    @property
    def since(self) -> int:
        """The version of the format that its records say: the first one that knows them."""
        later = (Kind.EDITS, Kind.EXAMPLE, Kind.ALL_SCORES, Kind.GROUP_MEAN)
        return 3 if self in later else BASE_VERSION


# Kinds of means: over the probe or a class, and over a named group.
MEANS = (Kind.MEAN, Kind.GROUP_MEAN)


class SeriesError(ValueError):
    """Plugin data that is not a series of this version, with the reason."""


@dataclass(frozen=True, order=True)
class Series:
    """One series.

    probe: the probe's name, name scopes included.
    image: the image's index in the probe; 0 of means, `EDITS` and `ALL_SCORES` series, which
      are of several.
    method, label: of `METHOD` and `MAP` series and of means: the method's name, and
      the label that tells two settings of it apart; empty otherwise.
    group: of `MEAN` series: the class whose images are averaged, or
      `WHOLE_PROBE`. group_name: what the tag calls the class; of `GROUP_MEAN` series the group.
    """

    probe: str
    image: int
    kind: Kind
    method: str = ""
    label: str = ""
    group: int = WHOLE_PROBE
    group_name: str = ""

    @property
    def over(self) -> int | str:
        """Of a mean, whose images: a class's, a group's by its name, or `WHOLE_PROBE`."""
        return self.group_name if self.kind is Kind.GROUP_MEAN else self.group

    @property
    def tag(self) -> str:
        """The tag under which the series is written: `%22` is a quotation mark in a name."""
        if self.kind is Kind.MEAN:
            of = "" if self.group == WHOLE_PROBE else f" of {self.group_name}"
            return _escaped(f"{self.probe}/mean{of}/{self.label}")
        if self.kind is Kind.GROUP_MEAN:
            return _escaped(f"{self.probe}/mean in {self.group_name}/{self.label}")
        if self.kind is Kind.EDITS:
            return _escaped(f"{self.probe}/edits")
        if self.kind is Kind.ALL_SCORES:
            return _escaped(f"{self.probe}/scores")
        last = {
            Kind.SCORES: "scores",
            Kind.INPUT: "input",
            Kind.METHOD: self.label,
            Kind.MAP: f"{self.label}/map",
            Kind.EXAMPLE: "edited",
        }[self.kind]
        return _escaped(f"{self.probe}/{self.image:02d}/{last}")

    def summary_metadata(self) -> summary_pb2.SummaryMetadata:
        """The metadata for the series' events, its data class set explicitly."""
        content = record_pb2.Series(
            version=self.kind.since,
            probe=self.probe,
            image=self.image,
            kind=self.kind.name,
            method=self.method,
            label=self.label,
            group=None if self.group == WHOLE_PROBE else self.group,
            group_name=self.group_name,
        ).SerializeToString(deterministic=True)
        blobs = self.kind is Kind.MAP
        return summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(
                plugin_name=PLUGIN_NAME, content=content
            ),
            data_class=(
                summary_pb2.DATA_CLASS_BLOB_SEQUENCE if blobs else summary_pb2.DATA_CLASS_TENSOR
            ),
        )


def parse(content: bytes) -> Series:
    """Read plugin data.

    Raises:
      SeriesError: it is malformed, or of a newer version, which it names.
    """
    # Runs beside each other mostly have the same series.
    return _remembered(content) if len(content) < SHORT else _parsed(content)


def _parsed(content: bytes) -> Series:
    try:
        message = record_pb2.Series.FromString(content)
    except DecodeError as e:
        raise SeriesError("plugin data cannot be read") from e
    if message.version > FORMAT_VERSION:
        raise SeriesError(
            f"written in format {message.version}, newer than {FORMAT_VERSION}:"
            " update tensorboard-picasso"
        )
    kinds = {kind.name: kind for kind in Kind}
    name = record_pb2.Kind.Name(message.kind) if message.kind in record_pb2.Kind.values() else ""
    if message.version < 1 or name not in kinds:
        raise SeriesError("plugin data cannot be read")
    return Series(
        message.probe,
        message.image,
        kinds[name],
        message.method,
        message.label,
        message.group if message.HasField("group") else WHOLE_PROBE,
        message.group_name,
    )


_remembered = functools.lru_cache(1 << 14)(_parsed)


def _escaped(tag: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", tag)
