"""Which classes are explained at a step, for one image.

Always: the label, the caller's list, the current top k. A class becomes
lasting once it has headed the prediction at three checkpoints in a row; a full
list of lasting classes drops the one longest unused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

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

    def choose(self, label: int | None, scores: ArrayLike) -> Choice:
        """Choose from one image's (classes,) scores, larger for likelier.

        Raises:
          ValueError: a label or target that the model has no class for.
        """
        value = np.asarray(scores, np.float64)
        fixed = [*([] if label is None else [label]), *self.caller]
        for each in fixed:
            if each >= value.size:
                raise ValueError(f"class {each} is out of range: the model has {value.size}")
        order = np.argsort(-value, kind="stable")
        # A class that no pixel is predicted as has no score.
        order = order[: (~np.isnan(value)).sum() or value.size]
        # Of a model that has broken down nothing heads the prediction.
        head = -1 if np.isnan(value).all() else int(order[0])
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
