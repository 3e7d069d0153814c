"""When a callback computes: every so often, ever more rarely, or at checkpoints."""

import abc
import math
import operator
from dataclasses import dataclass
from typing import Any


class Schedule(abc.ABC):
    """Asked after every step; answers whether a due step was reached or crossed.

    Attributes:
      at_start: the state before the first step is due.
      at_end: the last step of a training is due, whatever its number.
      on_save: whenever a checkpoint is saved.
    """

    at_start: bool = False
    at_end: bool = True
    on_save: bool = False

    @abc.abstractmethod
    def due(self, before: int, step: int) -> bool:
        """Whether one of the steps before + 1 … step is due."""

    def epoch_due(self, epoch: int) -> bool:
        """Whether the end of an epoch (counted from 1) is due."""
        return False

    @abc.abstractmethod
    def next(self, step: int) -> str:
        """When the next record after a step is, for the cost line: "next at step 12"."""


def _whole(name: str, value: Any) -> int:
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name}={value!r}: pass a whole number from 1")
    return number


@dataclass(frozen=True)
class EverySteps(Schedule):
    """At the first step, whenever a multiple of `n` steps is reached or crossed, and at the last.

    n: steps.
    """

    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _whole("n", self.n))
        object.__setattr__(self, "at_start", True)

    def due(self, before: int, step: int) -> bool:
        """See `Schedule.due`."""
        return step // self.n > before // self.n

    def next(self, step: int) -> str:
        """See `Schedule.next`."""
        return f"next at step {(step // self.n + 1) * self.n}"


@dataclass(frozen=True)
class EveryEpochs(Schedule):
    """At the first step, at the end of every `n`-th epoch, and at the last step.

    n: epochs.
    """

    n: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _whole("n", self.n))
        object.__setattr__(self, "at_start", True)

    def due(self, before: int, step: int) -> bool:
        """See `Schedule.due`."""
        return False

    def epoch_due(self, epoch: int) -> bool:
        """See `Schedule.epoch_due`."""
        return epoch % self.n == 0

    def next(self, step: int) -> str:
        """See `Schedule.next`."""
        return f"next after {self.n} epoch{'s' if self.n > 1 else ''}"


@dataclass(frozen=True)
class LogSpaced(Schedule):
    """At the first step, then dense early and sparse late, and at the last step.

    per_decade: so many records from one power of ten to the next; where
      steps are too few for that, every step.
    """

    per_decade: int = 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "per_decade", _whole("per_decade", self.per_decade))
        object.__setattr__(self, "at_start", True)

    def due(self, before: int, step: int) -> bool:
        """See `Schedule.due`."""
        return self._after(before) <= step

    def _after(self, step: int) -> int:
        """The first due step after this one."""
        power = math.floor(math.log10(max(step, 1)) * self.per_decade)
        while round(10 ** (power / self.per_decade)) <= step:
            power += 1
        return round(10 ** (power / self.per_decade))

    def next(self, step: int) -> str:
        """See `Schedule.next`."""
        return f"next at step {self._after(step)}"


@dataclass(frozen=True)
class OnCheckpoint(Schedule):
    """Whenever the loop saves a checkpoint, and at no other step.

    Of Keras these are the model's own `save` and `save_weights`: what
    `tf.train.Checkpoint` saves, and `keras.saving.save_model` to `.h5`, is not seen: take
    another schedule there.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "on_save", True)
        object.__setattr__(self, "at_end", False)

    def due(self, before: int, step: int) -> bool:
        """See `Schedule.due`."""
        return False

    def next(self, step: int) -> str:
        """See `Schedule.next`."""
        return "next when a checkpoint is saved"
