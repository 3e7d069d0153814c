"""Attribution maps over training, logged as events and shown in TensorBoard.

``from tensorboard_picasso import summary`` gives the summary ops; importing
this package alone imports no framework.
"""

from tensorboard_picasso.version import __version__

__all__ = ["__version__"]
