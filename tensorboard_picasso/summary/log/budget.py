"""What maps may cost: a share of training time, or seconds for each record asked for."""

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Waiting is preferred to a coarser grid up to so many seconds between two records, or so
# many that were asked for; later in a long training up to a share of it so far.
SECONDS = 60.0
ASKED = 10.0
PROGRESS = 1 / 20

# Of edits fewer images are preferred to waiting for longer than this, or for one that is asked for.
SOON = 10.0

# What a budget is measured with.
clock = time.perf_counter

# A coarser grid that costs more than this share of the finer one is not worth its loss.
WORTH = 0.8


@dataclass(frozen=True)
class Budget:
    """What is granted: for each second of training, or for each record asked for.

    Attributes:
      rate: seconds for each of these.
      of_time: whether it is a share of time.
    """

    rate: float
    of_time: bool

    @classmethod
    def of(cls, given: Any) -> "Budget | None":
        """From `budget=`: 0.02 is a share of training time, "0.5s" seconds for a record.

        Raises:
          ValueError, TypeError: it is neither.
        """
        if given is None or isinstance(given, Budget):
            return given
        try:
            text = isinstance(given, str)
            if text and not given.endswith("s"):
                raise ValueError
            rate = math.nan if isinstance(given, bool) else float(given[:-1] if text else given)
        except (TypeError, ValueError):
            rate = math.nan
        if not (0 < rate < math.inf and (text or rate < 1)):
            raise ValueError(
                f"budget={given!r}: pass a share of training time, such as 0.02, or seconds for a"
                ' record, such as "0.5s"'
            )
        return cls(rate, not text)

    @property
    def soon(self) -> float:
        """Seconds that a record of edits may take with all its images."""
        return self.rate * (SOON if self.of_time else 1)

    def __str__(self) -> str:
        return f"{100 * self.rate:g} % of training" if self.of_time else f"{self.rate:g} s each"


@dataclass(frozen=True)
class Choice:
    """What the budget pays for.

    doublings: how often strides are doubled.
    skipped: how many that were asked for were left out before this one.
    """

    doublings: int
    skipped: int

    def __str__(self) -> str:
        parts = [f"1 of {self.skipped + 1} asked for"] if self.skipped else []
        parts += [f"strides × {2**self.doublings}"] if self.doublings else []
        return ", ".join(parts) or "as asked for"


class Spending:
    """What was spent of a budget; the first two records, setting up and measuring, are free.

    A record is due once what was granted since the one before pays for it. What is left
    then is forfeited, so that a pause buys one record and no burst; a debt stays.

    Args:
      budget: what is granted.
      deepest: how often strides can be doubled.
    """

    def __init__(self, budget: Budget, deepest: int) -> None:
        self.budget = budget
        self._deepest = deepest
        self._began: float | None = None
        self._last = 0.0
        self._asked = self._asked_since = 0
        self._debt = 0.0
        self._advanced = False
        # The two newest of each count of doublings, the lesser counts: some other load, or
        # something that is compiled late, makes one record slow.
        self._costs: dict[int, deque[float]] = {}

    def choose(self, now: float, last: bool = False) -> Choice | None:
        """What to compute now, where a record is asked for; None: nothing.

        Args:
          now: seconds on any clock.
          last: of a training, which is paid for in advance, unless a training before it had
            that and what was granted since has not made up for it.
        """
        if self._began is None:
            return Choice(0, 0)
        self._asked += 1
        self._asked_since += 1
        balance = self._granted(now) - self._debt
        longest = SECONDS if self.budget.of_time else ASKED
        longest = max(
            longest, PROGRESS * (now - self._began if self.budget.of_time else self._asked)
        )
        self._advanced = self._advanced and balance < 0
        for doublings in self._levels():
            cost = self._cost(doublings)
            if balance >= cost:
                return Choice(doublings, self._asked_since - 1)
            if cost / self.budget.rate <= longest:
                break
        if not last or self._advanced:
            return None
        self._advanced = True
        return Choice(doublings, self._asked_since - 1)

    def spent(
        self, choice: Choice, now: float, seconds: float, once: float = 0.0, *, whole: bool = True
    ) -> None:
        """Account for a record.

        Args:
          choice: what was computed.
          now: when it was done, on the clock of `choose`.
          seconds: that training waited.
          once: of these, what will not be spent again.
          whole: whether that is what a record takes; false where it failed.
        """
        cost = max(0.0, seconds - once)
        if self._began is None:
            self._began = now
        else:
            if self._costs:
                balance = self._granted(now - seconds) - self._debt - cost
                self._debt = max(0.0, -balance)
            if whole:
                self._costs.setdefault(choice.doublings, deque(maxlen=2)).append(cost)
        self._last, self._asked_since = now, 0

    def pays_for(self, doublings: int) -> str:
        """What the budget comes to, with strides doubled so often."""
        cost = self._cost(doublings)
        units = cost / self.budget.rate
        often = (
            f"every {_plain(units)} s" if self.budget.of_time else f"of {max(1, math.ceil(units))}"
        )
        strides = f" with strides × {2**doublings}" if doublings else ""
        return f"a record{strides} takes {_plain(cost)} s: {self.budget} pays for one {often}"

    def _granted(self, now: float) -> float:
        units = now - self._last if self.budget.of_time else self._asked_since
        return self.budget.rate * units

    def _cost(self, doublings: int) -> float:
        """Seconds of a record: as measured, else a quarter for each doubling, else nothing."""
        for level in range(doublings, -1, -1):
            if level in self._costs:
                return min(self._costs[level]) / 4.0 ** (doublings - level)
        return 0.0

    def _levels(self) -> Sequence[int]:
        """Counts of doublings that are worth it, each beside the one before."""
        levels = [0]
        for level in range(1, self._deepest + 1):
            if self._cost(level) <= WORTH * self._cost(levels[-1]):
                levels.append(level)
        return levels


def by_the_clock(name: str, budget: Budget) -> str:
    """What is said of a budget in deterministic mode."""
    return (
        f'"{name}": budget={budget} goes by the clock, so another run logs other steps: leave it'
        " out for equal logs"
    )


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
