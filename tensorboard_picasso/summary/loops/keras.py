"""A callback for `keras.Model.fit`."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tensorboard_picasso.summary import log, report, state
from tensorboard_picasso.summary.loops import _saves
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe import Probe
from tensorboard_picasso.summary.schedule import LogSpaced, Schedule
from tensorboard_picasso.summary.writers import tensorflow as host


class KerasCallback(keras.callbacks.Callback):
    """Logs attribution maps while `model.fit` trains; changes nothing of training.

    Writes to the sub-run `<log_dir>/picasso`, beside those of Keras' own
    TensorBoard callback. Steps are the optimizer's iterations.

    Args:
      probe: the images watched.
      log_dir: the run's directory.
      schedule: `EverySteps`, `EveryEpochs`, `LogSpaced` (the default) or
        `OnCheckpoint`.
      methods: default `[Occlusion(), Saliency()]`.
      strict: raise what fails, instead of warning once and going on.
      scalars: also write ordinary scalars: means over the probe.

    Raises:
      TypeError: an argument of the wrong kind; when training starts also what
        shows that the probe and the model do not go together.
    """

    def __init__(
        self,
        probe: Probe,
        log_dir: str | os.PathLike[str],
        schedule: Schedule | None = None,
        *,
        methods: Sequence[Method] | None = None,
        strict: bool = False,
        scalars: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(probe, Probe):
            raise TypeError(f"probe is {type(probe).__name__}: pass a summary.Probe")
        schedule = LogSpaced() if schedule is None else schedule
        if not isinstance(schedule, Schedule):
            raise TypeError(f"schedule={schedule!r}: pass summary.EverySteps(n) or another")
        self._probe = probe
        self._log_dir = os.path.join(os.fspath(log_dir), "picasso")
        self._schedule = schedule
        self._methods = log.wanted(methods)
        for method in self._methods:
            method.check(probe)
        self._strict = strict
        self._scalars = scalars
        self._writer: Any = None
        self._explained: Any = None
        self._step = self._epoch_start = 0
        self._epoch = 0
        self._epoch_steps: int | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Check the probe on the model before the first batch, and log where it starts."""
        self._close()  # a training that raised did not end
        self._step = self._epoch_start = self._iterations()
        self._epoch = 0
        self._epoch_steps = (self.params or {}).get("steps")
        if self._explained is not self.model:
            # Another model is another history: nothing of the first one is remembered.
            self._explained, self._owner = self.model, _Owner()
        self._writer = tf.summary.create_file_writer(self._log_dir)
        try:
            self._begin()
        except Exception:
            self._close()
            raise
        if self._schedule.on_save:
            _saves.listen(self.model, self._log)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note where the epoch starts; asking the optimizer is once an epoch only."""
        self._epoch = epoch
        self._step = self._epoch_start = self._iterations()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Log where a due step was reached, or crossed by several steps at once."""
        before, self._step = self._step, self._epoch_start + batch + 1
        if self._schedule.due(before, self._step):
            self._log()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log where the epoch is due."""
        self._epoch_steps = self._iterations() - self._epoch_start
        if self._schedule.epoch_due(epoch + 1):
            self._log()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the log."""
        self._close()

    def _close(self) -> None:
        if self._explained is not None:
            _saves.leave(self._explained, self._log)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _iterations(self) -> int:
        optimizer = getattr(self.model, "optimizer", None)
        # Under a distribution strategy the counter is mirrored, and no number by itself.
        return 0 if optimizer is None else int(keras.ops.convert_to_numpy(optimizer.iterations))

    def _begin(self) -> None:
        """Say before training what cannot work; where a log starts, its first record does."""
        if not self.model.built:
            report.tell(
                f"unbuilt {self._probe.name}",
                f'the model is not built yet: "{self._probe.name}" is checked at its first'
                " checkpoint; build the model, and it is checked before training",
            )
        elif self._schedule.at_start and self._step == 0:
            self._log()
        elif self._memory.decided(self._probe) is None:
            self._check()

    def _check(self) -> None:
        """Compute once without writing."""
        what = f'"{self._probe.name}" before training'
        log.compute(self._probe, self.model, self._methods, self._memory, what, self._strict)

    @property
    def _memory(self) -> state.State:
        return state.find(self._owner, self._probe.name)

    def _log(self) -> None:
        step = self._iterations()
        # Several occasions may fall on one step: a save and the end of its epoch.
        if self._memory.step == step:
            return
        done = step - self._epoch_start
        epoch = self._epoch + (done / self._epoch_steps if self._epoch_steps and done else 0.0)
        log.checkpoint_of(
            self._probe,
            self.model,
            self._methods,
            name=self._probe.name,
            step=step,
            owner=self._owner,
            write=partial(host.write, self._writer),
            epoch=epoch if self._epoch_steps or not done else None,
            strict=self._strict,
            scalars=self._scalars,
            next_step=self._schedule.next(step),
        )


class _Owner:
    """What a history of one model is kept under, over the writers of several fits."""
