"""A model as it is asked about one image: with its other inputs, over its mask."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import quiet
from tensorboard_picasso.summary.backends.base import (
    Array,
    Arrival,
    Backend,
    Function,
    Hiding,
    Layer,
    batches,
)
from tensorboard_picasso.summary.probe import output as outputs
from tensorboard_picasso.summary.probe.output import Floats, OutputError, Taken
from tensorboard_picasso.summary.probe.probe import Probe

_T = TypeVar("_T")


class View(Backend):
    """A backend for one image of a probe. Its scores are (n, classes), whatever the task."""

    name = "view"

    def __init__(self, backend: Backend, probe: Probe, index: int) -> None:
        self._backend, self._probe = backend, probe
        self.call = backend.call
        self._others = probe.task.rows[index]
        self.layers_channels_first = backend.layers_channels_first  # type: ignore[misc]

    @property
    def deterministic(self) -> bool:
        """See `Backend.deterministic`."""
        return self._backend.deterministic

    @property
    def leads(self) -> bool:
        """See `Backend.leads`."""
        return self._backend.leads

    @property
    def sharded(self) -> bool:
        """See `Backend.sharded`."""
        return self._backend.sharded

    def gathered(self) -> AbstractContextManager[bool]:
        """See `Backend.gathered`."""
        return self._backend.gathered()

    @property
    def known(self) -> dict[Any, Any]:
        """See `Backend.known`."""
        return self._backend.known

    def scores(self, x: Array) -> Array:
        """See `Backend.scores`."""
        return self._asked(lambda backend: backend.scores(x))

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.gradient`."""
        return self._asked(lambda backend: backend.gradient(x, cotangent, layer, preprocess))

    def activations(self, x: Array, layer: str) -> Array:
        """See `Backend.activations`."""
        return self._asked(lambda backend: backend.activations(x, layer))

    def layers(self, x: Array) -> list[Layer]:
        """See `Backend.layers`."""
        return self._asked(lambda backend: backend.layers(x))

    def reaches(self, x: Array, layer: str, places: NDArray[np.bool_]) -> bool:
        """See `Backend.reaches`."""
        return self._asked(lambda backend: backend.reaches(x, layer, places))

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
        """See `Backend.handed`."""
        given = x, score, slope, tool, layer, preprocess, seed
        return self._asked(lambda backend: backend.handed(*given))

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """See `Backend.differentiates`."""
        return self._asked(lambda backend: backend.differentiates(preprocess, given, inputs))

    def fed(self, x: Array) -> tuple[tuple[int, ...], str]:
        """See `Backend.fed`."""
        return self._asked(lambda backend: backend.fed(x))

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """See `Backend.arrives`."""
        return self._asked(lambda backend: backend.arrives(x, over))

    def handles(self, x: Array) -> list[Any]:
        """See `Backend.handles`."""
        return self._asked(lambda backend: backend.handles(x))

    def occluded_scores(
        self,
        image: Array,
        boxes: NDArray[np.int64],
        filled: Array,
        model_input: Callable[[Array], Array],
    ) -> Array:
        """See `Backend.occluded_scores`."""
        return self._asked(
            lambda backend: backend.occluded_scores(image, boxes, filled, model_input)
        )

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Callable[[Array], Array],
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """See `Backend.swept_scores`."""
        return self._asked(
            lambda backend: backend.swept_scores(hidings, model_input, in_place, reuse)
        )

    @property
    def sweep_told(self) -> str:
        """See `Backend.sweep_told`."""
        return self._backend.sweep_told

    def _asked(self, ask: Callable[[Backend], _T]) -> _T:
        self._backend.others = self._others
        try:
            return ask(self._backend)
        finally:
            self._backend.others = ()
            self.shown, self.behind = self._backend.shown, self._backend.behind


