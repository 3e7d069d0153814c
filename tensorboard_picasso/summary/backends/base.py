"""What a model must be able to do for the methods, whatever its framework."""

import abc
import enum
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output, quiet
from tensorboard_picasso.summary.backends._common.arrival import Arrival
from tensorboard_picasso.summary.backends._common.call import Call, UnsupportedError
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.kit.locks import Lock

__all__ = [
    "BATCH_INPUTS", "BATCH_NUMBERS", "GRADIENT_SHARE", "OCCLUSION_ALONE", "Array", "Arrival",
    "Backend", "Call", "Claim", "Function", "Hiding", "Layer", "UnsupportedError", "attends",
    "batches", "broken", "floats", "hidden", "integers_only", "no_gradient", "out_of_memory", "same",
    "spread",
]  # fmt: skip

Array = NDArray[Any]
Function = Callable[[Any], Any]

# A batch of model inputs holds about this many numbers, and at most so many inputs.
BATCH_NUMBERS = 1 << 22
BATCH_INPUTS = 512
# The remedy of what has no gradient.
OCCLUSION_ALONE = "methods=[summary.Occlusion()]"
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
    """How sure a backend is that a model is its own.

    A function does not tell its framework: those that may be its own are tried in this
    order, the surest first.
    """

    NO = 0
    ANY_FUNCTION = 1
    PERHAPS = 2
    YES = 3


@dataclass(frozen=True, eq=False)
class Hiding:
    """One viewed image and the windows that are hidden, one at a time.

    image, filled: (h, w, c), and what windows are filled with. boxes: (boxes, 4): top,
    left, height, width, pixels; an empty one leaves the image whole.
    """

    image: Array
    filled: Array
    boxes: NDArray[np.int64]


@dataclass(frozen=True)
class Layer:
    """One call of a layer, as its end was seen.

    name: the layer's. shape: of its output for one input, None where it is no one tensor
      with a row an input.
    channels: which axis of an input's output they are, "first" or "last", where the layer's
      kind tells; else "".
    images: its kind makes images: a convolution, a pooling.
    inside: it is an attention, or a part of one.
    """

    name: str
    shape: tuple[int, ...] | None
    channels: str = ""
    images: bool = False
    inside: bool = False


def attends(*names: str) -> bool:
    """Whether one of these names, a layer's or its class's, is that of an attention or its part."""
    return any(_ATTENTION.search(name) for name in names)


