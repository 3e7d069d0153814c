"""Masks as COCO's run lengths: how many pixels are outside, then inside, then outside, down the columns.

References:
  The compressed form is that of `rleToString` in https://github.com/cocodataset/cocoapi:
  numbers of five bits a character, the least first, from the fourth on less the one two before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.probe.shapes import Mask, Shape

# Of a character less 48: five bits of a number, whether more follow, and whether it is negative.
BITS, MORE, NEGATIVE = 0x1F, 0x20, 0x10


@dataclass(frozen=True)
class Runs(Shape):
    """A mask as run lengths.

    counts: of the runs, outside first. size: height and width, pixels.
    """

    counts: Sequence[int]
    size: tuple[int, int]

    def mask(self, height: int, width: int) -> Mask:
        """As `Shape.mask`; the image is of `size`."""
        inside = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(inside, self.counts).reshape(width, height).T


def runs(segmentation: Any) -> Runs:
    """COCO's {"size": [height, width], "counts": numbers or text} as `Runs`.

    Raises:
      ValueError: it is none; the text says what is wrong.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    listed = isinstance(size, list) and len(size) == 2
    if not listed or not all(isinstance(each, int) and each > 0 for each in size):
        raise ValueError(f"run lengths of size {size!r}")
    numbers = _numbers(counts) if isinstance(counts, str | bytes) else _listed(counts)
    if (numbers < 0).any() or numbers.sum() != size[0] * size[1]:
        raise ValueError(f"run lengths that fill {numbers.sum()} of {size[0]} x {size[1]} pixels")
    return Runs(tuple(numbers.tolist()), (size[0], size[1]))


def _listed(counts: Any) -> NDArray[np.int64]:
    if not isinstance(counts, list) or not all(type(each) is int for each in counts):
        raise ValueError("run lengths that are no whole numbers")
    return np.array(counts, np.int64)


def _numbers(text: str | bytes) -> NDArray[np.int64]:
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    codes = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero((codes & MORE) == 0)
    if not len(codes) or codes.min() < 0 or codes.max() > BITS + MORE or codes[-1] & MORE:
        raise ValueError(f"run lengths {data[:20].decode('ascii', 'replace')!r}")
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(len(codes)) - np.repeat(first, last - first + 1)
    if place.max() > 10:  # more than any number of pixels takes
        raise ValueError(f"run lengths {data[:20].decode('ascii', 'replace')!r}")
    numbers = np.add.reduceat((codes & BITS) << 5 * place, first)
    numbers -= np.where(codes[last] & NEGATIVE, 1 << 5 * (place[last] + 1), 0)
    # From the fourth on a number is the difference to the one two before.
    for start in (1, 2):
        numbers[start::2] = numbers[start::2].cumsum()
    return numbers
