"""A callback for `keras.Model.fit`."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tensorboard_picasso.summary import checkpoint, log, state
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.occlusion import Occlusion
from tensorboard_picasso.summary.methods.saliency import Saliency
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
        self._methods = (Occlusion(), Saliency()) if methods is None else tuple(methods)
        self._strict = strict
        self._scalars = scalars
        self._writer: Any = None
        self._step = self._epoch_start = 0
        self._epoch = 0
        self._epoch_steps: int | None = None
        self._checked = False
        self._unwatch: list[Callable[[], None]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Check the probe on the model before the first batch, and log where it starts."""
        self._step = self._epoch_start = self._iterations()
        self._epoch_steps = (self.params or {}).get("steps")
        self._writer = tf.summary.create_file_writer(self._log_dir)
        self._check()
        if self._schedule.on_save:
            self._watch("save")
            self._watch("save_weights")
        if self._schedule.at_start and self._step == 0:
            self._log(0.0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note where the epoch starts; asking the optimizer is once an epoch only."""
        self._epoch = epoch
        self._step = self._epoch_start = self._iterations()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Log where a due step was reached, or crossed by several steps at once."""
        before, self._step = self._step, self._epoch_start + batch + 1
        if self._schedule.due(before, self._step):
            done = (batch + 1) / self._epoch_steps if self._epoch_steps else 0.0
            self._log(self._epoch + done)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log where the epoch is due."""
        if self._schedule.epoch_due(epoch + 1):
            self._log(epoch + 1.0)

    def on_train_end(self, logs: Any = None) -> None:
        """Close the log."""
        for each in self._unwatch:
            each()
        self._unwatch.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _iterations(self) -> int:
        optimizer = getattr(self.model, "optimizer", None)
        return 0 if optimizer is None else int(optimizer.iterations)

    def _check(self) -> None:
        """Compute once without writing: what cannot work is said before training."""
        if self._checked:
            return
        self._checked = True
        backend = state.backend(self._probe, self.model)
        memory = state.find(self._probe, self._writer, self._probe.name)
        try:
            result = checkpoint.compute(self._probe, backend, self._methods, memory.targets)
        except (ValueError, TypeError):
            self._writer.close()
            self._writer = None
            raise
        except Exception:
            if self._strict:
                raise
            return  # a failure while computing: the first logged step reports it
        memory.output = result.output

    def _log(self, epoch: float) -> None:
        log.checkpoint_of(
            self._probe,
            self.model,
            self._methods,
            name=self._probe.name,
            step=self._step,
            writer=self._writer,
            write=host.write,
            epoch=epoch,
            strict=self._strict,
            scalars=self._scalars,
            next_step=self._schedule.next(self._step),
        )

    def _watch(self, name: str) -> None:
        """Log after each call of the model's `save` or `save_weights`."""
        original = getattr(self.model, name)

        def saving(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            # One checkpoint, though Keras may call one of the two from the other.
            memory = state.find(self._probe, self._writer, self._probe.name)
            if memory.step != self._step:
                self._log(self._epoch + 1.0)
            return result

        object.__setattr__(self.model, name, saving)
        self._unwatch.append(lambda: object.__delattr__(self.model, name))
