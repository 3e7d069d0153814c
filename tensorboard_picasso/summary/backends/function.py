"""Any function from a batch of images to scores: NumPy in, NumPy out.

ONNX Runtime, scikit-learn, a remote service. Without a framework there is no gradient.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends._common.call import by_rows
from tensorboard_picasso.summary.backends._common.fixed_batch import FixedBatch
from tensorboard_picasso.summary.backends.base import (
    OCCLUSION_ALONE,
    Array,
    Backend,
    Claim,
    Function,
    UnsupportedError,
    out_of_memory,
)
from tensorboard_picasso.summary.kit.images import to_numpy


def adapts(model: Any) -> Claim:
    """Whatever can be called."""
    return Claim.ANY_FUNCTION if callable(model) else Claim.NO


class Adapter(Backend):
    """Calls the function on NumPy batches."""

    name = "function"
    calls = True

    def __init__(self, model: Callable[[Array], Any], look_behind: bool = True) -> None:
        self._model = model
        self._type = getattr(model, "__qualname__", type(model).__name__)
        self._batch = FixedBatch(self._type)

    def scores(self, x: Array) -> Array:
        """See `Backend.scores`."""
        return np.concatenate(self._batch.run(len(x), lambda rows: self._scores(x[rows])))

    def _scores(self, x: Array) -> Array:
        others = self.beside(len(x))
        try:
            # A copy: it may write into what it is given.
            output = self.call.outputs(self._model, self._model, np.array(x), others)
        except Exception as e:
            if not out_of_memory(e):
                of_torch = "torch" in sys.modules and "numpy" in str(e)
                remedy = "; what calls PyTorch goes into an nn.Module" if of_torch else ""
                e.add_note(f"({self._type} is given a NumPy batch of {x.dtype} {x.shape}{remedy})")
            raise
        if self.call.pick is not None or self.call.score is not None:
            output = self.call.scored(output, self._type, others)
        if isinstance(output, dict | list | tuple):
            raise UnsupportedError(
                f"{self._type} returns a {type(output).__name__}: return one array (n, classes), or pass pick="
            )
        scores = to_numpy(output, f"output of {self._type}")
        if scores.dtype.kind not in "biuf":
            raise UnsupportedError(f"{self._type} returns dtype {scores.dtype}: return numbers")
        scores = np.asarray(by_rows(scores, len(x)))
        return scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float32)

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.gradient`; there is none."""
        raise UnsupportedError(
            f"{self._type} is a function of NumPy arrays, which have no gradient: pass the"
            f" framework's own model, or {OCCLUSION_ALONE}"
        )
