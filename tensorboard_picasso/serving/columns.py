"""Columns: what an answer holds of the records of one series, a list of numbers for each thing told.

An object a record would take ten times the bytes, and most of the time that an answer takes.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tensorboard_picasso.logs.records import Stored
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.serving.entries import Listed
from tensorboard_picasso.serving.pack import Pack
from tensorboard_picasso.stored import record

# Bytes of what stands in one number each of a record.
ROW = 64


class Places:
    """What repeats from record to record, listed once, found by what tells it apart."""

    def __init__(self, pack: Pack) -> None:
        self._listed = Listed(pack)
        self._places: dict[Hashable, int] = {}

    @property
    def all(self) -> list[Any]:
        """What was placed, in its order."""
        return list(self._listed.all)

    def find(self, key: Hashable) -> int | None:
        """Where it was placed; None where it was not."""
        return self._places.get(key)

    def place(self, key: Hashable, about: Any) -> int:
        """Place it; its index in the list."""
        return self._places.setdefault(key, self._listed.place(about))


class ScoresRow(NamedTuple):
    """One record of an image's scores; numbers as bytes."""

    step: int
    wall: float
    epoch: float
    hash: int
    settings: int
    explained: int
    values: bytes
    moves: bytes
    flips: bytes
    predicted: bytes


class Unchanged(NamedTuple):
    """Of an image, what holds in all records that say the same of it.

    keys: places of its hash, settings and explained classes. values, hidden: where its numbers
    stand. follows: whether moves that are not recorded may follow from its scores.
    """

    image: int
    keys: tuple[int, int, int]
    values: slice
    hidden: slice
    follows: bool


@dataclass
class ScoresColumns:
    """The scores of a probe's images as they are read, by image."""

    pack: Pack
    rows: dict[int, list[ScoresRow]] = field(default_factory=dict)
    size: int = 0

    def __post_init__(self) -> None:
        self.hashes, self.settings, self.explained = (Places(self.pack) for _ in range(3))
        self._about: tuple[object, ...] = ()
        self._unchanged: list[Unchanged] = []

    def take(self, image: int, at: Stored, scores: record.Scores) -> None:
        """A record of one image."""
        moves = [scores.move_of(each) for each in scores.hidden]
        whole = len(scores.classes) == scores.class_count
        classes = None if whole else np.asarray(scores.classes)
        regions = tuple((each.region, each.fill) for each in scores.hidden)
        layout = record.Layout(scores.class_count, classes, regions)
        self._add(
            image, at, np.nan if scores.epoch is None else scores.epoch,
            self._keys(scores, self._settings(scores, layout)),
            np.concatenate([scores.values, *(each.values for each in scores.hidden)]).tobytes(),
            np.array([np.nan if each is None else each.moves for each in moves], np.float32).tobytes(),
            np.array([each is not None and each.flips for each in moves], np.uint8).tobytes(),
            np.array([0 if each is None else each.predicted for each in moves], np.int32).tobytes(),
        )  # fmt: skip

    def take_all(self, at: Stored, scores: record.AllScores, images: Sequence[int]) -> None:
        """A record of all images, of which these are wanted."""
        about = scores.placement, scores.output, scores.value_name, scores.independent, [*images]
        if about != self._about:
            self._about, self._unchanged = about, [self._of(scores, each) for each in images]
        numbers, moves = scores.numbers, scores.moves
        predicted = scores.predicted.astype(np.int32)
        flips = scores.flips.astype(np.uint8)
        unknown = np.isnan(moves) if scores.output is not Output.RAW else None
        epoch = np.nan if scores.epoch is None else scores.epoch
        for image, keys, own, hidden, follows in self._unchanged:
            if unknown is not None and follows and unknown[hidden].any():
                self.take(image, at, scores[image])  # it may follow from the scores
                continue
            values = numbers[own].tobytes()
            self._add(
                image, at, epoch, keys, values,
                moves[hidden].tobytes(), flips[hidden].tobytes(), predicted[hidden].tobytes(),
            )  # fmt: skip

    def _of(self, scores: record.AllScores, image: int) -> "Unchanged":
        """What holds of an image in all records that say the same of it."""
        placed = scores.placement.images[image]
        layout = scores.placement.layouts[placed.layout]
        hidden = placed.hidden + len(layout.regions)
        end = placed.values + (1 + len(layout.regions)) * layout.length
        keys = self._keys(placed, self._settings(scores, layout))
        values, regions = slice(placed.values, end), slice(placed.hidden, hidden)
        return Unchanged(
            image, keys, values, regions, bool(layout.regions) and layout.classes is None
        )

    def _settings(self, scores: record.Scores | record.AllScores, layout: record.Layout) -> int:
        classes = None if layout.classes is None else layout.classes.tobytes()
        key = (
            scores.output, scores.value_name, scores.independent, layout.class_count, classes,
            layout.regions,
        )  # fmt: skip
        known = self.settings.find(key)
        if known is not None:
            return known
        about = {
            "output": scores.output,
            "value_name": scores.value_name,
            "independent": scores.independent,
            "class_count": layout.class_count,
            "classes": None if layout.classes is None else layout.classes.tolist(),
            "hidden": [{"region": region, "fill": fill} for region, fill in layout.regions],
        }
        return self.settings.place(key, about)

    def _keys(
        self, said: record.Scores | record.ScoredImage, settings: int
    ) -> tuple[int, int, int]:
        """Places of an image's hash, settings and explained classes."""
        digest = self.hashes.find(said.input_hash)
        if digest is None:
            digest = self.hashes.place(said.input_hash, said.input_hash.hex())
        key = said.targets, said.lasting, said.dropped
        explained = self.explained.find(key)
        if explained is None:
            about = dict(zip(("targets", "lasting", "dropped"), key, strict=True))
            explained = self.explained.place(key, about)
        return digest, settings, explained

    def _add(
        self, image: int, at: Stored, epoch: float, keys: tuple[int, int, int], *numbers: bytes
    ) -> None:
        self.size += ROW + sum(map(len, numbers))
        self.pack.check(self.size)
        row = ScoresRow(at.step, at.wall, epoch, *keys, *numbers)
        self.rows.setdefault(image, []).append(row)

    def header(self) -> dict[str, Any]:
        """What the answer's header says of them."""
        images = []
        for image, rows in sorted(self.rows.items()):
            rows.sort(key=lambda row: row.step)
            column = dict(zip(ScoresRow._fields, zip(*rows, strict=True), strict=True))
            add = self.pack.add
            images.append(
                {
                    "image": image,
                    "steps": add(np.array(column["step"], np.int64), "i8"),
                    "walls": add(column["wall"], "f8"),
                    "epochs": add(column["epoch"], "f8"),
                    "hashes": add(column["hash"], "i4"),
                    "settings": add(column["settings"], "i4"),
                    "explained": add(column["explained"], "i4"),
                    "values": add(b"".join(column["values"]), "f4"),
                    "moves": add(b"".join(column["moves"]), "f4"),
                    "flips": add(b"".join(column["flips"]), "u1"),
                    "predicted": add(b"".join(column["predicted"]), "i4"),
                }
            )
        told = {"hashes": self.hashes.all, "settings": self.settings.all}
        return {**told, "explained": self.explained.all, "images": images}


