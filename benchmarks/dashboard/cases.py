"""What is opened: logs made from records alone, with two methods and three targets an image."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.image import metadata

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs

EDITED = 64  # images that edits are made of


@dataclass(frozen=True)
class Case:
    """A log directory.

    side: of the images, in pixels.
    edited: whether edits are logged beside.
    copied: whether all runs are copies of the first.
    samples: how many steps TensorBoard is told to keep.
    pictures: whether the images are logged as image summaries too, at every step.
    depth: slices of the images, which are volumes then; 0: they are pictures.
    """

    runs: int
    images: int
    steps: int
    side: int
    edited: bool = False
    copied: bool = False
    samples: int | None = None
    pictures: bool = False
    depth: int = 0

    @property
    def name(self) -> str:
        """What it is, in words."""
        more = f", 24 edits of {EDITED} images" if self.edited else ""
        more += f", {self.samples:,} steps kept" if self.samples else ""
        size = "×".join(str(each) for each in (self.depth, self.side, self.side) if each)
        return f"{self.runs:,} × {self.images} images of {size} × {self.steps:,} steps{more}"

    @property
    def drawn_on(self) -> bool:
        """Whether an image is near enough to draw on: each run has a map of it, one below another."""
        return self.runs < 10 and not self.depth

    @property
    def flags(self) -> list[str]:
        """What TensorBoard is started with."""
        return ["--samples_per_plugin", f"picasso={self.samples}"] if self.samples else []

    def write(self, folder: Path) -> None:
        """Log all runs."""
        steps = range(self.steps)
        if self.depth:
            for run in range(self.runs):
                volumes(
                    folder / f"run{run}", self.images, (self.depth, self.side, self.side), steps
                )
            return
        for run in range(1 if self.copied else self.runs):
            logs.plausible(folder / f"run{run}", run, steps, self.images, self.side)
            if self.edited:
                edits(folder / f"run{run}", run, steps)
            if self.pictures:
                pictures(folder / f"run{run}", self.images, self.side, steps)
        for run in range(1, self.runs if self.copied else 0):
            shutil.copytree(folder / "run0", folder / f"run{run}")


CASES = {
    "first": Case(1, 12, 300, 64, pictures=True),
    "runs": Case(3, 16, 300, 64),
    "edits": Case(3, 16, 300, 64, edited=True),
    "large": Case(1, 4, 100, 224),
    "images": Case(1, 64, 300, 64),
    "volumes": Case(1, 4, 10, 64, depth=64),
    "600": Case(600, 4, 10, 28, copied=True),
    "1000": Case(1000, 4, 10, 28, copied=True),
    "3000": Case(1, 4, 3000, 28, samples=3000),
    "sampled": Case(1, 4, 10_000, 28),
    "10000": Case(1, 4, 10_000, 28, samples=10_000),
}
# A log of 10,000 steps takes minutes to make.
SELDOM = ("sampled", "10000")


def edits(run: Path, seed: int, steps: Sequence[int], probe: str = "digits") -> None:
    """Log edits beside: twelve of the whole image, four of regions, and each of those at two other places."""
    random = np.random.default_rng(seed)
    names = [record.Edit(f"edit {number}", "it") for number in range(12)]
    for region in ("corner", "blob"):
        for form in ("swapped", "hidden"):
            own = f"{region}, {form}"
            names.append(record.Edit(own, "it", form, region))
            for at in (1, 2):
                other = f"{region} elsewhere ({at}), {form}"
                names.append(record.Edit(other, "it", form, region, own))
    used = np.array([1.0 if not each.matched else 0.2 for each in names])
    shape = (len(names), EDITED)
    noise = random.normal(0, 0.1, shape)
    images = tuple(
        record.Edited(bytes([at]) * 16, (at % logs.CLASSES,), at % logs.CLASSES, (at + 1) % EDITED,
                      (at + 1) % logs.CLASSES)
        for at in range(EDITED)
    )  # fmt: skip
    log = logs.Log(run, f"events.out.tfevents.2.{seed}")
    for number, step in enumerate(steps):
        progress = number / max(1, len(steps) - 1)
        said = record.Edits(
            output=maps.Output.LOGITS,
            class_count=logs.CLASSES,
            edits=tuple(names),
            images=images,
            whole=random.normal(size=(EDITED, 3)).astype(np.float32),
            edited=random.normal(size=(*shape, 3)).astype(np.float32),
            predicted=random.integers(0, logs.CLASSES, shape).astype(np.uint32),
            moves=np.clip(progress * used[:, None] + noise, 0, 1).astype(np.float32),
            asked=np.ones(shape, bool),
            flips=random.random(shape) < progress * used[:, None],
        )
        log.write(step, [(Series(probe, 0, Kind.EDITS), record.pack_edits(said))], time.time())
    log.close()


def volumes(run: Path, images: int, shape: tuple[int, int, int], steps: Sequence[int]) -> None:
    """Log volumes with a ball as region: occlusion by 7 × 7 × 7 windows, and saliency."""
    depth, height, width = shape
    sheet = (depth * height, width)
    window = tuple(side // 4 for side in shape)
    fronts, tops, lefts = (
        logs.starts(side, side // 4, side // 8) for side in shape
    )  # fmt: skip
    away = np.indices(shape) - np.array(shape).reshape(3, 1, 1, 1) / 2
    region = (np.linalg.norm(away, axis=0) < min(shape) / 4).reshape(sheet)
    stream = BytesIO()
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, sheet, np.uint8)).save(stream, "PNG")
    given = record.Input(
        stream.getvalue(), *sheet, logs.HASH, "volume", 1, ("no", "yes"), {"ball": region},
        depth=depth,
    )  # fmt: skip
    log = logs.Log(run)
    for number, step in enumerate(steps):
        values = []
        for image in range(images):
            odds = random.normal(size=2).astype(np.float32)
            grid = random.normal(size=(len(fronts) * len(tops), len(lefts), 2)).astype(np.float32)
            occluded = logs.occlusion(
                grid, odds, sheet, window[1:], tops, lefts, (1,), {"ball": region}, fronts,
                window[0],
            )  # fmt: skip
            explained = logs.saliency({1: random.normal(size=sheet) ** 2}, depth=depth)
            first = None if number else given
            values += logs.image_values(image, logs.scores(odds), occluded, explained, first)
        log.write(step, values, time.time())
    log.close()


def pictures(run: Path, images: int, side: int, steps: Sequence[int]) -> None:
    """Log the images as image summaries."""
    log = logs.Log(run, "events.out.tfevents.3.pictures")
    about = metadata.create_summary_metadata(display_name="", description="")
    size = str(side).encode()
    pngs = [logs.shown((side, side), image).png for image in range(images)]
    for step in steps:
        summary = summary_pb2.Summary()
        for image, png in enumerate(pngs):
            tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[size, size, png])
            tensor.tensor_shape.dim.add(size=3)
            summary.value.add(tag=f"digits/{image:02}", tensor=tensor, metadata=about)
        log.event(event_pb2.Event(step=step, wall_time=time.time(), summary=summary))
    log.close()
