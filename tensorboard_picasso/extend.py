"""What other packages build on: methods, edits, backends, writers and formats of weight files.

These names stay where they are, whatever moves behind them; `docs/extending/new-method.md`,
`docs/extending/new-edit.md` and `docs/extending/new-backend.md` say how to use them.
"""

from tensorboard_picasso.checkpoints.formats.base import Format
from tensorboard_picasso.numbers.maps import Output, Precision, Sign
from tensorboard_picasso.stored.record import Edit as EditRecord
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Array,
    Claim,
    Function,
    Layer,
    Question,
    Setup,
    Tool,
    UnsupportedError,
    Windows,
)
from tensorboard_picasso.summary.edits.base import Edit, Variant, View, WholeImage
from tensorboard_picasso.summary.kit import frameworks
from tensorboard_picasso.summary.methods.base import (
    Answer,
    MapMethod,
    Method,
    RandomMethod,
    Subject,
)
from tensorboard_picasso.summary.writers.base import Writer

__all__ = [
    "Adapter",
    "Answer",
    "Array",
    "Backend",
    "Claim",
    "Edit",
    "EditRecord",
    "Format",
    "Function",
    "Layer",
    "MapMethod",
    "Method",
    "Output",
    "Precision",
    "Question",
    "RandomMethod",
    "Setup",
    "Sign",
    "Subject",
    "Tool",
    "UnsupportedError",
    "Variant",
    "View",
    "WholeImage",
    "Windows",
    "Writer",
    "frameworks",
]
