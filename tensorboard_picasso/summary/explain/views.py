"""Views: a model as it is asked about one image, with its other inputs and over its mask."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import quiet
from tensorboard_picasso.summary.backends import Backend, Masks
from tensorboard_picasso.summary.backends.base import (
    Array,
    Blending,
    Function,
    Hiding,
    Tool,
    batches,
    no_tokens,
)
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.probe.outputs import Floats, OutputError, Taken
from tensorboard_picasso.summary.probe.probe import Probe


class DenseView(Backend):
    """A backend whose score of each class is a mean over pixels, the same whatever is hidden.

    Of log-odds; of raw outputs of the values. Classes without pixels have none: NaN.

    Attributes:
      value: the scores of the whole image, (classes,).
    """

    def __init__(
        self, backend: Backend, probe: Probe, index: int, whole: Array, taken: Taken, behind: bool
    ) -> None:
        super().__init__(backend.adapted, probe.task.rows[index])
        self._probe = probe
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

    def slopes(
        self, x: Array, cotangents: Function, count: int, preprocess: Function | None = None
    ) -> Array:
        """See `Backend.slopes`."""
        inputs = x if preprocess is None else self._probe.preprocessed(x)
        sums = cotangents(self.scores(inputs))
        return np.stack([self.gradient(x, each, None, preprocess) for each in sums])

    def handed(
        self,
        x: Array,
        tool: Tool,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.handed`."""

        def pooled(output: Array) -> Any:
            return tool.score(self._means(self._laid(output)))

        def sloped(output: Array) -> Any:
            raw = self._laid(output)
            return self._arranged(self._cotangent(raw, tool.slope(self._means(raw))))

        return super().handed(x, replace(tool, score=pooled, slope=sloped), layer, preprocess)

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Function,
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """See `Backend.swept_scores`; each occluded image is run as a whole."""
        return [self._swept(each, model_input) for each in hidings]

    def blended_scores(
        self, image: Array, filled: Array, masks: Masks, model_input: Function, in_place: bool
    ) -> Array:
        """See `Backend.blended_scores`."""
        blending = Blending(image, filled, masks, model_input, in_place)
        return np.concatenate(
            [
                self.scores(model_input(blending.viewed(part)))
                for part in batches(len(masks), image.size)
            ]
        )

    def scores_without(self, x: Array, dropped: NDArray[np.bool_]) -> Array:
        """See `Backend.scores_without`; a pixel that is left out has no output."""
        raise no_tokens("a model with mean_over=")

    def _swept(self, hiding: Hiding, model_input: Function) -> Array:
        rows = []
        for part in batches(len(hiding.boxes), hiding.image.size):
            rows.append(self.scores(model_input(hiding.viewed(part))))
        return np.concatenate(rows)

    def _raw(self, x: Array) -> Array:
        return self._laid(super().scores(x))

    def _laid(self, output: Array) -> Array:
        """The model's output as (n, height, width, outputs)."""
        self._flat = output.ndim == 3
        return dense(output, self)

    def _arranged(self, values: Array) -> Array:
        """Values (n, height, width, outputs) as the model's output lies."""
        if self._flat:
            return values[..., 0]
        return np.moveaxis(values, -1, 1) if self.layers_channels_first else values

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
        gradient = np.zeros(raw.shape)
        for target in map(int, np.flatnonzero(cotangent.any(axis=0))):
            rows, columns = np.nonzero(self._weights[..., target] > 0)
            some = raw[:, rows, columns]
            slope = outputs.cotangent(
                some.reshape(-1, raw.shape[-1]), self._output, target, "log-odds", self._behind
            ).reshape(some.shape)
            weights = self._weights[rows, columns, target]
            with quiet():
                gradient[:, rows, columns] += (
                    cotangent[:, target, None, None] * weights[:, None] * slope
                )
        return gradient


def of_images(probe: Probe, backend: Backend) -> list[Backend]:
    """How a model is asked about each image; the same for all where they can share batches."""
    if probe.task.shared:
        return [backend] * len(probe)
    return [backend.beside(rows) for rows in probe.task.rows]


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
