"""What a call asks to be logged: where records go, when in training, and on which terms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tensorboard_picasso.summary.log.budget import Budget
from tensorboard_picasso.summary.writers.base import Writer


@dataclass(frozen=True, eq=False)
class Destination:
    """Where records of a probe go.

    name: the probe's name with its scopes.
    owner: whose log it is, a writer as a rule; state is kept for each.
    write: writes a serialized summary at a step.
    directory: of the log, where it is known: what stands there may be gone on with.
    background: have the worker make and write the record.
    tensors: ordinary scalars are written as `tf.summary.scalar` does; see `event.Contents`.
    """

    name: str
    owner: Any
    write: Callable[[bytes, int], None]
    directory: str | None = None
    background: bool = False
    tensors: bool = False

    @classmethod
    def of(cls, name: str, writer: Writer) -> Self:
        """The writer's own log."""
        directory, tensors = writer.directory, writer.tensor_scalars
        return cls(name, writer.owner, writer.write, directory, writer.background, tensors)


@dataclass(frozen=True)
class Moment:
    """When in training a record is made.

    epoch: recorded with the scores.
    next_step: what the cost line says of the next record: "next at step 12".
    last: of a training, which the budget pays for in advance.
    """

    step: int
    epoch: float | None = None
    next_step: str = ""
    last: bool = False


@dataclass(frozen=True)
class Terms:
    """What holds at every step.

    strict: raise what fails, instead of warning once.
    scalars: write ordinary scalars too.
    budget: what the maps may cost; what it does not pay for is not computed.
    """

    strict: bool = False
    scalars: bool = True
    budget: Budget | None = None
