"""A log of a probe of volumes, made from records alone, with what is in it in natural axes."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tensorboard_picasso.numbers import maps, volumes
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs

SHAPE = (4, 6, 5)
SHEET = (24, 5)
WINDOW = (2, 3, 2)
FRONTS, TOPS, LEFTS = (np.array(each, np.uint32) for each in ([0, 1, 2], [0, 2, 3], [0, 2, 3]))
CLASSES = 3
REGION = np.zeros(SHAPE, bool)
REGION[1:3, 2:5, 1:4] = True


def noise(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def pixels(image: int = 0) -> np.ndarray:
    """A grey a voxel, (depth, height, width)."""
    return noise(image, 0).integers(0, 256, SHAPE, np.uint8)


def odds(step: int, image: int = 0) -> np.ndarray:
    return noise(step, image, 1).normal(0, 2, CLASSES).astype(np.float32)


def hidden(step: int, image: int = 0) -> np.ndarray:
    """Log-odds with each window hidden, (fronts, tops, lefts, classes)."""
    shape = (len(FRONTS), len(TOPS), len(LEFTS), CLASSES)
    return (odds(step, image) + noise(step, image, 2).normal(0, 1, shape)).astype(np.float32)


def lost(step: int, image: int = 0, target: int = 1) -> np.ndarray:
    """What each window takes from a class, (fronts, tops, lefts) float64."""
    before = odds(step, image).astype(float)[target]
    return before - hidden(step, image)[..., target].astype(float)


def painted(values: np.ndarray) -> np.ndarray:
    """The mean over the windows that cover each voxel, one by one."""
    total, count = np.zeros(SHAPE), np.zeros(SHAPE)
    for (i, j, k), value in np.ndenumerate(values):
        starts = (FRONTS[i], TOPS[j], LEFTS[k])
        at = tuple(slice(int(a), int(a) + size) for a, size in zip(starts, WINDOW, strict=True))
        total[at] += value
        count[at] += 1
    return total / count


def plane(step: int, image: int = 0) -> np.ndarray:
    """A map without windows, (depth, height, width)."""
    return noise(step, image, 3).normal(0, 1, SHAPE) ** 3


def taken(solid: np.ndarray, plane: str, index: int) -> np.ndarray:
    """A slice of (depth, height, width), by hand."""
    axis = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
    return np.moveaxis(solid, axis, 0)[index]


def shown(image: int = 0) -> record.Input:
    stream = BytesIO()
    Image.fromarray(volumes.sheet(pixels(image))).save(stream, "PNG")
    return record.Input(
        stream.getvalue(), *SHEET, logs.HASH, str(image), 1, ("no", "yes", "maybe"),
        {"inside": volumes.sheet(REGION)}, depth=SHAPE[0],
    )  # fmt: skip


def occluded(step: int, image: int = 0) -> record.Attribution:
    values = volumes.sheet(hidden(step, image))
    regions = {"inside": volumes.sheet(REGION)}
    return logs.occlusion(
        values, odds(step, image), SHEET, WINDOW[1:], TOPS, LEFTS, (1,), regions, FRONTS, WINDOW[0]
    )


def explained(step: int, image: int = 0) -> tuple[record.Attribution, record.Maps]:
    sheet = volumes.sheet(plane(step, image))
    return logs.saliency({1: sheet}, maps.Sign.DIRECTION, depth=SHAPE[0])


def mean(step: int, images: int = 2) -> record.Mean:
    """Of class 1 in each image."""
    return logs.mean([occluded(step, image) for image in range(images)], [1] * images)


def write(run: Path, steps: Iterable[int], images: int = 2) -> None:
    log = logs.Log(run)
    for number, step in enumerate(steps):
        values = [
            each
            for image in range(images)
            for each in logs.image_values(
                image,
                logs.scores(odds(step, image)),
                occluded(step, image),
                explained(step, image),
                None if number else shown(image),
            )
        ]
        averaged = Series("p", 0, Kind.MEAN, "occlusion", "occlusion")
        log.write(step, [*values, (averaged, record.pack_mean(mean(step, images)))], 1000 + step)
    log.close()
