"""Whether what is chosen may depend on the clock, and so on what else the machine does."""

from collections.abc import Iterator
from contextlib import contextmanager


class _State:
    """Of this process: what it asked for, and how often it is required for a while."""

    on = False
    required = 0


def deterministic(on: bool = True) -> None:
    """Choose nothing by the clock from now on, in this process: equal trainings log equal records.

    How many windows a batch holds, how batches lie in memory, and whether windows are run whole,
    is else found by timing what is run anyway, and another choice changes the last digits of
    scores. In deterministic mode all follow from the shapes, the memory and the device alone. It
    is heeded at each call, by ops, callbacks and whatever framework.

    `torch.use_deterministic_algorithms(True)` and
    `tf.config.experimental.enable_op_determinism()` ask for it too, of models of their
    framework. What a framework computes itself is made deterministic by these alone.

    Args:
      on: False lets batches be timed again.

    Raises:
      TypeError: `on` is no bool.
    """
    if not isinstance(on, bool):
        raise TypeError(f"on={on!r}: pass True or False")
    _State.on = on


def asked() -> bool:
    """Whether it was asked for here; backends ask their framework too."""
    return _State.on or _State.required > 0


@contextmanager
def required() -> Iterator[None]:
    """Deterministic meanwhile, whatever was asked for."""
    _State.required += 1
    try:
        yield
    finally:
        _State.required -= 1
