"""Which classes are explained at a step, for one image.

Always: the true classes, the caller's list, the current top k. A class becomes
lasting once it has headed the prediction at three checkpoints in a row; a full
list of lasting classes drops the one longest unused.

Where all checkpoints are there already, one set serves them all: `over_all`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

IN_A_ROW = 3


@dataclass(frozen=True)
class Choice:
    """targets: explained at this step. lasting: those of them that last.

    dropped: lasting classes that lost their place at this step.
    head, row: the newest prediction, and at how many checkpoints in a row.
    """

    targets: tuple[int, ...]
    lasting: tuple[int, ...]
    dropped: tuple[int, ...]
    head: int
    row: int


class Chooser(Protocol):
    """What chooses the classes of one image at a step."""

    def choose(self, labels: Sequence[int], scores: ArrayLike) -> Choice:
        """Choose from an image's true classes and its (classes,) scores, larger for likelier."""


@dataclass
class Targets:
    """The memory of one image. `choose` leaves it alone; `commit` moves it on."""

    caller: Sequence[int] = ()
    top_k: int = 2
    max_lasting: int = 8
    # Lasting classes, the longest unused first.
    _lasting: list[int] = field(default_factory=list)
    _head: int = -1
    _row: int = 0

    def choose(self, labels: Sequence[int], scores: ArrayLike) -> Choice:
        """Choose from an image's true classes and its (classes,) scores, larger for likelier.

        Raises:
          ValueError: a label or target that the model has no class for.
        """
        value = np.asarray(scores, np.float64)
        fixed = _always(labels, self.caller, value.size)
        order = np.argsort(-value, kind="stable")
        # A class that no pixel is predicted as has no score.
        order = order[: (~np.isnan(value)).sum() or value.size]
        head = _head(value)
        row = self._row + 1 if head == self._head and head >= 0 else 1
        lasting = [each for each in self._lasting if each != head]
        if head in self._lasting or (row >= IN_A_ROW and head not in fixed and self.max_lasting):
            lasting.append(head)
        surplus = max(0, len(lasting) - self.max_lasting)
        dropped, lasting = lasting[:surplus], lasting[surplus:]
        targets = dict.fromkeys([*fixed, *map(int, order[: self.top_k]), *lasting])
        return Choice(tuple(targets), tuple(lasting), tuple(dropped), head, row)

    def commit(self, choice: Choice) -> None:
        """Remember a choice whose record was written."""
        self._lasting, self._head, self._row = list(choice.lasting), choice.head, choice.row


@dataclass(frozen=True)
class Fixed:
    """The same classes at every step; `lasting` are those of them that only led at times."""

    targets: tuple[int, ...]
    lasting: tuple[int, ...] = ()

    def choose(self, labels: Sequence[int], scores: ArrayLike) -> Choice:
        """See `Chooser`."""
        return Choice(self.targets, self.lasting, (), _head(np.asarray(scores, np.float64)), 1)


def over_all(
    labels: Sequence[int], caller: Sequence[int], scores: ArrayLike, top_k: int, max_lasting: int
) -> Fixed:
    """One set of classes of an image for all checkpoints.

    The true classes, the caller's list, the last top k; then those that headed the prediction at
    other checkpoints, the most often first.

    Args:
      labels: the true classes of the image.
      caller: the caller's list.
      scores: (checkpoints, classes), larger for likelier, the last checkpoint last.
      top_k: how many of the last checkpoint's top.
      max_lasting: how many at most of those that headed the prediction at others.

    Raises:
      ValueError: a label or target that the model has no class for.
    """
    value = np.asarray(scores, np.float64)
    # A checkpoint that has broken down says nothing.
    broken = np.isnan(value).all(axis=1)
    told = value if broken.all() else value[~broken]
    last = np.argsort(-told[-1], kind="stable")[:top_k]
    first = list(dict.fromkeys([*_always(labels, caller, value.shape[1]), *map(int, last)]))
    led = Counter(head for head in map(_head, told) if head >= 0 and head not in first)
    lasting = sorted(led, key=lambda each: (-led[each], each))[:max_lasting]
    return Fixed((*first, *lasting), tuple(lasting))


def _always(labels: Sequence[int], caller: Sequence[int], classes: int) -> list[int]:
    """The true classes and the caller's list."""
    for index in (*labels, *caller):
        if index >= classes:
            remedy = "; labels that are no classes are floats, with output='raw'"
            raise ValueError(
                f"class {index} is out of range: the model has {classes}, from 0"
                f"{remedy if index in labels else ''}"
            )
    return list(dict.fromkeys([*labels, *caller]))


def _head(scores: NDArray[np.float64]) -> int:
    """The newest prediction; of a model that has broken down nothing heads it."""
    return -1 if np.isnan(scores).all() else int(np.argsort(-scores, kind="stable")[0])
