"""What the callbacks of loops that count their own steps have in common."""

import os
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from tensorboard_picasso.summary import writers
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.log.request import Destination, Moment
from tensorboard_picasso.summary.loops._watch import Watch
from tensorboard_picasso.summary.loops.schedule import LogSpaced, Schedule
from tensorboard_picasso.summary.writers.base import Writer


def scheduled(schedule: Schedule | None) -> Schedule:
    """A callback's schedule, with its default.

    Raises:
      TypeError: it is none.
    """
    schedule = LogSpaced() if schedule is None else schedule
    if not isinstance(schedule, Schedule):
        raise TypeError(f"schedule={schedule!r}: pass summary.EverySteps(n) or another")
    return schedule


class Training:
    """Logs what a callback watches while one loop trains; the loop says where it is.

    Attributes:
      schedule: when.
      running: between `begin` and `end`, in the process that writes and those that share the
        model's parameters with it.

    Raises:
      TypeError, ValueError: wrong arguments.
    """

    def __init__(self, schedule: Schedule | None, watch: Watch) -> None:
        self.schedule = scheduled(schedule)
        self._watch, self._probe = watch, watch.probe
        self._model: Any = None
        self._sharded = False
        self._writer: Writer | None = None
        self._began = self._step = 0
        self._epoch: float | None = None
        self._logged: int | None = None

    @property
    def running(self) -> bool:
        """Whether there is anything to do: to steps, or to share in a sharded model's record."""
        return self._model is not None

    def begin(
        self, model: Any, writer: Any, step: int, epoch: float | None, leads: bool = True
    ) -> None:
        """Say before training what cannot work; where a log starts, its first record does.

        Args:
          model: what is explained, read anew at every record.
          writer: as `writer=` of the ops.
          step, epoch: those that training starts or goes on from.
          leads: whether this process is the one that logs. The others take part where the
            model's parameters lie in several processes.
        """
        sharded = models.backend(self._probe, model).sharded
        if not (leads or sharded):
            return
        self._model, self._sharded = model, sharded
        self._writer = writers.find(writer) if leads else None
        self._began = self._step = step
        self._epoch, self._logged = epoch, None
        try:
            if self.schedule.at_start and step == 0:
                self._log(epoch)
            else:
                self._try()
        except Exception:
            self.end()
            raise

    def _try(self) -> None:
        """Compute a record before training, where none was computed yet."""
        with self._gathered() as leads:
            if self._writer is None or not leads:
                return
            self._watch.rehearse(self._model, self._writer.owner)

    def _gathered(self) -> AbstractContextManager[bool]:
        return self._watch.gathered(self._model)

    def rehearse(self, model: Any, why: str) -> None:
        """Compute a record before a training that logs nothing, and write none.

        Args:
          model: what is explained.
          why: it logs nothing.
        """
        with self._watch.gathered(model) as leads:
            if not leads:
                return
            self._watch.rehearse(model)
        text = f'probe "{self._probe.name}" was tried before training, and is not logged: {why}'
        report.tell(f"{self._probe.name} {why}", text)

    def tell_where(self, directory: str) -> None:
        """Say where a log is that nobody named."""
        text = f'probe "{self._probe.name}" is logged to {directory}; log_dir= says otherwise'
        report.tell(text, text)

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
            self._watch.settle(writer.owner)

    def _log(self, epoch: float | None, last: bool = False) -> None:
        # Several occasions may fall on one step: a save and the end of its epoch.
        if self._model is None or self._logged == self._step:
            return
        next_step = "" if last else self.schedule.next(self._step)
        writer, accepted = self._writer, False
        with self._gathered() as leads:
            if leads and writer is not None:
                when = Moment(self._step, epoch, next_step, last)
                into = partial(Destination.of, writer=writer)
                accepted = self._watch.log(self._model, into, when)
        # Processes that share a model share their occasions, too.
        if accepted or self._sharded:
            self._logged = self._step


def sub_run(directory: str | os.PathLike[str]) -> str:
    """Where the callbacks write: beside the loop's own event files, which they leave alone.

    Raises:
      TypeError: it is no path.
    """
    if not isinstance(directory, str | os.PathLike):
        raise TypeError(f"log_dir={directory!r}: pass the run's directory, a path")
    return os.path.join(os.fspath(directory), "picasso")