def out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that failed, which says nothing of the model.

    Frameworks' errors are known by their names and texts, without importing them.
    """
    names = ("ResourceExhaustedError", "OutOfMemoryError")
    if isinstance(error, MemoryError) or type(error).__name__ in names:
        return True
    texts = ("can't allocate memory", "out of memory")  # PyTorch's, of processors and Apple's GPUs
    return type(error) is RuntimeError and any(text in str(error) for text in texts)


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


def integers_only(name: str, dtype: Any) -> UnsupportedError:
    """What to say where a gradient is asked for by inputs that cannot be floats."""
    return UnsupportedError(
        f"{name} takes {dtype}, and there is no gradient by integers:"
        f" pass {OCCLUSION_ALONE}, or move the cast from the model to preprocess="
    )


def no_gradient(name: str, layer: str | None, reason: str = "") -> UnsupportedError:
    """What to say where scores have none by their input, or by a layer."""
    by = f"layer {layer!r}" if layer else "its input"
    said = f" ({reason})" if reason else ""
    return UnsupportedError(
        f"{name} has no gradient of its scores by {by}{said}: pass {OCCLUSION_ALONE}, which needs none"
    )


def scripted(what: str) -> UnsupportedError:
    """What to say where layers would have to be read that TorchScript has compiled."""
    return UnsupportedError(
        f"{what} is compiled by TorchScript, whose layers cannot be read: pass the module that it"
        f" was made from, or {OCCLUSION_ALONE}"
    )


def floats(x: Array) -> Array:
    """Numbers that a derivative can be taken by."""
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def batches(count: int, numbers: int) -> Iterator[slice]:
    """Slices of `count` inputs that hold so many numbers each, one a batch."""
    size = max(1, min(BATCH_INPUTS, BATCH_NUMBERS // max(1, numbers)))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def hidden(image: Array, filled: Array, boxes: NDArray[np.int64]) -> Array:
    """A batch of one image, each with another box filled; see `Backend.occluded_scores`."""
    batch = np.repeat(image[None], len(boxes), axis=0)
    for occluded, (top, left, height, width) in zip(batch, boxes, strict=True):
        window = np.s_[top : top + height, left : left + width]
        occluded[window] = filled[window]
    return batch


class Backend(abc.ABC):
    """Adapts one model. Always in inference mode; leaves the model as it was.

    Attributes:
      name: the framework's.
      shown: what the framework shows of the scores, None where it does not;
        known after the first `scores`.
      behind: the scores are those before the model's final softmax or sigmoid,
        so that they stay exact where its probabilities round to 0 or 1.
      channels_last: inputs are the probe's own images with their channels last, as
        no `preprocess` made them: a framework that has them first moves them.
      layers_channels_first: layers return (n, channels, height, width).
      calls: whether it heeds `call`; what does not is given models of one input alone.
      call: how the model is called beside its image, and what is scored.
      others: of the image at hand, without batch axes: what the call takes beside it.
      tracing_seconds: spent so far on what is not repeated.
      lock: held by who asks it; one thread at a time.
    """

    name: ClassVar[str]
    calls: ClassVar[bool] = False
    layers_channels_first: ClassVar[bool] = False
    shown: Output | None = None
    behind: bool = False
    channels_last: bool = False
    call: Call = Call()
    others: tuple[Array, ...] = ()
    tracing_seconds: float = 0.0

    @functools.cached_property
    def lock(self) -> Lock:
        """See the class."""
        return Lock()

    @functools.cached_property
    def known(self) -> dict[Any, Any]:
        """What was found out of the model once, by whoever asked."""
        return {}

    @property
    def deterministic(self) -> bool:
        """Whether how scores are computed may depend on no clock, as it is now.

        Another process then makes the same ones to the last digit. A framework that can
        be asked for that itself is asked too.
        """
        return determinism.asked()

    @property
    def leads(self) -> bool:
        """Whether this process logs the model, of those that train it together."""
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

        Raises:
          UnsupportedError: in a way in which they cannot be brought together.
        """
        return False

    def beside(self, count: int) -> list[Array]:
        """`others`, one row for each of so many images."""
        return [np.repeat(each[None], count, axis=0) for each in self.others]

    @abc.abstractmethod
    def scores(self, x: Array) -> Array:
        """Raw scores of a batch of model inputs: float32 or float64, (n, classes).

        Raises:
          UnsupportedError: the model returns no single tensor.
        """

    @abc.abstractmethod
    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """Derivative of sum(cotangent * scores) by x, of x's shape, or by a layer's output.

        Log-odds, logits and probabilities are made outside, in NumPy: each is a
        cotangent, and no backend knows of them.

        Args:
          x: batch of model inputs; with `preprocess`, of what that is given.
          cotangent: (n, classes).
          layer: name of the layer whose output the derivative is taken by.
          preprocess: what the derivative passes through on its way to x; one
            for which `differentiates` is true.

        Raises:
          UnsupportedError: the model has no such gradient or layer.
        """

    def activations(self, x: Array, layer: str) -> Array:
        """What a named layer returns for a batch of model inputs, (n, …).

        Raises:
          UnsupportedError: the model has no such layer.
        """
        raise UnsupportedError(f"layer={layer!r}: a {self.name} has no layers that can be seen")

    def layers(self, x: Array) -> list[Layer]:
        """The calls of layers in the order in which they end.

        Args:
          x: a batch of model inputs to look at layers with.

        Raises:
          UnsupportedError: layers cannot be seen.
        """
        raise UnsupportedError(f"a {self.name} has no layers that can be seen")

    def reaches(self, x: Array, layer: str, places: NDArray[np.bool_]) -> bool:
        """Whether some of what a layer returns can change the scores, whatever the weights.

        Not a number put there is one in the scores then, also behind weights of zero.

        Args:
          x: a batch of model inputs.
          places: of the layer's output for one input, of its shape; which are asked about.
        """
        return True

    def handed(
        self,
        x: Array,
        score: Function,
        slope: Function,
        tool: Callable[[Any, Any, Any], Any],
        layer: str | None = None,
        preprocess: Function | None = None,
        seed: int = 0,
    ) -> Array:
        """What a tool that is written for the framework makes of one score of the model.

        Args:
          x: batch of model inputs; with `preprocess`, of what that is given.
          score: (n,) of raw scores (n, classes), in NumPy. slope: its derivative by them.
          tool: is called with the model as one of the framework that returns this score of
            a batch, with the batch, and with the named layer or None; returns one tensor
            of the batch's shape, or the layer's.
          layer, preprocess: as for `gradient`.
          seed: of the framework's random numbers meanwhile.

        Raises:
          UnsupportedError: there are no tools for this framework.
        """
        raise UnsupportedError(
            f"a {self.name} cannot be handed to tools for PyTorch: pass an nn.Module"
        )

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """Whether the framework can differentiate through the user's `preprocess`.

        Args:
          preprocess: written in the framework, perhaps.
          given: a batch as it gets it.
          inputs: what it makes of that; of the framework's own tensors it must
            make the same.
        """
        return False

    def fed(self, x: Array) -> tuple[tuple[int, ...], str]:
        """Shape and dtype of what the model itself is called with for a batch of model inputs."""
        return x.shape, str(x.dtype)

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """What arrives at the first normalization that holds statistics of a training.

        Args:
          x: a batch of model inputs.
          over: whether training is over, see `fitted`.

        Returns:
          None where the model has none, or where training has hardly begun.
        """
        return None

    def handles(self, x: Array) -> list[Any]:
        """What a graph that calls the backend on such inputs must order itself after."""
        return []

    def occluded_scores(
        self,
        image: Array,
        boxes: NDArray[np.int64],
        filled: Array,
        model_input: Callable[[Array], Array],
    ) -> Array:
        """Raw scores with each box of one viewed image filled, (boxes, classes).

        Args:
          image: (h, w, c).
          boxes: (boxes, 4): top, left, height, width, pixels. An empty box
            leaves the image whole.
          filled: (h, w, c), what a box is filled with.
          model_input: viewed batch to model inputs.
        """
        rows = []
        for chunk in batches(len(boxes), image.size):
            rows.append(self.scores(model_input(hidden(image, filled, boxes[chunk]))))
        return np.concatenate(rows)

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Callable[[Array], Array],
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """Raw scores of all windows of several images, (boxes, classes) each.

        Args:
          hidings: the images with their windows.
          model_input: viewed batch to model inputs.
          in_place: whether that leaves each pixel what and where it is, but for the
            order of axes.
          reuse: whether what a window cannot change may be taken from the unoccluded
            image's pass. The scores are the same, but for rounding.
        """
        return [
            self.occluded_scores(each.image, each.boxes, each.filled, model_input)
            for each in hidings
        ]

    @property
    def sweep_told(self) -> str:
        """How the last `swept_scores` were computed and why, for people."""
        return f"dense: a {self.name} model is run on each occluded image as a whole"
