"""One file a kind of writer. A new one is found by being here: nothing else is edited.

A file has the name of the package that its writers come from, in lower case, their
class as `KIND`, and `writer_of(writer)`, which makes a `Writer` of one; `path` is that of log directories.
"""

import importlib
import importlib.util
import os
import sys
from typing import Any

from tensorboard_picasso.summary.kit import frameworks
from tensorboard_picasso.summary.writers.base import Writer

_ACCEPTED = (
    "a log directory, a SummaryWriter of torch.utils.tensorboard or tensorboardX, or a"
    " tf.summary writer"
)


def find(writer: Any) -> Writer:
    """What writes to a `writer=`.

    Raises:
      TypeError: it is no writer that is known.
    """
    named = ["path"] if isinstance(writer, str | os.PathLike) else frameworks.packages(writer)
    for name in named:
        file = f"{__name__}.{name.lower()}"
        if name.isidentifier() and importlib.util.find_spec(file):
            module = importlib.import_module(file)
            if isinstance(writer, getattr(module, "KIND", ())):
                ours: Writer = module.writer_of(writer)
                if name != "tensorflow" and "tensorflow" in sys.modules:
                    _check_eager(writer)
                return ours
    raise TypeError(f"writer= is a {type(writer).__name__}: pass {_ACCEPTED}")


def _check_eager(writer: Any) -> None:
    from tensorboard_picasso.summary.writers import tensorflow

    if tensorflow.tracing():
        raise TypeError(
            f"writer={writer!r} inside a tf.function writes while it is traced only: pass a"
            " tf.summary writer there"
        )


def default() -> Writer:
    """What writes where no `writer=` is given: to the default writer of `tf.summary`, if any.

    Raises:
      ValueError: there cannot be one, as TensorFlow is not imported.
    """
    if "tensorflow" not in sys.modules:
        raise missing()
    from tensorboard_picasso.summary.writers import tensorflow

    return tensorflow.TensorFlowWriter(tensorflow.default_writer())


def missing() -> ValueError:
    """What to say where there is none."""
    return ValueError(f"no writer: pass writer=, {_ACCEPTED}")
