"""Which steps of a log are lost: told when it can be written again, and at its end."""

import contextlib
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from tensorboard_picasso.summary.kit import report

# Steps that are named one by one.
_MOST = 12


class Losses:
    """Of one log.

    Attributes:
      failing: whether the last record could not be written.
    """

    def __init__(self) -> None:
        self.failing = False
        self._steps: dict[str, list[int]] = {}
        self._reason = ""

    def add(self, name: str, step: int, reason: str) -> None:
        """A record could not be written."""
        with _telling:
            self.failing = True
            self._reason = reason
            self._steps.setdefault(name, []).append(step)
            _untold[id(self)] = self

    def over(self, name: str, step: int, path: str) -> None:
        """A record was written: tell what was lost before it."""
        with _telling:
            if self.failing:
                self.failing = False
                where = f", in {path}" if path else ""
                self._tell(f'"{name}" is written again from step {step} on{where}; ')

    def _tell(self, before: str = "") -> None:
        steps, self._steps = self._steps, {}
        _untold.pop(id(self), None)
        lost = [f'{listed(each)} of "{name}"' for name, each in steps.items()]
        if lost:
            said = f"lost: {' and '.join(lost)} ({self._reason})"
            report.tell(f"{before}{said}", f"{before}{said}", set())
        elif before:
            report.tell(before, before.rstrip("; "), set())


_losses: weakref.WeakKeyDictionary[Any, Losses] = weakref.WeakKeyDictionary()
_untold: dict[int, Losses] = {}
_telling = threading.RLock()


def of(owner: Any) -> Losses:
    """Those of what owns a log."""
    with _telling:
        return _losses.setdefault(owner, Losses())


def _leave() -> None:
    """In a fork: what is lost is told by the older process."""
    _untold.clear()
    _telling.release()


with contextlib.suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(
        before=_telling.acquire, after_in_parent=_telling.release, after_in_child=_leave
    )


def tell_all() -> None:
    """Tell what was lost and not told yet."""
    with _telling:
        for lost in list(_untold.values()):
            lost._tell()


def listed(steps: Sequence[int]) -> str:
    """As "steps 3, 4 and 9"."""
    ordered = sorted(set(steps))
    if len(ordered) == 1:
        return f"step {ordered[0]}"
    if len(ordered) > _MOST:
        return f"{len(ordered)} steps from {ordered[0]} to {ordered[-1]}"
    return f"steps {', '.join(map(str, ordered[:-1]))} and {ordered[-1]}"
