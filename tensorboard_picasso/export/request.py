"""Requests of exports, in words from a command line or a URL, and the making of what they ask for."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from tensorboard_picasso.export import editnumbers, files, mapnumbers, meannumbers, picture
from tensorboard_picasso.export.cut import Cut
from tensorboard_picasso.export.drawable import Drawable, M
from tensorboard_picasso.export.editnumbers import EditSubject
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.files import FileFormat
from tensorboard_picasso.export.means import MeanSubject, gather_mean, largest_mean
from tensorboard_picasso.export.picture import Look, Painter, Scale
from tensorboard_picasso.export.source import MAPS, Source, gather, largest
from tensorboard_picasso.logs.bounds import COMMAND, Limits, Room, TooLargeError
from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.numbers.volumes import Plane
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored.record import MAX_SIDE

SMALLEST, LARGEST = 16, 4096
FASTEST = 50  # frames a second: what players still show

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ExportRequest:
    """How a map over training is to be taken away.

    step: only this one. reading, palette: names, None: the default. scale: a
    mode of `picture.SCALES`, or the value that takes the last colour. cut: a slice of a volume;
    None: pictures show the middle one, and numbers are of all.
    """

    kind: FileFormat
    step: int | None = None
    reading: str | None = None
    palette: str | None = None
    opacity: float = picture.OPACITY
    scale: str | float = "shared"
    size: int = picture.SIZE
    fps: float = files.FPS
    cut: Cut | None = None

    @classmethod
    def parse(cls, words: Mapping[str, str | None]) -> "ExportRequest":
        """From named words; what is absent or None takes its default.

        Raises:
          ExportError: a word is none that is understood; it is named.
        """
        given = {name: word for name, word in words.items() if word is not None}
        kinds = ", ".join(FileFormat)
        kind = given.get("format", "")
        if kind not in tuple(FileFormat):
            raise ExportError(
                f'format "{kind}": give {kinds}' if kind else f"give a format: {kinds}"
            )
        scale: str | float = given.get("scale", "shared")
        if scale not in picture.SCALES:
            scale = _number(
                "scale", given["scale"], 0, math.inf, f"{', '.join(picture.SCALES)} or a value"
            )
        step = given.get("step")
        return cls(
            FileFormat(kind),
            None if step is None else _whole("step", step, -(2**63), 2**63 - 1),
            given.get("reading"),
            given.get("palette"),
            _number(
                "opacity", given.get("opacity", str(cls.opacity)), 0, 1, "a number from 0 to 1"
            ),
            scale,
            _whole("size", given.get("size", str(cls.size)), SMALLEST, LARGEST),
            _number(
                "fps",
                given.get("fps", str(cls.fps)),
                0.1,
                FASTEST,
                f"frames a second, up to {FASTEST}",
            ),
            _cut(given.get("slice"), given.get("plane")),
        )


@dataclass(frozen=True)
class Made:
    """A file: its name, its bytes, and what it lacks, in words."""

    name: str
    data: bytes
    remarks: tuple[str, ...]


def make(
    source: Source,
    subject: MapSubject | MeanSubject | EditSubject,
    asked: ExportRequest,
    runs: Sequence[str],
    *,
    limits: Limits | None = None,
    progress: Progress = lambda done, total: None,
) -> Made:
    """Read a map, a mean or edits over training and make the file.

    Args:
      source: where from.
      subject: which.
      asked: how.
      runs: whose maps share one scale.
      limits: what it may take; None: as the command has it.
      progress: told frames made and to make.

    Raises:
      ExportError: it is not there, or does not fit.
      TooLargeError: it exceeds the limits.
    """
    limits = limits or COMMAND
    newest = asked.kind is FileFormat.PNG
    made = limits.room(limits.made, "the file")
    if isinstance(subject, EditSubject):
        return _edits(source, subject, asked, made)
    if isinstance(subject, MeanSubject):
        mean = gather_mean(source, subject, step=asked.step, newest=newest)
        numbers = _Numbers(
            partial(meannumbers.table, mean, made, asked.cut),
            partial(meannumbers.arrays, mean, made, cut=asked.cut),
            lambda reading: largest_mean(source, runs, subject),
        )
        return _make(mean, asked, numbers, limits, progress)
    planes = asked.kind is not FileFormat.CSV or asked.cut is not None
    kept = limits.room(limits.kept, MAPS)
    evolution = gather(source, subject, kept, planes=planes, step=asked.step, newest=newest)
    numbers = _Numbers(
        partial(mapnumbers.table, evolution, made, asked.cut),
        partial(mapnumbers.arrays, evolution, made, cut=asked.cut),
        partial(largest, source, runs, subject.probe, subject.label, subject.target),
    )
    return _make(evolution, asked, numbers, limits, progress)


def _edits(source: Source, subject: EditSubject, asked: ExportRequest, room: Room) -> Made:
    if asked.kind not in (FileFormat.CSV, FileFormat.NPZ):
        raise ExportError(f'format "{asked.kind}": edits are numbers, give csv or npz')
    if asked.cut is not None:
        raise ExportError("slice, plane: edits are told of whole images")
    read = editnumbers.gather(source, subject, asked.step)
    name = files.file_name(subject.words, asked.kind)
    if asked.kind is FileFormat.CSV:
        return Made(name, editnumbers.table(read, room).encode(), read.problems)
    return Made(name, editnumbers.arrays(read, subject, room), read.problems)


@dataclass(frozen=True)
class _Numbers:
    """What depends on what is logged: tables, and the scale at each step and of all."""

    table: Callable[[], str]
    arrays: Callable[[Reading, Sequence[str]], bytes]
    scales: Callable[[Reading], tuple[Mapping[int, float], float]]


def _make(
    shown: Drawable[M], asked: ExportRequest, numbers: _Numbers, limits: Limits, progress: Progress
) -> Made:
    name = files.file_name([*shown.words, *_slice_words(shown, asked)], asked.kind)
    if asked.kind is FileFormat.CSV:
        if asked.cut is not None:
            _check(shown, limits, 0)
        return Made(name, numbers.table().encode(), shown.problems)
    reading = shown.fitting(asked.reading)
    remarks = (*shown.problems, *shown.lacking)
    if asked.kind is FileFormat.NPZ:
        _check(shown, limits, 0)
        return Made(name, numbers.arrays(reading, remarks), remarks)
    scale = _scale(asked, reading, numbers)
    cut = asked.cut or Cut()
    look = Look(reading, scale, asked.palette, asked.opacity, asked.size, cut)
    height, width = Painter(shown, look).shape
    _check(shown, limits, height * width)
    if asked.kind is FileFormat.PNG:
        return Made(name, files.picture(shown, look), remarks)
    if asked.kind is not FileFormat.GIF and asked.kind is not FileFormat.WEBP:
        assert_never(asked.kind)
    data = files.animation(shown, look, asked.kind, asked.fps, progress)
    return Made(name, data, remarks)


def _slice_words(shown: Drawable[M], asked: ExportRequest) -> list[str]:
    """Names the slice of a volume in a file that holds but one, once every step is known to have it."""
    if asked.cut is None and asked.kind in (FileFormat.CSV, FileFormat.NPZ):
        return []
    abouts = [shown.about(each) for each in shown.drawn]
    if asked.cut is not None:
        for about in abouts:
            asked.cut.check(about)
    cut = asked.cut or Cut()
    return [cut.plane, str(cut.number(abouts[-1]))] if abouts[-1].depth else []


def _scale(asked: ExportRequest, reading: Reading, numbers: _Numbers) -> Scale:
    if isinstance(asked.scale, float):
        return Scale("fixed", shared=asked.scale)
    if asked.scale == "map":
        return Scale("map")
    return Scale(asked.scale, *numbers.scales(reading))


def _check(shown: Drawable[M], limits: Limits, frame: int) -> None:
    """Refuse what would take too much, before any of it is made."""
    abouts = [shown.about(each) for each in shown.drawn]
    maps = [each.height * each.width for each in abouts]
    pixels = 4 * sum(maps) + frame * len(maps) + shown.inputs_read * max(maps)
    if max(maps) > limits.map:
        raise TooLargeError(f"a map of {max(maps):,} pixels: at most {limits.map:,} are exported")
    if pixels > limits.pixels:
        raise TooLargeError(f"{len(maps)} steps of this size are too much: {limits.instead}")


def _cut(index: str | None, plane: str | None) -> Cut | None:
    if index is None and plane is None:
        return None
    if plane is not None and plane not in tuple(Plane):
        raise ExportError(f'plane "{plane}": give {", ".join(Plane)}')
    of = Plane.AXIAL if plane is None else Plane(plane)
    return Cut(of, None if index is None else _whole("slice", index, 0, MAX_SIDE - 1))


def _number(name: str, word: str, low: float, high: float, expected: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not (low <= value <= high and math.isfinite(value)):
        raise ExportError(f'{name} "{word}": give {expected}')
    return value


def _whole(name: str, word: str, low: int, high: int) -> int:
    digits = word.removeprefix("-")
    # Longer ones are no step of TensorBoard's, and slow to convert.
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ExportError(f'{name} "{word}": give a whole number')
    if not low <= int(word) <= high:
        raise ExportError(f'{name} "{word}": give {low} to {high}')
    return int(word)
