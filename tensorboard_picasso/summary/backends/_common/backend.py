"""A backend: a user's model, as the rest of the program asks it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends._common.memory import Halving
from tensorboard_picasso.summary.backends._common.question import Masks, Others
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Array,
    Arrival,
    Blending,
    Call,
    Function,
    Hiding,
    Layer,
    Question,
    Room,
    Tool,
    UnsupportedError,
    Windows,
    out_of_memory,
)
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.locks import Lock

_T = TypeVar("_T")


class Adapted:
    """A model with the adapters that may be its, the surest first.

    Attributes:
      left: those that were not given up.
      call, lock, known: as of `Backend`. halving: of batches that memory does not suffice for.
    """

    def __init__(self, adapters: Sequence[Adapter], call: Call) -> None:
        self.left = list(adapters)
        self.call = call
        self.lock = Lock()
        self.known: dict[Any, Any] = {}
        self.halving = Halving()
        self._spent = 0.0

    @property
    def first(self) -> Adapter:
        """The one that answers where nothing is tried."""
        return self.left[0]

    @property
    def seconds(self) -> float:
        """Spent so far on what is not repeated, by all of them."""
        return self._spent + sum(each.tracing_seconds for each in self.left)

    def scored(self, attempt: Callable[[Adapter], _T]) -> _T:
        """What the first one says that the model scores with; it stays.

        Raises:
          UnsupportedError: what the first one said, the surest, where there is none.
        """
        surest: UnsupportedError | None = None
        for adapter in self.left:
            try:
                result = attempt(adapter)
            except UnsupportedError as e:
                if surest is not None:
                    surest.add_note(f"(tried as {adapter.name}: {report.reason(e)})")
                surest = surest or e
            except Exception as e:
                if surest is None or out_of_memory(e):
                    raise
                surest.add_note(f"(tried as {adapter.name}: {report.reason(e)})")
                break
            else:
                self._spent = self.seconds - adapter.tracing_seconds
                self.left = [adapter]
                return result
        raise surest or UnsupportedError("there is nothing to try")


class Backend:
    """A user's model behind its adapter, asked about images that share its other inputs.

    All who ask one model hold the same one, or what `beside` made of it. What it is asked
    goes to the adapter as one value. A function may be of several frameworks: their adapters
    are tried in turn, and the first that it scores with stays.

    Attributes:
      call: how the model is called beside its image, and what is scored.
      lock: held by who asks it; one thread at a time.
      known: what was found out of the model once, by whoever asked.
    """

    def __init__(self, adapted: Adapted, others: Others = ()) -> None:
        """Ask a model about images that share these inputs; see `beside`."""
        self.adapted, self._others = adapted, others
        self.call, self.lock, self.known = adapted.call, adapted.lock, adapted.known

    def beside(self, others: Others) -> "Backend":
        """The same model, asked about one image alone.

        Args:
          others: what the call takes beside the image, without batch axes.
        """
        return Backend(self.adapted, others)

    @property
    def adapter(self) -> Adapter:
        """The one that answers."""
        return self.adapted.first

    @property
    def name(self) -> str:
        """See `Adapter`."""
        return self.adapter.name

    @property
    def shown(self) -> Output | None:
        """See `Adapter`."""
        return self.adapter.shown

    @property
    def behind(self) -> bool:
        """See `Adapter`."""
        return self.adapter.behind

    @property
    def layers_channels_first(self) -> bool:
        """See `Adapter`."""
        return self.adapter.layers_channels_first

    @property
    def each_size_compiles(self) -> bool:
        """See `Adapter`."""
        return self.adapter.each_size_compiles

    @property
    def tracing_seconds(self) -> float:
        """See `Adapter`; spent by all that were tried."""
        return self.adapted.seconds

    @property
    def deterministic(self) -> bool:
        """See `Adapter.deterministic`."""
        return any(each.deterministic for each in self.adapted.left)

    @property
    def room(self) -> Room:
        """See `Adapter.room`."""
        return self.adapter.room

    @property
    def leads(self) -> bool:
        """See `Adapter.leads`."""
        return self.adapter.leads

    @property
    def sharded(self) -> bool:
        """See `Adapter.sharded`."""
        return self.adapter.sharded

    def gathered(self) -> AbstractContextManager[bool]:
        """See `Adapter.gathered`."""
        return self.adapter.gathered()

    def scores(self, x: Array) -> Array:
        """Raw scores of a batch of model inputs: float32 or float64, (n, classes).

        Raises:
          UnsupportedError: the model returns no single tensor.
        """
        question = self._question(x)
        return self._in_parts(
            "scores",
            x,
            lambda part: self.adapted.scored(
                lambda adapter: adapter.scores(question.about(_some(x, part)))
            ),
        )

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """Derivative of sum(cotangent * scores) by x, of x's shape, or by a layer's output.

        Args:
          x: batch of model inputs; with `preprocess`, of what that is given.
          cotangent: (n, classes).
          layer, preprocess: as of `Question`.

        Raises:
          UnsupportedError: the model has no such gradient or layer.
        """
        question = self._question(x, layer, preprocess)
        return self._in_parts(
            ("gradient", layer, preprocess),
            x,
            lambda part: self.adapter.gradient(
                question.about(_some(x, part)), _some(cotangent, part)
            ),
        )

    def slopes(
        self, x: Array, cotangents: Function, count: int, preprocess: Function | None = None
    ) -> Array:
        """Derivatives by x of several sums of the scores, (sums, n, …).

        Args:
          x, preprocess: as for `gradient`.
          cotangents: from raw scores (n, classes) to (sums, n, classes).
          count: how many sums there are.

        Raises:
          UnsupportedError: the model has no such gradient.
        """
        return self.adapter.slopes(self._question(x, None, preprocess), cotangents, count)

    def activations(self, x: Array, layer: str) -> Array:
        """What a named layer returns for a batch of model inputs, (n, …).

        Raises:
          UnsupportedError: the model has no such layer.
        """
        question = self._question(x, layer)
        return self._in_parts(
            "activations", x, lambda part: self.adapter.activations(question.about(_some(x, part)))
        )

    def layers(self, x: Array) -> list[Layer]:
        """The calls of layers on a batch of model inputs, in the order in which they end.

        Raises:
          UnsupportedError: layers cannot be seen.
        """
        return self.adapter.layers(self._question(x))

    def reaches(self, x: Array, layer: str, places: NDArray[np.bool_]) -> bool:
        """See `Adapter.reaches`."""
        return self.adapter.reaches(self._question(x, layer), places)

    def handed(
        self,
        x: Array,
        tool: Tool,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """What a tool that is written for the framework makes of one score of the model.

        Args:
          x, layer, preprocess: as for `gradient`.
          tool: it, and the score.

        Raises:
          UnsupportedError: there are no tools for this framework.
        """
        return self.adapter.handed(self._question(x, layer, preprocess), tool)

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """Whether the framework can differentiate through the user's `preprocess`.

        Args:
          preprocess: written in the framework, perhaps.
          given: a batch as it gets it.
          inputs: what it makes of that; of the framework's own tensors it must
            make the same.
        """
        return self.adapter.differentiates(self._question(given, None, preprocess), inputs)

    def fed(self, x: Array) -> tuple[tuple[int, ...], str]:
        """Shape and dtype of what the model itself is called with for a batch of model inputs."""
        question = self._question(x)
        return self.adapted.scored(lambda adapter: adapter.fed(question))

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """See `Adapter.arrives`."""
        return self.adapter.arrives(self._question(x), over)

    def handles(self, x: Array) -> list[Any]:
        """See `Adapter.handles`."""
        question = self._question(x)

        def handles(adapter: Adapter) -> list[Any]:
            if adapter is not self.adapter:
                adapter.scores(question)  # to have none says nothing
            return adapter.handles(question)

        return self.adapted.scored(handles)

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Function,
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """Raw scores of all windows of several images, (boxes, classes) each.

        Args:
          hidings, model_input, in_place, reuse: as of `Windows`.
        """
        windows = Windows(hidings, model_input, in_place, reuse, self._others)
        return self.adapted.scored(lambda adapter: adapter.swept_scores(windows))

    def blended_scores(
        self, image: Array, filled: Array, masks: Masks, model_input: Function, in_place: bool
    ) -> Array:
        """Raw scores (masks, classes) of an image blended with what hides it by each mask.

        Args:
          image, filled, masks, model_input, in_place: as of `Blending`.
        """
        blending = Blending(image, filled, masks, model_input, in_place, self._others)
        return self.adapted.scored(lambda adapter: adapter.blended_scores(blending))

    def tokens(self, x: Array) -> tuple[int, int]:
        """See `Adapter.tokens`."""
        return self.adapter.tokens(self._question(x))

    def scores_without(self, x: Array, dropped: NDArray[np.bool_]) -> Array:
        """See `Adapter.scores_without`."""
        return self.adapter.scores_without(self._question(x), dropped)

    @property
    def sweep_told(self) -> str:
        """See `Adapter.sweep_told`."""
        return self.adapter.sweep_told

    @property
    def sweep_decided(self) -> bool:
        """See `Adapter.sweep_decided`."""
        return self.adapter.sweep_decided

    def _in_parts(self, what: Any, x: Array, run: Callable[[slice], Array]) -> Array:
        """What a batch is made into, in as few parts as memory allows."""
        return self.adapted.halving.run((what, x.shape[1:], x.dtype), len(x), run)

    def _question(
        self, x: Array, layer: str | None = None, preprocess: Function | None = None
    ) -> Question:
        return Question(x, self._others, layer, preprocess)


def _some(rows: Array, part: slice) -> Array:
    """Some rows; all of them as they are."""
    return rows if part == slice(0, len(rows)) else rows[part]
