"""Attribution maps over training, logged as events and shown in TensorBoard.

``from tensorboard_picasso import summary`` gives the summary ops, and ``read(logdir)`` what a
log holds; importing this package alone imports no framework.
"""

from typing import Any

from tensorboard_picasso.version import __version__

__all__ = ["__version__", "read"]


def __getattr__(name: str) -> Any:
    # TensorBoard imports this package as it starts, and must not wait for what it does not use.
    if name == "read":
        from tensorboard_picasso.export.arrays import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
