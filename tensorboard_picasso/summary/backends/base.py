"""The adapter: what a framework must do with its models, and what all of them need for it."""

import abc
import enum
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output, quiet
from tensorboard_picasso.summary.backends._common.arrival import Arrival
from tensorboard_picasso.summary.backends._common.call import Call, UnsupportedError
from tensorboard_picasso.summary.backends._common.memory import Halving, out_of_memory
from tensorboard_picasso.summary.backends._common.question import (
    Array,
    Blending,
    Function,
    Hiding,
    Layer,
    Question,
    Segments,
    Setup,
    Tool,
    Windows,
    hidden,
)
from tensorboard_picasso.summary.backends._common.refusals import (
    OCCLUSION_ALONE,
    integers_only,
    no_gradient,
    no_tokens,
    scripted,
)
from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.kit.images import to_numpy

__all__ = [
    "BATCH_INPUTS", "BATCH_NUMBERS", "GRADIENT_SHARE", "OCCLUSION_ALONE", "PROCESSOR", "Adapter",
    "Array", "Arrival", "Blending", "Call", "Claim", "Function", "Hiding", "Layer", "Question",
    "Room", "Segments", "Setup", "Tool", "UnsupportedError", "Windows", "attends", "batches", "broken",
    "floats", "hidden", "integers_only", "no_gradient", "no_tokens", "out_of_memory", "same",
    "scripted", "spread",
]  # fmt: skip

# Of a processor a batch of model inputs holds about this many numbers, and at most so many inputs.
BATCH_NUMBERS, BATCH_INPUTS = PROCESSOR.plain, PROCESSOR.inputs
# A gradient keeps what every layer made of its batch.
GRADIENT_SHARE = 4

# What ends so is an attention: Attention, self_attn, MultiheadAttention, SelfAttention2d,
# multi_head_attention_3, AttentionPoolLatent. AttentionNet is a network that has some.
# What is called qkv, to_q or k_proj is a part of one, whatever that is called.
_ATTENTION = re.compile(
    r"(attn|attention)(_?pool\w*|\d*d)?(_?\d+)?$"
    r"|^(to_)?(q|k|v|kv|qkv|query|key|value)(_?(proj|dense|linear|norm))?(_?\d+)?$",
    re.IGNORECASE,
)


class Claim(enum.IntEnum):
    """How sure a framework is that a model is its own.

    A function does not tell its framework: those that may be its own are tried in this
    order, the surest first.
    """

    NO = 0
    ANY_FUNCTION = 1
    PERHAPS = 2
    YES = 3


def attends(*names: str) -> bool:
    """Whether one of these names, a layer's or its class's, is that of an attention or its part."""
    return any(_ATTENTION.search(name) for name in names)


def spread(scores: Array) -> float:
    """How far scores are apart, those that are finite."""
    finite = scores[np.isfinite(scores)]
    with quiet():
        return float(np.ptp(finite)) if finite.size else 0.0


def same(a: Array, b: Array) -> bool:
    """Whether two ways to compute a thing gave the same, but for rounding."""
    slack = 1e-3 * spread(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=slack)


def broken(scores: Array) -> bool:
    """Whether scores are those of a model that has broken down: they tell nothing of it.

    What is found out of a model by its scores once is not to be taken from these. A class
    that is ruled out has -inf.
    """
    finite = np.isfinite(scores)
    return not (finite.any() and (finite | np.isneginf(scores)).all())


