"""A callback for Lightning's `Trainer`."""

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from tensorboard_picasso.summary.backends.torch.shards import within
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.log.budget import Budget
from tensorboard_picasso.summary.log.request import Terms
from tensorboard_picasso.summary.loops import _missing
from tensorboard_picasso.summary.loops._training import Training, sub_run
from tensorboard_picasso.summary.loops._watch import Watch
from tensorboard_picasso.summary.loops.schedule import Schedule
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe.probe import Probe

try:
    import lightning.pytorch as lightning

    _Callback: Any = lightning.Callback
except ImportError as e:
    _Callback = _missing.base("Lightning", "pip install lightning", e)


class LightningCallback(_Callback):
    """Logs attribution maps while a `lightning.Trainer` fits; changes nothing of training.

    A step is Lightning's `global_step`, an optimizer's step. Only the process of
    rank 0 computes and writes. Parameters that FSDP shards are brought together there for
    each record; those that DeepSpeed's third stage shards are not served. The last step is logged
    when training ends, also early; not where it was interrupted. With `fast_dev_run`,
    which logs nothing, the maps are computed once before training and not written.

    Args:
      probe: the images watched.
      log_dir: the run's directory; maps go to its sub-run `picasso`. Default: that of the
        trainer's first `TensorBoardLogger`, else of its first logger that has one, else the
        trainer's `default_root_dir`; which it is, is said once.
      schedule: `EverySteps`, `EveryEpochs`, `LogSpaced` (the default) or
        `OnCheckpoint`, whenever the trainer saves one.
      model: from the `LightningModule` to what is explained, such as
        `lambda module: module.network`. Default: the module itself, by its `forward`.
      writer: a writer or directory as of the ops, instead of `log_dir`.
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
        log_dir: str | os.PathLike[str] | None = None,
        schedule: Schedule | None = None,
        *,
        model: Callable[[Any], Any] | None = None,
        writer: Any = None,
        methods: Sequence[Method | str] | None = None,
        edited: Probe | None = None,
        edits: Sequence[Edit | str] | None = None,
        strict: bool = False,
        scalars: bool = True,
        budget: float | str | None = None,
    ) -> None:
        super().__init__()
        if log_dir is not None and writer is not None:
            raise ValueError("log_dir= and writer=: pass one of them")
        terms = Terms(strict, scalars, Budget.of(budget))
        watch = Watch(probe, methods, edited, edits, terms)
        self._training = Training(schedule, watch)
        self._model = model
        self._where = writer if log_dir is None else sub_run(log_dir)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Check the probe on the model before the first batch, and log where it starts."""
        model = pl_module if self._model is None else self._model(pl_module)
        # FSDP may wrap around the LightningModule.
        model = within(trainer.strategy.model, model)
        if trainer.fast_dev_run:
            self._training.rehearse(model, "fast_dev_run logs nothing")
            return
        where, leads = self._where, trainer.is_global_zero
        if where is None and leads:
            where = sub_run(_directory(trainer))
            self._training.tell_where(where)
        step, epoch = trainer.global_step, float(trainer.current_epoch)
        self._training.begin(model, where, step, epoch, leads)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log where a due step was reached."""
        if self._training.running:
            self._training.reached(trainer.global_step, _epoch(trainer, batch_idx + 1))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log where the epoch is due."""
        if self._training.running:
            self._training.ended(trainer.current_epoch + 1)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        """Log where a checkpoint is the occasion."""
        if self._training.running:
            done = trainer.fit_loop.epoch_loop.batch_progress.current.processed
            self._training.saved(trainer.global_step, _epoch(trainer, done))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the last step, and let go of the model."""
        self._training.finish()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Let go of the model."""
        self._training.end()


def _directory(trainer: Any) -> str:
    """The run's directory: TensorBoard's where its logger is one of several."""
    loggers = sorted(
        trainer.loggers, key=lambda each: not isinstance(each, lightning.loggers.TensorBoardLogger)
    )
    for logger in loggers:
        for name in ("log_dir", "save_dir"):
            # A logger of one's own may lack them, raise, or answer to any name.
            with contextlib.suppress(Exception):
                return str(os.fspath(getattr(logger, name)))
    return str(os.fspath(trainer.default_root_dir))


def _epoch(trainer: Any, done: int) -> float | None:
    """Epochs trained, None where the length of one is not known."""
    count = trainer.num_training_batches
    return trainer.current_epoch + done / count if count and count != float("inf") else None
