"""Failures of a call: what is said at once, and what is reported while training goes on."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from tensorboard_picasso.summary.backends.base import UnsupportedError, out_of_memory
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.log.state import State
from tensorboard_picasso.summary.probe.probe import Probe

T = TypeVar("T")


def refuse(key: str, text: str, memory: State, strict: bool) -> bool:
    """Say once why nothing is logged, and return False.

    Raises:
      ValueError: in strict mode.
    """
    if strict:
        raise ValueError(text)
    report.warn(key, text, memory.said)
    return False


def of_fork(memory: State, where: Destination, when: Moment, terms: Terms) -> bool:
    """Whether a log belongs to the process that this one is a fork of, which is refused.

    Raises:
      ValueError: as `refuse`.
    """
    if memory.process == os.getpid():
        return False
    text = (
        f'"{where.name}" is not logged at step {when.step}: its writer belongs to the process'
        " that this one is a fork of: pass a log directory"
    )
    refuse("fork", text, memory, terms.strict)
    return True


def attempt(
    compute: Callable[[], T],
    probe: Probe,
    model: Any,
    memory: State,
    what: str,
    key: str,
    *,
    first: bool,
    untried: bool,
    strict: bool,
) -> T | None:
    """Compute something; None where that failed and was warned of.

    Args:
      compute: does it.
      probe, model: of what.
      memory: learns what was said.
      what: of the warning: the scoped name, and where in training. key: of one that is said once.
      first: whether nothing was computed of the probe yet. untried: whether this was not.
      strict: raise whatever fails.

    Raises:
      ValueError, TypeError: the first call shows that it cannot work.
      Exception: in strict mode whatever fails.
    """
    try:
        return compute()
    except Exception as e:
        # What has never worked says so at once; later it is a failure like any other.
        if strict or (isinstance(e, ValueError | TypeError) and (first or untried)):
            raise
        reason = report.reason(e)
        if first and not out_of_memory(e):
            raise UnsupportedError(
                f"{type(model).__name__} cannot be explained on {probe}: {reason}"
            ) from e
        text = f"{what} could not be computed: {reason}"
        report.warn(f"{key} {report.kind(reason)}", text, memory.said)
        return None
