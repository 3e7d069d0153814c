"""Reuse or whole passes: the faster way, found by running both on windows that are run anyway."""

import enum
import math
from collections import OrderedDict
from collections.abc import Hashable

from tensorboard_picasso.summary.reuse.agenda import Agenda

# How often both ways are run by turns before a close race ends; and before any does, as a first
# time pays for what is made once, and another program may be in the way of one more.
TURNS, LEAST = 4, 3
# After so many times the search for the size of batches is not waited for any longer.
PATIENCE = 12
# So many times as fast is no close race.
CLEAR = 1.5
# On a processor whole passes gain less than this by a better size of batch and layout.
FAR = 3.0
# What whole passes of some windows may take of the time of a sweep with reuse, and how many
# windows these are at least: batches of few say little of a device that computes many at once.
SHARE, FEWEST, FEWEST_AT_ONCE = 1 / 8, 12, 96
# Choices that are kept, of a probe's sizes and windows.
_MAX_CHOICES = 64


class Way(enum.Enum):
    """How windows are scored."""

    REUSE = "reuse"
    WHOLE = "whole"


class Choice:
    """Of the way that is faster for one kind of windows.

    The estimate says which way is gone first. Where windows come in several chunks, and reuse
    is gone first, some of them are run whole beside the others until it is clear, or close;
    then both ways are run by turns.

    Attributes:
      taken: the way, once it is known.
      agenda: of the windows, once there is one.
    """

    def __init__(self, timed: bool, processor: bool) -> None:
        """Know nothing yet.

        Args:
          timed: whether the clock decides; else the estimate does.
          processor: whether a processor computes.
        """
        self.taken: Way | None = None
        self.agenda: Agenda | None = None
        self._timed, self._processor = timed, processor
        self._least = dict.fromkeys(Way, math.inf)
        self._times = dict.fromkeys(Way, 0)
        self._sampling = False
        # How often whole passes were run in batches whose size was found.
        self._settled = 0

    def weigh(self, agenda: Agenda) -> None:
        """Heed the estimate, which decides where nothing is timed."""
        if self.agenda is None:
            self.agenda = agenda
            self._sampling = agenda.pays and len(agenda.chunks) > 1
            if not self._timed:
                self.taken = Way.REUSE if agenda.pays else Way.WHOLE

    @property
    def reused(self) -> bool:
        """Whether reuse was done already."""
        return self._times[Way.REUSE] > 0

    @property
    def turn(self) -> Way:
        """The way in which the next images are to go."""
        if self.taken is not None:
            return self.taken
        if self.agenda is None or self._sampling:
            return Way.REUSE
        first, second = (Way.REUSE, Way.WHOLE) if self.agenda.pays else (Way.WHOLE, Way.REUSE)
        return first if self._times[first] <= self._times[second] else second

    def sample(self, images: int, most: int) -> int:
        """How many windows of each image are run whole beside the others now.

        Args:
          images: that are computed together.
          most: windows that there are for it.
        """
        if self.taken is not None or not self._sampling or self.agenda is None:
            return 0
        share = self.agenda.cost / self.agenda.dense_cost
        if self._times[Way.WHOLE]:
            share = self._least[Way.REUSE] / self._least[Way.WHOLE]
        fewest = FEWEST if self._processor else FEWEST_AT_ONCE
        return min(most, max(math.ceil(fewest / images), int(SHARE * share * self.agenda.count)))

    def took(self, way: Way, seconds: float, settled: bool = True) -> None:
        """Heed what all windows of one image took, or would take.

        Args:
          way: in which.
          seconds: by the clock.
          settled: of whole passes, whether the size of their batches is found.
        """
        if self.taken is not None or not self._timed:
            return
        self._least[way] = min(self._least[way], seconds)
        self._times[way] += 1
        if way is Way.WHOLE and (settled or self._times[way] > PATIENCE):
            self._settled += 1
        self._decide()

    def fails(self, way: Way) -> None:
        """Heed that a way cannot be gone: the other one is taken."""
        self.taken = Way.WHOLE if way is Way.REUSE else Way.REUSE

    def _decide(self) -> None:
        reuse, whole = self._times[Way.REUSE], self._times[Way.WHOLE]
        if not reuse or whole < LEAST:
            return
        times = self._least[Way.WHOLE] / self._least[Way.REUSE]
        far = FAR if self._processor else math.inf
        if times >= far or (times >= CLEAR and self._settled >= LEAST):
            self.taken = Way.REUSE
        elif times <= 1 / CLEAR and reuse >= LEAST:
            self.taken = Way.WHOLE
        elif self._sampling and self._settled >= LEAST:
            # It is close: some windows say too little.
            self._sampling = False
            self._times[Way.WHOLE] = self._settled = 0
            self._least[Way.WHOLE] = math.inf
        elif reuse >= TURNS and self._settled >= TURNS:
            self.taken = Way.REUSE if times >= 1 else Way.WHOLE

    def text(self) -> str:
        """What is done and why, for people."""
        if self.agenda is None:
            return "nothing was computed yet"
        whole = self.taken is Way.WHOLE or (self.taken is None and not self.agenda.pays)
        return ("dense: " if whole else "") + self.agenda.text(not whole, self._figures())

    def _figures(self) -> str:
        if not self._timed:
            return ""
        if math.inf in self._least.values():
            return "not measured yet" if self.taken is None else ""
        reuse, dense = (f"{self._least[each]:.2g} s" for each in Way)
        so_far = "" if self.taken else " so far"
        return f"measured{so_far}: {reuse} an image where whole passes take {dense}"


class Choices:
    """Choices by what they are for, as long as they are of use."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Choice] = OrderedDict()

    def of(self, kind: Hashable, timed: bool, processor: bool) -> Choice:
        """The choice for a kind of windows; what was timed is kept for when it may be again."""
        key = kind, timed
        if key not in self._made:
            self._made[key] = Choice(timed, processor)
            while len(self._made) > _MAX_CHOICES:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def clear(self) -> None:
        """Forget all, as the model is another."""
        self._made.clear()
