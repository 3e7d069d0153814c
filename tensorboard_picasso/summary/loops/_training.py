"""What the callbacks of loops that count their own steps have in common."""

import os
from collections.abc import Sequence
from typing import Any

from tensorboard_picasso.summary import log, writers
from tensorboard_picasso.summary.budget import Budget
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe import Probe
from tensorboard_picasso.summary.schedule import LogSpaced, Schedule
from tensorboard_picasso.summary.writers.base import Writer


def checked(
    probe: Probe, schedule: Schedule | None, methods: Sequence[Method | str] | None
) -> tuple[Schedule, tuple[Method, ...]]:
    """A callback's schedule and methods, with their defaults.

    Raises:
      TypeError, ValueError: wrong arguments.
    """
    if not isinstance(probe, Probe):
        raise TypeError(f"probe is {type(probe).__name__}: pass a summary.Probe")
    schedule = LogSpaced() if schedule is None else schedule
    if not isinstance(schedule, Schedule):
        raise TypeError(f"schedule={schedule!r}: pass summary.EverySteps(n) or another")
    wanted = log.wanted(methods)
    for method in wanted:
        method.check(probe)
    return schedule, wanted


class Training:
    """Logs a probe while one loop trains; the loop says where it is.

    Attributes:
      schedule: when.
      running: between `begin` and `end`, in the process that writes.

    Raises:
      TypeError, ValueError: wrong arguments.
    """

    def __init__(
        self,
        probe: Probe,
        schedule: Schedule | None,
        methods: Sequence[Method | str] | None,
        strict: bool,
        scalars: bool,
        budget: float | str | None,
    ) -> None:
        self.schedule, self._methods = checked(probe, schedule, methods)
        self._probe = probe
        self._options: dict[str, Any] = {
            "strict": strict,
            "scalars": scalars,
            "budget": Budget.of(budget),
        }
        self._model: Any = None
        self._writer: Writer | None = None
        self._began = self._step = 0
        self._epoch: float | None = None
        self._logged: int | None = None

    @property
    def running(self) -> bool:
        """Whether there is anything to log to."""
        return self._writer is not None

    def begin(self, model: Any, writer: Any, step: int, epoch: float | None) -> None:
        """Say before training what cannot work; where a log starts, its first record does.

        Args:
          model: what is explained, read anew at every checkpoint.
          writer: as `writer=` of the ops.
          step, epoch: those that training starts or goes on from.
        """
        self._model, self._writer = model, writers.find(writer)
        self._began = self._step = step
        self._epoch, self._logged = epoch, None
        try:
            if self.schedule.at_start and step == 0:
                self._log(epoch)
            else:
                memory = log.settled(self._writer.owner, self._probe.name)
                if memory.decided(self._probe) is None:
                    what = f'"{self._probe.name}" before training'
                    strict = self._options["strict"]
                    log.compute(self._probe, model, self._methods, memory, what, strict)
        except Exception:
            self.end()
            raise

    def reached(self, step: int, epoch: float | None) -> None:
        """Log where a due step was reached or crossed."""
        before, self._step, self._epoch = self._step, step, epoch
        if self.schedule.due(before, step):
            self._log(epoch)

    def ended(self, epoch: int) -> None:
        """Log where the end of an epoch, counted from 1, is due."""
        if self.schedule.epoch_due(epoch):
            # The step knows how much of an epoch that was cut short is done.
            self._log(float(epoch) if self._epoch is None else self._epoch)

    def saved(self, step: int, epoch: float | None) -> None:
        """Log where a checkpoint is the occasion."""
        if self.schedule.on_save:
            self._step = step
            self._log(epoch)

    def last(self) -> None:
        """Log the last step where that is due: of a training that took any, and once."""
        if self.schedule.at_end and self._step > self._began:
            self._log(self._epoch, last=True)

    def finish(self) -> None:
        """A training has come to its end: log the last step, and let go.

        Raises:
          Exception: in strict mode what could not be computed or written.
        """
        try:
            self.last()
        finally:
            self.end()

    def end(self) -> None:
        """Let go of the model and the writer, once all is written.

        Raises:
          Exception: in strict mode what could not be.
        """
        writer, self._model, self._writer = self._writer, None, None
        if writer is not None:
            log.settled(writer.owner, self._probe.name)

    def _log(self, epoch: float | None, last: bool = False) -> None:
        # Several occasions may fall on one step: a save and the end of its epoch.
        if self._writer is None or self._logged == self._step:
            return
        accepted = log.checkpoint_of(
            self._probe,
            self._model,
            self._methods,
            name=self._probe.name,
            step=self._step,
            owner=self._writer.owner,
            write=self._writer.write,
            epoch=epoch,
            next_step="" if last else self.schedule.next(self._step),
            background=self._writer.background,
            last=last,
            tensors=self._writer.tensor_scalars,
            **self._options,
        )
        if accepted:
            self._logged = self._step


def sub_run(directory: str | os.PathLike[str]) -> str:
    """Where the callbacks write: beside the loop's own event files, which they leave alone."""
    return os.path.join(os.fspath(directory), "picasso")