def floats(x: Array) -> Array:
    """Numbers that a derivative can be taken by."""
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def batches(count: int, numbers: int, room: Room = PROCESSOR) -> Iterator[slice]:
    """Slices of `count` inputs that hold so many numbers each, one a batch, by the device's room."""
    size = max(1, min(room.inputs, room.plain // max(1, numbers)))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


class Adapter(abc.ABC):
    """Adapts models of one framework: always in inference mode, and leaves a model as it was.

    One is made for each model and `Setup`, before anything is asked, and lives as long as the
    model is explained; what it found out of the model it may keep. One thread asks at a time.

    Attributes:
      name: the framework's.
      model: the user's. setup: how it is asked.
      shown: what the framework shows of the scores, None where it does not;
        known after the first `scores`.
      behind: the scores are those before the model's final softmax or sigmoid,
        so that they stay exact where its probabilities round to 0 or 1.
      layers_channels_first: layers return (n, channels, height, width).
      calls: whether it heeds `setup.call` and what a question has beside `x`; what does not is
        given models of one input alone.
      each_size_compiles: whether a batch of another size is compiled anew, so that trying which
        one is fastest costs more than it saves.
      tracing_seconds: spent so far on what is not repeated.
      halving: of batches that memory does not suffice for.
      known: what the generic ways found out of the model once.
    """

    name: ClassVar[str]
    calls: ClassVar[bool] = False
    each_size_compiles: ClassVar[bool] = False
    layers_channels_first: ClassVar[bool] = False
    shown: Output | None = None
    behind: bool = False
    tracing_seconds: float = 0.0

    def __init__(self, model: Any, setup: Setup) -> None:
        self.model, self.setup = model, setup
        self.halving = Halving()
        self.known: dict[Any, Any] = {}

    @property
    def deterministic(self) -> bool:
        """Whether how scores are computed may depend on no clock, as it is now.

        Asked at each sweep and each record. Another process then makes the same scores to the
        last digit. A framework that can be asked for that itself is asked too.
        """
        return determinism.asked()

    @property
    def room(self) -> Room:
        """How much may be computed at once on the device where the model lies.

        Asked at each batch. Where memory does not suffice all the same, batches are halved.
        """
        return PROCESSOR

    @property
    def leads(self) -> bool:
        """Whether this process logs the model, of those that train it together.

        Asked before a record, by all of them.
        """
        return True

    def gathered(self) -> AbstractContextManager[bool]:
        """Around all that is asked for a record: whether this process is the one to make it.

        Where the model's parameters lie in several processes, all of these enter it, and they
        are brought together meanwhile.

        Raises:
          UnsupportedError: they cannot be.
        """
        return nullcontext(self.leads)

    @property
    def sharded(self) -> bool:
        """Whether the model's parameters lie in several processes.

        Asked before training, and before a record.

        Raises:
          UnsupportedError: in a way in which they cannot be brought together.
        """
        return False

    @abc.abstractmethod
    def scores(self, question: Question) -> Array:
        """Raw scores of a batch of model inputs: float32 or float64, (n, classes).

        Called first at each record, and by most methods; a batch holds so many inputs as
        `batches` cuts.

        Raises:
          UnsupportedError: the model returns no single tensor, or is none of the framework.
        """

    @abc.abstractmethod
    def gradient(self, question: Question, cotangent: Array) -> Array:
        """Derivative of sum(cotangent * scores) by `x`, of its shape, or by a layer's output.

        Called by methods that need gradients, after `scores`. Log-odds, logits and
        probabilities are made outside, in NumPy: each is a cotangent, and no adapter knows of
        them.

        Args:
          question: with the layer, or the preprocess that the derivative passes through.
          cotangent: (n, classes).

        Raises:
          UnsupportedError: the model has no such gradient or layer.
        """

    def slopes(self, question: Question, cotangents: Function, count: int) -> Array:
        """Derivatives by `x` of several sums of the scores, (sums, n, …).

        Called by methods that need gradients at many points, where a cotangent depends on the
        scores there. The generic way runs the model once more for each sum.

        Args:
          question: perhaps with the preprocess that the derivative passes through.
          cotangents: from raw scores (n, classes) to (sums, n, classes).
          count: how many sums there are.

        Raises:
          UnsupportedError: as `gradient`.
        """
        plain = question
        if question.preprocess is not None:
            made = to_numpy(question.preprocess(question.x), "output of preprocess")
            plain = replace(question, x=made, preprocess=None)
        return np.stack([self.gradient(question, each) for each in cotangents(self.scores(plain))])

    def activations(self, question: Question) -> Array:
        """What the layer that is asked for returns for a batch of model inputs, (n, …).

        Called by Grad-CAM.

        Raises:
          UnsupportedError: the model has no such layer.
        """
        raise UnsupportedError(
            f"layer={question.layer!r}: a {self.name} has no layers that can be seen"
        )

    def layers(self, question: Question) -> list[Layer]:
        """The calls of layers in the order in which they end, of a batch to look at them with.

        Called once a model and shape, where a method reads a layer's output.

        Raises:
          UnsupportedError: layers cannot be seen.
        """
        raise UnsupportedError(f"a {self.name} has no layers that can be seen")

    def reaches(self, question: Question, places: NDArray[np.bool_]) -> bool:
        """Whether some of what a layer returns can change the scores, whatever the weights.

        Not a number put there is one in the scores then, also behind weights of zero. Called
        after `layers`, once a layer.

        Args:
          question: with the layer.
          places: of the layer's output for one input, of its shape; which are asked about.
        """
        return True

    def handed(self, question: Question, tool: Tool) -> Array:
        """What a tool that is written for the framework makes of one score of the model.

        Called by `Captum`, once an image and class.

        Raises:
          UnsupportedError: there are no tools for this framework.
        """
        raise UnsupportedError(
            f"a {self.name} cannot be handed to tools for PyTorch: pass an nn.Module"
        )

    def differentiates(self, question: Question, inputs: Array) -> bool:
        """Whether the framework can differentiate through the user's `preprocess`.

        Called where that moves pixels, at each record; found out once a shape.

        Args:
          question: with a batch as `preprocess` gets it, and that.
          inputs: what it makes of the batch; of the framework's own tensors it must make the
            same.
        """
        return False

    def fed(self, question: Question) -> tuple[tuple[int, ...], str]:
        """Shape and dtype of what the model itself is called with for a batch of model inputs.

        Called by `python -m tensorboard_picasso log`, once.
        """
        return question.x.shape, str(question.x.dtype)

    def arrives(self, question: Question, over: bool) -> Arrival | None:
        """What arrives at the first normalization that holds statistics of a training.

        Called after a record, until there is an answer.

        Args:
          question: a batch of model inputs.
          over: whether training is over, see `fitted`.

        Returns:
          None where the model has none, or where training has hardly begun.
        """
        return None

    def handles(self, question: Question) -> list[Any]:
        """What a graph that calls the backend on such inputs must order itself after.

        Called while a `tf.function` with an op in it is traced.
        """
        return []

    def swept_scores(self, windows: Windows) -> list[Array]:
        """Raw scores of all windows of several images, (boxes, classes) each.

        Called by occlusion at each record, and where it is the only method right after
        `scores`.
        """
        return [self._dense(each, windows) for each in windows.hidings]

    def _dense(self, hiding: Hiding, windows: Windows) -> Array:
        image = hiding.image

        def run(part: slice) -> Array:
            return self.scores(windows.question(hiding.viewed(part)))

        most = max(1, min(self.room.inputs, self.room.plain // max(1, image.size)))
        return self.halving.run(("windows", image.shape, image.dtype), len(hiding.boxes), run, most)

    def blended_scores(self, blending: Blending) -> Array:
        """Raw scores of an image blended with what hides it by each of many masks, (masks, classes).

        Called by RISE, once an image.
        """
        from tensorboard_picasso.summary.backends._common.batch_size import in_batches

        def run(part: slice) -> Array:
            return self.scores(blending.question(part))

        count, shape = len(blending.masks), blending.image.shape
        kind = "blended", shape, blending.image.dtype
        return in_batches(self, kind, count, blending.image.size, run)

    def tokens(self, question: Question) -> tuple[int, int]:
        """Rows and columns of the tokens that stand for an image's patches.

        Called by occlusion that drops tokens, before `scores_without`.

        Raises:
          UnsupportedError: the model has none that can be left out.
        """
        raise no_tokens(type(self.model).__name__)

    def scores_without(self, question: Question, dropped: NDArray[np.bool_]) -> Array:
        """Raw scores of one image without some of its tokens, (n, classes).

        Args:
          question: with the image, a batch of one.
          dropped: (n, rows, columns), of the grid that `tokens` tells.

        Raises:
          UnsupportedError: as `tokens`.
        """
        raise no_tokens(type(self.model).__name__)

    @property
    def sweep_told(self) -> str:
        """How the last `swept_scores` were computed and why, for people.

        Asked by `summary.explain_plan`.
        """
        return f"dense: a {self.name} model is run on each occluded image as a whole"

    @property
    def sweep_decided(self) -> bool:
        """Whether the next such `swept_scores` will be computed as the last ones were.

        Asked by `summary.explain_plan`.
        """
        return True
