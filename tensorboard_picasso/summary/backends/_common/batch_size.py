"""How windows are run in batches: found by trying sizes on windows that are run anyway."""

import time
from collections.abc import Callable, Generator, Hashable
from typing import Any, TypeVar

import numpy as np

from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room
from tensorboard_picasso.summary.backends.base import Array, batches, out_of_memory
from tensorboard_picasso.summary.kit import determinism

# Two settings are compared by the fastest batch of each, once there were so many and both took so
# long. The first one is left out: it pays for what is made once a setting.
TRIES, LEAST_SECONDS = 4, 0.01
# Another setting is taken where it is faster by this share: larger batches take memory.
GAIN = 0.02


class UnfitError(Exception):
    """A way cannot be gone with this model."""


class BatchSizes:
    """Runs windows in batches of the size that is fastest, for each kind of window.

    At a first size all ways to run a batch are tried; then twice as many windows, for as
    long as that is faster; then half as many likewise, as a larger size may have been taken by
    chance. Every result is used: no window is run for the sake of measuring.

    Attributes:
      settled: no batch since this was last set was one of a search.
    """

    def __init__(
        self,
        deterministic: Callable[[], bool] = determinism.asked,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Know nothing yet.

        Args:
          deterministic: whether nothing is timed, so that every process makes the same
            batches; asked at each sweep.
          clock: seconds.
        """
        self._deterministic, self._clock = deterministic, clock
        self._searches: dict[Hashable, _Search] = {}
        self.settled = True

    def sweep(
        self,
        kind: Hashable,
        count: int,
        numbers: int,
        run: Callable[[slice, int], Any],
        ways: int = 1,
        room: Room = PROCESSOR,
        joined: Callable[[list[Any]], Array] = np.concatenate,
        wait: Callable[[Any], object] = lambda rows: rows,
    ) -> Array:
        """What is made of all windows, one row a window.

        Memory that does not suffice halves the size, for all that follow too.

        Args:
          kind: of windows whose batches take as long: shape and dtype of the model's
            input, device and the like.
          count: windows.
          numbers: that the input of one window holds.
          run: from a slice of windows, and the way, to their rows. `UnfitError` says that
            a way other than 0 does not do.
          ways: how many there are.
          room: of the device.
          joined: from what all batches were made into to all rows.
          wait: until a batch's rows are computed, which is asked for while batches are timed.

        Raises:
          Exception: whatever `run` raises, but for lack of memory for several windows.
        """
        # What was timed is kept for when it may be again.
        timed = not self._deterministic()
        key = kind, timed
        if key not in self._searches:
            self._searches[key] = _Search(numbers, ways, timed, room)
        search = self._searches[key]
        rows: list[Any] = []
        start = 0
        while start < count:
            size, way = search.setting(count)
            self.settled = self.settled and not search.tries(count)
            part = slice(start, min(start + size, count))
            made = part.stop - part.start
            started = self._clock()
            try:
                made_of_it = run(part, way)
                if search.timing:
                    wait(made_of_it)
                rows.append(made_of_it)
            except UnfitError:
                search.unfit()
            except Exception as e:
                if not out_of_memory(e) or made == 1:
                    raise
                search.exceeded(made)
            else:
                search.took(size, way, made, self._clock() - started)
                start = part.stop
        return joined(rows)


def in_batches(
    backend: Any, kind: Hashable, count: int, numbers: int, run: Callable[[slice], Array]
) -> Array:
    """What is made of so many inputs of a model, one row each, in batches that are fast.

    Args:
      backend: of the model, a `Backend` or an `Adapter`.
      kind: of inputs whose batches take as long, and of what is made of them.
      count: inputs.
      numbers: that one of them holds, with what is kept of it meanwhile.
      run: from a slice of the inputs to their rows.
    """
    if backend.each_size_compiles:
        return np.concatenate([run(part) for part in batches(count, numbers, backend.room)])
    sizes = backend.known.setdefault("batches", BatchSizes(lambda: backend.deterministic))
    rows: Array = sizes.sweep(kind, count, numbers, lambda part, _: run(part), room=backend.room)
    return rows


_Setting = tuple[int, int]  # size, way
_T = TypeVar("_T")
# Settings of batches that are to be timed; is sent the seconds a window of each.
_Trials = Generator[_Setting, float, _T]


class _Search:
    """The search for one kind's setting."""

    def __init__(self, numbers: int, ways: int, timed: bool, room: Room = PROCESSOR) -> None:
        most = max(1, min(room.inputs, room.batch // max(1, numbers)))
        first = room.first_inputs
        while first > 1 and first * numbers > room.first:
            first //= 2
        self._trials: _Trials[_Setting] | None = None
        self._least: dict[_Setting, float] = {}
        self._size, self._way = min(most, max(first, room.untimed // max(1, numbers))), 0
        if timed:
            self._trials = _trials(min(first, most), most, room.first // max(1, numbers), ways)
            self._size, self._way = next(self._trials)

    @property
    def timing(self) -> bool:
        """Whether what a batch takes is heeded."""
        return self._trials is not None

    def setting(self, count: int) -> _Setting:
        """Size and way of the next batch of a sweep over so many windows."""
        if self._least and not self._enough(count):
            return min(self._least, key=lambda each: self._least[each])
        return self._size, self._way

    def tries(self, count: int) -> bool:
        """Whether that is one to be timed."""
        return self._trials is not None and (self._enough(count) or not self._least)

    def _enough(self, count: int) -> bool:
        """Whether so many windows suffice to try the size: else it is the fastest so far."""
        return 2 * count > self._size

    def took(self, size: int, way: int, made: int, seconds: float) -> None:
        """Heed a batch's seconds, where it was more than half full."""
        if 2 * made > size and (size, way) == (self._size, self._way):
            before = self._least.get((size, way), np.inf)
            self._least[size, way] = min(before, seconds / made)
            self._go_on(seconds / made)

    def unfit(self) -> None:
        """Heed that the way cannot be gone."""
        if self._trials is None:
            self._way = 0
        self._go_on(np.inf)

    def exceeded(self, made: int) -> None:
        """Heed that memory did not suffice for so many windows."""
        self._size = made // 2
        self._trials = None

    def _go_on(self, seconds: float) -> None:
        if self._trials is None:
            return
        try:
            self._size, self._way = self._trials.send(seconds)
        except StopIteration as e:
            self._trials = None
            self._size, self._way = e.value


def _trials(first: int, most: int, ahead: int, ways: int) -> _Trials[_Setting]:
    best = first, 0
    yield best
    for way in range(1, ways):
        if (yield from _faster((first, way), best)):
            best = first, way
    while larger := _larger(best[0], most, ahead):
        for size in larger:
            if (yield from _faster((size, best[1]), best)):
                best = size, best[1]
                break
        else:
            break
    while best[0] > 1:
        half = best[0] // 2, best[1]
        if not (yield from _faster(half, best)):
            break
        best = half
    return best


def _larger(size: int, most: int, ahead: int) -> list[int]:
    """Sizes to try next; up to `ahead`, which takes little memory, not the next one alone.

    Of small images twice as many are often hardly faster where four times as many are.
    """
    larger = [2 * size] if 2 * size <= most else []
    return [*larger, 4 * size] if 4 * size <= min(most, ahead) else larger


def _faster(one: _Setting, other: _Setting) -> _Trials[bool]:
    """Whether one setting is faster, both by turns: what else the machine does meets both."""
    if (yield one) == np.inf:
        return False
    least, spent, turns = {one: np.inf, other: np.inf}, 0.0, 0
    while turns < TRIES or spent < LEAST_SECONDS:
        for setting in (one, other):
            seconds = yield setting
            least[setting] = min(least[setting], seconds)
            spent += seconds * setting[0]
        turns += 1
    return bool(least[one] < least[other] * (1 - GAIN))
