"""What a model says of a probe's images, whole and with each region hidden."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary import views
from tensorboard_picasso.summary.backends.base import Backend, batches
from tensorboard_picasso.summary.probe import Probe


@dataclass(frozen=True, eq=False)
class Scored:
    """Raw scores of a probe.

    output: what the model's output is. kind: what the scores are: means over pixels are
      no longer log-odds whose sigmoid were a probability.
    asked: how the model is asked about each image.
    raw: (rows, classes) of each image's batch.
    """

    output: Output
    kind: Output
    asked: Sequence[Backend]
    raw: list[NDArray[Any]]

    @property
    def whole(self) -> NDArray[Any]:
        """Of the whole images, (images, classes)."""
        return np.stack([rows[0] for rows in self.raw])


def check_preprocess(probe: Probe) -> None:
    """A random `preprocess` would explain other images than those shown."""
    image = probe.images[0][None]
    if not np.array_equal(probe.model_input(image), probe.model_input(image), equal_nan=True):
        raise ValueError("preprocess is random: pass one that gives the same for the same images")


def whole_inputs(probe: Probe) -> list[NDArray[Any]]:
    """Each image as the model takes it, a batch of one."""
    made = [probe.model_input(image[None]) for image in probe.images]
    _check_shapes(made)
    return made


def inputs(probe: Probe) -> tuple[list[NDArray[Any]], list[list[tuple[str, str]]]]:
    """Each image as the model takes it: whole, then with each region hidden.

    Returns:
      A batch an image, and the region and fill of each of its rows.
    """
    made, keys = [], []
    for index, image in enumerate(probe.images):
        batch, names = [image], [("", "")]
        for fill in probe.region_fills if probe.regions[index] else ():
            filled = probe.filled(index, fill)
            for name, mask in probe.regions[index].items():
                batch.append(np.where(mask[:, :, None], filled, image))
                names.append((name, probe.fill_name(fill)))
        made.append(probe.model_input(np.stack(batch)))
        keys.append(names)
    _check_shapes(made)
    return made, keys


def _check_shapes(made: Sequence[NDArray[Any]]) -> None:
    shapes = sorted({each.shape[1:] for each in made})
    if len(shapes) > 1:
        raise ValueError(f"preprocess leaves inputs of shapes {shapes}: bring them to one")


def score(
    probe: Probe, backend: Backend, given: Sequence[NDArray[Any]], output: Output | None = None
) -> Scored:
    """Score all images, the first row of each batch whole.

    Args:
      probe: the images.
      backend: the model.
      given: a batch an image, see `inputs`.
      output: what was decided, None where it is still to be.

    Raises:
      OutputError, UnsupportedError, ValueError: the probe and the model do not go together.
    """
    asked = views.of_images(probe, backend)
    if probe.task.over is not None:
        return _means(probe, backend, asked, given, output)
    raw = raw_scores(probe, backend, given)
    if output is None:
        whole = np.stack([rows[0] for rows in raw])
        output = outputs.decide(whole, probe.output, backend.shown, backend.behind)
    return Scored(output, output, asked, raw)


def raw_scores(probe: Probe, backend: Backend, given: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The same where outputs are not dense, without deciding what they are."""
    if probe.task.shared:
        ends = np.cumsum(list(map(len, given)))
        return np.split(_swept(backend, np.concatenate(given)), ends[:-1])
    asked = views.of_images(probe, backend)
    return [_swept(view, x) for view, x in zip(asked, given, strict=True)]


def _means(
    probe: Probe,
    backend: Backend,
    asked: Sequence[Backend],
    given: Sequence[NDArray[Any]],
    output: Output | None,
) -> Scored:
    """The same of outputs over pixels: which ones count is fixed by the whole images."""
    pixels = [
        views.dense(view.scores(x[:1]), backend)[0] for view, x in zip(asked, given, strict=True)
    ]
    if output is None:
        flat = np.concatenate([each.reshape(-1, each.shape[-1]) for each in pixels])
        output = outputs.decide(flat, probe.output, backend.shown, backend.behind)
    if output is Output.RAW and probe.task.over == "predicted":
        raise outputs.OutputError(
            "mean_over='predicted' of raw outputs, which predict no class: pass masks or 'all'"
        )
    over = [
        views.DenseView(backend, probe, index, each, output, backend.behind)
        for index, each in enumerate(pixels)
    ]
    raw = []
    for view, x in zip(over, given, strict=True):
        hidden = [view.scores(x[1:])] if len(x) > 1 else []
        raw.append(np.concatenate([view.value[None], *hidden]))
    return Scored(output, Output.RAW, over, raw)


def _swept(backend: Backend, x: NDArray[Any]) -> NDArray[Any]:
    """Raw scores of a batch of any size."""
    raw = np.concatenate([backend.scores(x[part]) for part in batches(len(x), x[0].size)])
    if raw.ndim == 2 and len(raw) == len(x):
        return raw
    of = "the model" if backend.call.score is None else "score="
    over = "; for outputs over pixels pass mean_over=, for others score="
    remedy = over if raw.ndim in (3, 4) and backend.call.score is None else ""
    raise outputs.OutputError(f"{of} returns {raw.shape}: scores must be (n, classes){remedy}")
