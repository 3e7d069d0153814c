"""Any function from a batch of images to scores: NumPy in, NumPy out.

ONNX Runtime, scikit-learn, a remote service. Without a framework there is no gradient.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends._common.call import by_rows
from tensorboard_picasso.summary.backends._common.fixed_batch import FixedBatch
from tensorboard_picasso.summary.backends._common.question import beside
from tensorboard_picasso.summary.backends.base import (
    OCCLUSION_ALONE,
    Adapter,
    Array,
    Claim,
    Question,
    Setup,
    UnsupportedError,
    out_of_memory,
)
from tensorboard_picasso.summary.kit.images import to_numpy


def adapts(model: Any) -> Claim:
    """Whatever can be called."""
    return Claim.ANY_FUNCTION if callable(model) else Claim.NO


def adapter_of(model: Any, setup: Setup) -> Adapter:
    """See `backends`."""
    return FunctionAdapter(model, setup)


class FunctionAdapter(Adapter):
    """Calls the function on NumPy batches."""

    name = "function"
    calls = True

    def __init__(self, model: Callable[[Array], Any], setup: Setup) -> None:
        super().__init__(model, setup)
        self._type = getattr(model, "__qualname__", type(model).__name__)
        self._batch = FixedBatch(self._type)

    def scores(self, question: Question) -> Array:
        """See `Adapter.scores`."""
        x = question.x
        parts = self._batch.run(len(x), lambda rows: self._scores(question.about(x[rows])))
        return np.concatenate(parts)

    def _scores(self, question: Question) -> Array:
        x, call = question.x, self.setup.call
        others = beside(question.others, len(x))
        try:
            # A copy: it may write into what it is given.
            output = call.outputs(self.model, self.model, np.array(x), others)
        except Exception as e:
            if not out_of_memory(e):
                of_torch = "torch" in sys.modules and "numpy" in str(e)
                remedy = "; what calls PyTorch goes into an nn.Module" if of_torch else ""
                e.add_note(f"({self._type} is given a NumPy batch of {x.dtype} {x.shape}{remedy})")
            raise
        if call.pick is not None or call.score is not None:
            output = call.scored(output, self._type, others)
        if isinstance(output, dict | list | tuple):
            raise UnsupportedError(
                f"{self._type} returns a {type(output).__name__}: return one array (n, classes), or pass pick="
            )
        scores = to_numpy(output, f"output of {self._type}")
        if scores.dtype.kind not in "biuf":
            raise UnsupportedError(f"{self._type} returns dtype {scores.dtype}: return numbers")
        scores = np.asarray(by_rows(scores, len(x)))
        return scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float32)

    def gradient(self, question: Question, cotangent: Array) -> Array:
        """See `Adapter.gradient`; there is none."""
        raise UnsupportedError(
            f"{self._type} is a function of NumPy arrays, which have no gradient: pass the"
            f" framework's own model, or {OCCLUSION_ALONE}"
        )