class DenseView(View):
    """A score of each class is the mean over pixels that stay the same, whatever is hidden.

    Of log-odds; of raw outputs of the values. Classes without pixels have none: NaN.

    Attributes:
      value: the scores of the whole image, (classes,).
    """

    def __init__(
        self, backend: Backend, probe: Probe, index: int, whole: Array, taken: Taken, behind: bool
    ) -> None:
        super().__init__(backend, probe, index)
        self._output, self._behind = taken.kind, behind or taken.logits
        odds = self._pixels(whole[None])[0]
        over = probe.task.over
        if isinstance(over, tuple):
            if over[index].shape != whole.shape[:2]:
                raise OutputError(
                    f"mean_over is {over[index].shape}, the model's output {whole.shape[:2]}: pass"
                    " masks of the output's height and width"
                )
            chosen = np.repeat(over[index][..., None], odds.shape[-1], axis=-1)
        elif over == "all":
            chosen = np.ones(odds.shape, bool)
        elif taken.independent:
            chosen = odds > 0
        else:
            chosen = odds.argmax(axis=-1)[..., None] == np.arange(odds.shape[-1])
        with np.errstate(invalid="ignore"):
            self._weights: Floats = chosen / chosen.sum(axis=(0, 1))
        self.value: Floats = self._means(whole[None])[0]

    def scores(self, x: Array) -> Array:
        """See `Backend.scores`."""
        return np.concatenate([self._means(self._raw(x[part])) for part in self._parts(x)])

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.gradient`."""
        rows = []
        for part in self._parts(x):
            inputs = x[part] if preprocess is None else self._probe.preprocessed(x[part])
            wide = self._cotangent(self._raw(inputs), np.asarray(cotangent[part], np.float64))
            rows.append(super().gradient(x[part], self._arranged(wide), layer, preprocess))
        return np.concatenate(rows)

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
        """See `Backend.handed`."""

        def pooled(output: Array) -> Any:
            return score(self._means(self._laid(output)))

        def sloped(output: Array) -> Any:
            raw = self._laid(output)
            return self._arranged(self._cotangent(raw, slope(self._means(raw))))

        return super().handed(x, pooled, sloped, tool, layer, preprocess, seed)

    def occluded_scores(
        self,
        image: Array,
        boxes: NDArray[np.int64],
        filled: Array,
        model_input: Callable[[Array], Array],
    ) -> Array:
        """See `Backend.occluded_scores`."""
        return Backend.occluded_scores(self, image, boxes, filled, model_input)

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Callable[[Array], Array],
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """See `Backend.swept_scores`."""
        return Backend.swept_scores(self, hidings, model_input, in_place, reuse)

    def _raw(self, x: Array) -> Array:
        return self._laid(super().scores(x))

    def _laid(self, output: Array) -> Array:
        """The model's output as (n, height, width, outputs)."""
        self._flat = output.ndim == 3
        return dense(output, self._backend)

    def _arranged(self, values: Array) -> Array:
        """Values (n, height, width, outputs) as the model's output lies."""
        if self._flat:
            return values[..., 0]
        return np.moveaxis(values, -1, 1) if self._backend.layers_channels_first else values

    def _parts(self, x: Array) -> list[slice]:
        """Batches of which all pixels' scores are held at once."""
        return list(batches(len(x), self._weights.size))

    def _means(self, raw: Array) -> Floats:
        """Scores (n, classes) of the pixels' (n, height, width, outputs)."""
        odds = np.where(self._weights > 0, self._pixels(raw), 0.0)
        with np.errstate(invalid="ignore"):  # a class without pixels
            return np.asarray((odds * self._weights).sum(axis=(1, 2)))

    def _pixels(self, raw: Array) -> Floats:
        """Each pixel's log-odds, or raw values, (n, height, width, classes)."""
        flat = outputs.log_odds(raw.reshape(-1, raw.shape[-1]), self._output, self._behind)
        return flat.reshape(*raw.shape[:-1], -1)

    def _cotangent(self, raw: Array, cotangent: Floats) -> Floats:
        """Derivative of sum(cotangent * scores) by raw, of its shape."""
        found = np.zeros(raw.shape)
        for target in map(int, np.flatnonzero(cotangent.any(axis=0))):
            rows, columns = np.nonzero(self._weights[..., target] > 0)
            some = raw[:, rows, columns]
            slope = outputs.cotangent(
                some.reshape(-1, raw.shape[-1]), self._output, target, "log-odds", self._behind
            ).reshape(some.shape)
            weights = self._weights[rows, columns, target]
            with quiet():
                found[:, rows, columns] += (
                    cotangent[:, target, None, None] * weights[:, None] * slope
                )
        return found


def of_images(probe: Probe, backend: Backend) -> list[Backend]:
    """How a model is asked about each image; the same for all where they can share batches."""
    if probe.task.shared:
        return [backend] * len(probe)
    return [View(backend, probe, index) for index in range(len(probe))]


def dense(raw: Array, backend: Backend) -> Array:
    """A dense output as (n, height, width, outputs).

    Raises:
      OutputError: it is none.
    """
    if raw.ndim == 3:
        return raw[..., None]
    if raw.ndim != 4:
        raise OutputError(
            f"the model returns {raw.shape}, and mean_over= is for outputs over pixels: leave it out"
        )
    return np.moveaxis(raw, 1, -1) if backend.layers_channels_first else raw
