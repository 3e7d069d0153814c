"""A callback for `keras.Model.fit`, also of Keras 2 (`tf_keras`)."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tensorboard_picasso.summary.backends.keras.models import is_keras_2
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.log.budget import Budget
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.loops import _history, _missing, _saves
from tensorboard_picasso.summary.loops._history import History
from tensorboard_picasso.summary.loops._training import scheduled, sub_run
from tensorboard_picasso.summary.loops._watch import Watch
from tensorboard_picasso.summary.loops.schedule import Schedule
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe.probe import Probe
from tensorboard_picasso.summary.writers import path
from tensorboard_picasso.summary.writers.base import Writer

try:
    import keras

    _Callback: Any = keras.callbacks.Callback
except ImportError as e:
    _Callback = _missing.base("Keras", "pip install 'tensorboard-picasso[tensorflow]'", e)


class KerasCallback(_Callback):
    """Logs attribution maps while `model.fit` trains; changes nothing of training.

    Writes to the sub-run `<log_dir>/picasso`, beside those of Keras' own
    TensorBoard callback; without TensorFlow where Keras runs on PyTorch or JAX. A step
    is a trained batch: counting starts from the optimizer's iterations, and goes on
    over all fits of a model in this process, also where it is compiled anew. The last
    step of a fit is logged with the weights that it left, wherever `callbacks` has an
    `EarlyStopping(restore_best_weights=True)`, which then puts an earlier epoch's back.

    Args:
      probe: the images watched.
      log_dir: the run's directory.
      schedule: `EverySteps`, `EveryEpochs`, `LogSpaced` (the default) or
        `OnCheckpoint`.
      methods: as objects or by name; default `[Occlusion(), Saliency()]`.
      edited: images, as a rule more of them, that are asked at the same steps whether the
        answer survives plain edits: `Probe.from_dataset(validation, n=64, name="sample")`, or
        the probe itself. See `edited`. edits: which ones; default `summary.edits.DEFAULT`.
      strict: raise what fails, instead of warning once and going on.
      scalars: also write ordinary scalars: means over the probe.
      budget: what records may take: a share of training time (0.02), or seconds for
        each that the schedule asks for ("0.5s"). The schedule is stretched and, where that
        would be too far, strides are doubled; of `edited` images are left out. See
        `docs/budget.md`.

    Raises:
      TypeError, ValueError: wrong arguments; when training starts also what
        shows that the probe and the model do not go together.
    """

    def __init__(
        self,
        probe: Probe,
        log_dir: str | os.PathLike[str],
        schedule: Schedule | None = None,
        *,
        methods: Sequence[Method | str] | None = None,
        edited: Probe | None = None,
        edits: Sequence[Edit | str] | None = None,
        strict: bool = False,
        scalars: bool = True,
        budget: float | str | None = None,
    ) -> None:
        super().__init__()
        terms = Terms(strict, scalars, Budget.of(budget))
        self._watch = Watch(probe, methods, edited, edits, terms)
        self._schedule = scheduled(schedule)
        self._directory = sub_run(log_dir)
        self._writer: Writer | None = None
        self._log_of: Any = None
        self._release: Callable[[], None] = lambda: None
        self._explained: Any = None
        self._history = History()
        self._started = self._in_batch = self._saved = False
        self._began = self._step = self._epoch_start = self._epoch = 0
        self._epoch_steps: int | None = None
        self._logged: int | None = None

    # What Keras 2 asks a callback, which derives from Keras 3's where both are there.

    def _implements_train_batch_hooks(self) -> bool:
        return True

    def _implements_test_batch_hooks(self) -> bool:
        return False

    def _implements_predict_batch_hooks(self) -> bool:
        return False

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the log."""
        self._close()  # a training that raised did not end
        self._explained = self.model
        history = _history.of(self.model, os.path.abspath(self._directory))
        if history is not self._history:
            self._history, self._logged = history, None
        tensorflows = is_keras_2(self.model) or keras.backend.backend() == "tensorflow"
        self._writer, self._release = _opened(os.path.abspath(self._directory), self, tensorflows)
        self._follow(self._writer.owner)
        self._started = self._in_batch = self._saved = False
        self._epoch_steps = (self.params or {}).get("steps")
        self._step = self._epoch_start = history.start(self._iterations())
        if self._schedule.on_save:
            _saves.listen(self.model, self._on_save)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Check the probe on the model before the first batch, and log where it starts."""
        self._epoch, self._epoch_start = epoch, self._step
        if self._started:
            return
        # Only now: other callbacks may have restored a backup when training began.
        self._step = self._epoch_start = self._history.start(self._iterations())
        self._began, self._started = self._step, True
        try:
            self._begin()
        except Exception:
            self._close()
            raise

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Note that the step is under way."""
        self._in_batch = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Log where a due step was reached, or crossed by several steps at once."""
        before, self._step = self._step, self._epoch_start + batch + 1
        self._history.step = self._step
        due = self._saved or self._schedule.due(before, self._step)
        self._in_batch = self._saved = False
        if due:
            self._log()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log where the epoch is due."""
        self._epoch_steps = self._step - self._epoch_start
        if self._schedule.epoch_due(epoch + 1):
            self._log()
        elif self.model.stop_training or epoch + 1 == (self.params or {}).get("epochs"):
            # Before callbacks that came first put other weights back when training ends.
            self._last()

    def on_train_end(self, logs: Any = None) -> None:
        """Log the last step, and close the log."""
        try:
            self._last()
        finally:
            self._close()

    def _close(self) -> None:
        if self._explained is not None:
            _saves.leave(self._explained, self._on_save)
            self._explained = None
        if self._writer is not None:
            self._writer = None
            try:
                self._watch.settle(self._history)
            finally:
                self._release()

    def _iterations(self) -> int:
        """Batches that the optimizer has counted, 0 where the model trains by itself."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            return 0
        counted = optimizer.iterations
        if is_keras_2(self.model):
            return int(counted)
        # Under a distribution strategy the counter is mirrored, and no number by itself.
        updates = int(keras.ops.convert_to_numpy(counted))
        return updates * (getattr(optimizer, "gradient_accumulation_steps", None) or 1)

    def _begin(self) -> None:
        """Say before training what cannot work; where a log starts, its first record does."""
        if not self.model.built:
            report.tell(
                f"unbuilt {self._watch.probe.name}",
                f'the model is not built yet: "{self._watch.probe.name}" is checked at its first'
                " record; build the model, and it is checked before training",
            )
        elif self._schedule.at_start and self._step == 0:
            self._log()
        else:
            self._watch.rehearse(self.model, self._history)

    def _on_save(self) -> None:
        # Within a batch, callbacks before this one save what it has not counted yet.
        if self._in_batch:
            self._saved = True
        else:
            self._log()

    def _last(self) -> None:
        """Log the last step where that is due: of a training that took any, and once."""
        if self._schedule.at_end and self._started and self._step > self._began:
            self._log(last=True)

    def _follow(self, owner: Any) -> None:
        """Begin the log anew where it was removed, though the model's history goes on.

        Args:
          owner: the writer's, as it is now.
        """
        before, self._log_of = self._log_of, owner
        if before is not None and before is not owner and before.held.gone():
            self._watch.forget(self._history)

    def _log(self, last: bool = False) -> None:
        # Several occasions may fall on one step: a save and the end of its epoch.
        if self._logged == self._step or self._writer is None:
            return
        self._follow(self._writer.owner)
        done = self._step - self._epoch_start
        epoch = self._epoch + (done / self._epoch_steps if self._epoch_steps and done else 0.0)
        into = partial(
            Destination,
            owner=self._history,
            write=self._writer.write,
            directory=self._writer.directory,
            background=True,
        )
        when = Moment(
            self._step,
            epoch if self._epoch_steps or not done else None,
            "" if last else self._schedule.next(self._step),
            last,
        )
        accepted = self._watch.log(self.model, into, when)
        if accepted:
            self._logged = self._step


def _opened(directory: str, user: Any, tensorflows: bool) -> tuple[Writer, Callable[[], None]]:
    """What writes to a directory, and what ends that for this user of it."""
    if not tensorflows:
        return path.DirectoryWriter(directory), lambda: None
    from tensorboard_picasso.summary.writers import tensorflow

    shared = tensorflow.Shared.join(directory, user)
    return tensorflow.TensorFlowWriter(shared.writer, shared.directory), lambda: shared.leave(user)