class AttributionRow(NamedTuple):
    """One record of a method of an image."""

    step: int
    wall: float
    hash: int
    settings: int
    targets: int
    statistics: list[float]
    located: list[float]
    whole: bytes
    second: tuple[int, tuple[float, ...], list[float]] | None


@dataclass
class AttributionColumns:
    """The records of one method, an image at a time."""

    pack: Pack

    def __post_init__(self) -> None:
        self.hashes, self.targets = Places(self.pack), Places(self.pack)
        self.size = 0

    def row(self, at: Stored, numbers: record.MethodNumbers, settings: int) -> AttributionRow:
        """A record."""
        digest = self.hashes.find(numbers.input_hash)
        if digest is None:
            digest = self.hashes.place(numbers.input_hash, numbers.input_hash.hex())
        targets = self.targets.find(numbers.targets)
        if targets is None:
            targets = self.targets.place(numbers.targets, list(numbers.targets))
        second = None
        if numbers.second_seed is not None:
            second = numbers.second_seed, numbers.agreements, numbers.seconds
        whole = b"" if numbers.whole is None else numbers.whole.tobytes()
        count = len(numbers.rows) + len(numbers.located) + len(numbers.seconds)
        self.size += ROW + 8 * count + len(whole)
        self.pack.check(self.size)
        return AttributionRow(
            at.step,
            at.wall,
            digest,
            settings,
            targets,
            numbers.rows,
            numbers.located,
            whole,
            second,
        )

    def image(
        self, image: int, rows: Sequence[AttributionRow], grids: Sequence[tuple[int, bytes]]
    ) -> dict[str, Any]:
        """What the answer's header says of an image.

        grids: of those rows whose grid is wanted, with their places.
        """
        add = self.pack.add
        column = dict(zip(AttributionRow._fields, zip(*rows, strict=True), strict=True))
        if not rows:
            column = dict.fromkeys(AttributionRow._fields, ())
        seconds = [(n, each) for n, each in enumerate(column["second"]) if each is not None]
        told = {
            "image": image,
            "steps": add(np.array(column["step"], np.int64), "i8"),
            "walls": add(column["wall"], "f8"),
            "hashes": add(column["hash"], "i4"),
            "settings": add(column["settings"], "i4"),
            "targets": add(column["targets"], "i4"),
            "statistics": add([n for each in column["statistics"] for n in each], "f8"),
            "located": add([n for each in column["located"] for n in each], "f8"),
            "whole": add(b"".join(column["whole"]), "f4"),
            "grids": {
                "records": add([at for at, _ in grids], "i4"),
                "values": add(b"".join(values for _, values in grids), "f4"),
            },
            "seconds": {
                "records": add([at for at, _ in seconds], "i4"),
                "seeds": add(np.array([seed for _, (seed, _, _) in seconds], np.int64), "i8"),
                "agreements": add([n for _, (_, each, _) in seconds for n in each], "f8"),
                "regions": add([n for _, (_, _, each) in seconds for n in each], "f8"),
            },
        }
        self.size = 0  # it is in the pack now
        return told
