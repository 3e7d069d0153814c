"""A callback for the `Trainer` of Hugging Face's `transformers`."""

import os
from collections.abc import Sequence
from typing import Any

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
    import transformers

    _Callback: Any = transformers.TrainerCallback
except ImportError as e:
    _Callback = _missing.base("transformers", "pip install transformers", e)


class TransformersCallback(_Callback):
    """Logs attribution maps while a `transformers.Trainer` trains; changes nothing of training.

    The model is called on images alone, and explained by the logits that it returns.
    A step is the trainer's `global_step`, an optimizer's step. Only the first process
    computes and writes. Parameters that FSDP shards are brought together there for each
    record; those that DeepSpeed's third stage shards are not served. The last step is logged with the
    weights that it left, before `load_best_model_at_end` puts an earlier step's back.

    Args:
      probe: the images watched.
      log_dir: the run's directory; maps go to its sub-run `picasso`.
      schedule: `EverySteps`, `EveryEpochs`, `LogSpaced` (the default) or
        `OnCheckpoint`, whenever the trainer saves one.
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
        writer: Any = None,
        methods: Sequence[Method | str] | None = None,
        edited: Probe | None = None,
        edits: Sequence[Edit | str] | None = None,
        strict: bool = False,
        scalars: bool = True,
        budget: float | str | None = None,
    ) -> None:
        super().__init__()
        if (log_dir is None) == (writer is None):
            raise ValueError("pass log_dir=, or writer= instead of it")
        terms = Terms(strict, scalars, Budget.of(budget))
        watch = Watch(probe, methods, edited, edits, terms)
        self._training = Training(schedule, watch)
        self._where = writer if log_dir is None else sub_run(log_dir)

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        """Check the probe on the model before the first batch, and log where it starts."""
        self._training.begin(
            model, self._where, state.global_step, state.epoch or 0.0, state.is_world_process_zero
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log where a due step was reached."""
        if self._training.running:
            self._training.reached(state.global_step, state.epoch)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log where the epoch is due."""
        if self._training.running:
            self._training.ended(round(state.epoch))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log where a checkpoint is the occasion."""
        if self._training.running:
            self._training.saved(state.global_step, state.epoch)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Log the last step, whose weights the trainer may replace by the best ones next."""
        if self._training.running and "train_runtime" in (logs or ()):
            self._training.last()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let go of the model."""
        self._training.finish()
