"""What is read of a log, as arrays: the answers of a `LoggedProbe`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """What the model said of an image over training.

    Attributes:
      steps: int64 (n,), ascending. wall_times: float64 (n,), seconds since 1970. epochs:
        float64 (n,), NaN where none was logged.
      classes: int64 (k,), ascending.
      values: float32 (n, k), log-odds; of raw outputs the value. NaN where a class was not
        kept: of more than 100 those that are among the 20 likeliest, and all explained.
      hidden: the same with a whole region hidden, by the region's name and what hides it.
      output: what the model's output was taken to be: "logits", "probabilities", "sigmoid",
        "raw".
    """

    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    epochs: NDArray[np.float64]
    classes: NDArray[np.int64]
    values: Floats
    hidden: Mapping[tuple[str, str], Floats]
    output: str


@dataclass(frozen=True)
class Maps:
    """A method's maps of an image for one class over training.

    Attributes:
      steps: int64 (n,), ascending; those at which the class was explained.
      values: float32 (n, height, width), of volumes (n, depth, height, width): of windows what
        the reading makes of them at each pixel, else as recorded, in `unit`. Where the image
        changed its size during training, read one `step` at a time.
      target: the class. reading: "importance", "score" or "evidence".
      unit: of what was recorded. score: what was explained, such as "log-odds".
      parameters: the method's, of the newest step, as text.
    """

    steps: NDArray[np.int64]
    values: Floats
    target: int
    reading: str
    unit: str
    score: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Windows:
    """What occlusion recorded of an image, of all classes that it keeps, over training.

    Attributes:
      steps: int64 (n,). tops, lefts: int64, first rows and columns. window: height and width; of
        volumes depth, height and width. fronts: int64, of volumes first slices, else empty.
      classes: int64 (k,).
      hidden: float32 (n, tops, lefts, k), of volumes (n, fronts, tops, lefts, k), log-odds with
        the window hidden; of raw outputs the value. whole: float32 (n, k), those of the whole
        image from the same pass. What a window takes away is `whole[:, None, None] - hidden`,
        of volumes `whole[:, None, None, None] - hidden`.
    """

    steps: NDArray[np.int64]
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    window: tuple[int, ...]
    classes: NDArray[np.int64]
    hidden: Floats
    whole: Floats
    fronts: NDArray[np.int64]


@dataclass(frozen=True)
class Segments:
    """What occlusion by segments recorded of an image, of all classes that it keeps, over training.

    Attributes:
      steps: int64 (n,). labels: int16 (height, width), of volumes (depth, height, width), the
        segment of each pixel, counted from 0 in the order of the labels that were given; -1: of
        none.
      classes: int64 (k,).
      hidden: float32 (n, segments, k), log-odds with the segment hidden; of raw outputs the
        value. whole: float32 (n, k), those of the whole image from the same pass. What a
        segment takes away is `whole[:, None] - hidden`.
    """

    steps: NDArray[np.int64]
    labels: NDArray[np.int16]
    classes: NDArray[np.int64]
    hidden: Floats
    whole: Floats


@dataclass(frozen=True)
class Picture:
    """An image of a probe as it was last logged.

    Attributes:
      pixels: uint8 (height, width, 3), of a volume (depth, height, width, 3).
      name: the caller's, or "". labels: the true classes, None where they are not known.
      regions: bool, by name, of the shape of `pixels` without its last axis. source_index: of the
        example in its dataset. group: which of a few groups it belongs to, None: none.
    """

    pixels: NDArray[np.uint8]
    name: str
    labels: tuple[int, ...] | None
    regions: Mapping[str, NDArray[np.bool_]]
    source_index: int | None
    group: str | None
