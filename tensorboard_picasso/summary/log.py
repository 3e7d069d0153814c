"""Compute a checkpoint and write it; what fails never takes the training down."""

from collections.abc import Callable, Sequence
from typing import Any

from tensorboard_picasso.summary import checkpoint, event, report, state
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe import Probe


def checkpoint_of(
    probe: Probe,
    model: Any,
    methods: Sequence[Method],
    *,
    name: str,
    step: int,
    owner: Any,
    write: Callable[[bytes, int], None],
    epoch: float | None = None,
    strict: bool = False,
    scalars: bool = True,
    next_step: str = "",
) -> bool:
    """Log one checkpoint of a probe.

    Args:
      probe, model, methods: what is explained, and how.
      name: the probe's name with its scopes.
      step: of the record.
      owner: whose log it is, a writer as a rule; state is kept for each.
      write: writes a serialized summary at a step.
      epoch: recorded with the scores.
      strict: raise what fails, instead of warning once.
      scalars: write ordinary scalars too.
      next_step: what the cost line says of the next checkpoint: "next at step 12".

    Returns:
      Whether a record was accepted for writing.

    Raises:
      ValueError, TypeError: a probe's first computed call shows that it and the
        model do not go together.
      Exception: in strict mode whatever fails.
    """
    memory = state.find(probe, owner, name)
    labels = memory.fresh_labels(step, [method.label for method in methods])
    doubled = [method.label for method in methods if method.label not in labels]
    if doubled:
        text = f'"{name}" already has {", ".join(doubled)} at step {step}: pass label= to add more'
        if strict:
            raise ValueError(text)
        report.warn(f"doubled {doubled}", text, memory.said)
        if not labels:
            return False
    first = memory.output is None
    wanted = [method for method in methods if method.label in labels]
    try:
        backend = state.backend(probe, model)
        result = checkpoint.compute(
            probe, backend, wanted, memory.targets, output=memory.output, epoch=epoch
        )
    except Exception as e:
        # A first call that cannot work says so at once; later it is a failure like any other.
        if strict or (first and isinstance(e, ValueError | TypeError)):
            raise
        text = f'"{name}" could not be computed at step {step}: {_short(e)}'
        report.warn("compute", text, memory.said)
        return False
    memory.output = result.output
    memory.tracing_seconds += result.tracing_seconds
    new_step = step != memory.step
    try:
        inputs = memory.fresh_inputs(probe)
        summary = event.build(
            name, result, scores=new_step, inputs=inputs, labels=labels, scalars=scalars
        ).SerializeToString()
        write(summary, step)
    except Exception as e:
        if strict:
            raise
        text = f'"{name}" could not be written at step {step}: {_short(e)}'
        report.warn("write", text, memory.said)
        return False
    memory.commit(step, labels, inputs, result)
    once = memory.tracing_seconds
    report.tell("cost", _cost(probe, wanted, result, once, len(summary), next_step), memory.said)
    return True


def _short(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"


def _cost(
    probe: Probe,
    methods: Sequence[Method],
    result: checkpoint.Result,
    once: float,
    size: int,
    next_step: str,
) -> str:
    what = " + ".join(method.cost(probe) for method in methods) or "class scores"
    count = len(probe.images)
    tracing = f" (tracing took {once:.1f} s once)" if once >= 0.05 else ""
    return (
        f"{count} image{'s' if count > 1 else ''}, {what}: {result.seconds:.2f} s,"
        f" {size / 1000:.0f} KB a checkpoint{'; ' if next_step else ''}{next_step}{tracing}"
    )
