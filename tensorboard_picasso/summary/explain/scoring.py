"""What a model says of a probe's images, whole and with each region hidden."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends import Backend, BatchSizes
from tensorboard_picasso.summary.backends.base import batches, out_of_memory
from tensorboard_picasso.summary.explain import views
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.probe.outputs import Taken
from tensorboard_picasso.summary.probe.probe import Probe

# Numbers that the further batches of a sweep together hold at once, and be cut from.
SWEEP_NUMBERS = 1 << 23


@dataclass(frozen=True, eq=False)
class Scored:
    """Raw scores of a probe.

    taken: what the model's output is. kind: what the scores are: means over pixels are
      no longer log-odds whose sigmoid were a probability.
    asked: how the model is asked about each image.
    raw: (rows, classes) of each image's batch.
    """

    taken: Taken
    kind: Output
    asked: Sequence[Backend]
    raw: list[NDArray[Any]]

    @property
    def independent(self) -> bool:
        """Whether each class is a label of its own: predicted are those of log-odds from 0."""
        return self.taken.independent and self.kind is not Output.RAW

    @property
    def whole(self) -> NDArray[Any]:
        """Of the whole images, (images, classes)."""
        return np.stack([rows[0] for rows in self.raw])

    def log_odds(self, raw: NDArray[Any], behind: bool) -> outputs.Floats:
        """Log-odds (n, classes) of raw scores (n, classes); `behind` as of `Backend`."""
        return outputs.log_odds(raw, self.kind, behind or self.taken.logits)


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
                batch.append(np.where(mask[..., None], filled, image))
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
    probe: Probe, backend: Backend, given: Sequence[NDArray[Any]], taken: Taken | None = None
) -> Scored:
    """Score all images, the first row of each batch whole.

    Args:
      probe: the images.
      backend: the model.
      given: a batch an image, see `inputs`.
      taken: what was decided before, None at the first record.

    Raises:
      OutputError, UnsupportedError, ValueError: the probe and the model do not go together.
    """
    asked = views.of_images(probe, backend)
    if probe.task.over is not None:
        return _means(probe, backend, asked, given, taken)
    raw = raw_scores(probe, backend, given)
    whole = np.stack([rows[0] for rows in raw])
    taken = take(probe, whole, backend.shown, backend.behind, taken)
    return Scored(taken, taken.kind, asked, raw)


def take(
    probe: Probe,
    raw: NDArray[Any],
    shown: Output | None,
    behind: bool,
    taken: Taken | None = None,
) -> Taken:
    """What a model's output is taken to be, which is said once a probe, when it is decided.

    Args:
      probe: what is known of the images.
      raw: (n, classes) scores of the whole images, or of pixels.
      shown, behind: see `Backend`.
      taken: what was decided before.

    Raises:
      OutputError: as `outputs.decide`.
    """
    if taken is None or not taken.decided:
        taken = outputs.decide(raw, probe.output, shown, behind, probe.multilabel)
        if taken.decided:
            tell(probe, taken, np.shape(raw)[-1])
        return taken
    now = outputs.again(taken, raw, behind, probe.output)
    doubt(probe, now, raw, behind)
    if now != taken:
        text = f'probe "{probe.name}": from now on {outputs.told(now, np.shape(raw)[-1])}'
        # The same scores would be taken so again.
        remedy = "log them anew, with the sigmoid in the model"
        report.warn(text, f"{text}; earlier records took them as probabilities: {remedy}")
    return now


def doubt(probe: Probe, taken: Taken, raw: NDArray[Any], behind: bool) -> None:
    """Warn, once a probe, of scores that are no probabilities though the user says so."""
    if span := outputs.left(taken, raw, behind):
        text = f'probe "{probe.name}": output={probe.output!r}, but {span}'
        report.warn(
            f'probe "{probe.name}": no probabilities',
            f"{text}: their log-odds mean nothing; output='auto' takes such scores as logits",
        )


def tell(probe: Probe, taken: Taken, count: int) -> None:
    """Say what a probe's output of so many columns is taken to be, but for what the user says."""
    if probe.output in ("auto", "sigmoid") or (probe.multilabel and taken.other):
        text = f'probe "{probe.name}": {outputs.told(taken, count)}'
        report.tell(text, text)


def raw_scores(probe: Probe, backend: Backend, given: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The same where outputs are not dense, without deciding what they are."""
    with _hinted(probe, given[0]):
        if probe.task.shared:
            ends = np.cumsum(list(map(len, given)))
            return np.split(_swept(backend, np.concatenate(given)), ends[:-1])
        asked = views.of_images(probe, backend)
        return [_swept(view, x) for view, x in zip(asked, given, strict=True)]


def further_scores(
    probe: Probe, backend: Backend, scored: Scored, given: Iterable[tuple[int, NDArray[Any]]]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Raw scores of further batches of a probe's images, once the whole ones are scored.

    Args:
      probe, backend: as of `score`. scored: what that returned.
      given: an image's number and its batch, as the model takes it; any number of an image.

    Yields:
      The same numbers in that order, each with raw scores (n, classes).
    """
    if not probe.task.shared or probe.task.over is not None:
        for index, x in given:
            view = scored.asked[index]
            yield index, view.scores(x) if probe.task.over is not None else _swept(view, x)
        return
    waiting: list[tuple[int, NDArray[Any]]] = []
    for index, x in given:
        waiting.append((index, x))
        if sum(batch.size for _, batch in waiting) >= SWEEP_NUMBERS:
            yield from _together(backend, waiting)
            waiting = []
    yield from _together(backend, waiting)


def _together(
    backend: Backend, waiting: Sequence[tuple[int, NDArray[Any]]]
) -> Iterator[tuple[int, NDArray[Any]]]:
    if waiting:
        raw = _sized(backend, np.concatenate([x for _, x in waiting]))
        ends = np.cumsum([len(x) for _, x in waiting])
        parts = np.split(raw, ends[:-1])
        yield from zip((index for index, _ in waiting), parts, strict=True)


@contextmanager
def _hinted(probe: Probe, x: NDArray[Any]) -> Iterator[None]:
    """Note on what a model raises what of its inputs it may not take."""
    try:
        yield
    except Exception as e:
        if not out_of_memory(e):
            for hint in _hints(probe, x):
                e.add_note(f"({hint})")
        raise


def _hints(probe: Probe, x: NDArray[Any]) -> Iterator[str]:
    made = probe.preprocess is not None
    if probe.flat and not made:
        axis = "images[:, None]" if probe.tensors else "images[..., None]"
        yield f"the images have no axis of channels: where the model takes one, pass {axis}"
    if x.dtype.kind in "biu":
        said = "preprocess returns" if made else "the images are"
        remedy = "return" if made else "pass preprocess= that makes floats of them, or images of"
        yield f"{said} {x.dtype}: where the model takes floats alone, {remedy} floats"


def _means(
    probe: Probe,
    backend: Backend,
    asked: Sequence[Backend],
    given: Sequence[NDArray[Any]],
    taken: Taken | None,
) -> Scored:
    """The same of outputs over pixels: which ones count is fixed by the whole images."""
    with _hinted(probe, given[0]):
        pixels = [
            views.dense(view.scores(x[:1]), backend)[0]
            for view, x in zip(asked, given, strict=True)
        ]
    flat = np.concatenate([each.reshape(-1, each.shape[-1]) for each in pixels])
    taken = take(probe, flat, backend.shown, backend.behind, taken)
    if taken.output is Output.RAW and probe.task.over == "predicted":
        raise outputs.OutputError(
            "mean_over='predicted' of raw outputs, which predict no class: pass masks or 'all'"
        )
    over = [
        views.DenseView(backend, probe, index, of_image, taken, backend.behind)
        for index, of_image in enumerate(pixels)
    ]
    raw = []
    for view, x in zip(over, given, strict=True):
        hidden = [view.scores(x[1:])] if len(x) > 1 else []
        raw.append(np.concatenate([view.value[None], *hidden]))
    return Scored(taken, Output.RAW, over, raw)


def _sized(backend: Backend, x: NDArray[Any]) -> NDArray[Any]:
    """The same of a large one, in batches of the size that is fastest."""
    if backend.each_size_compiles:
        return _swept(backend, x)
    sizes = backend.known.setdefault("further", BatchSizes(lambda: backend.deterministic))
    kind = x.shape[1:], x.dtype
    found: NDArray[Any] = sizes.sweep(
        kind,
        len(x),
        x[0].size,
        lambda part, _: _rows(backend, backend.scores(x[part]), x[part]),
        room=backend.room,
    )
    return found


def _swept(backend: Backend, x: NDArray[Any]) -> NDArray[Any]:
    """Raw scores of a batch of any size."""
    raw = np.concatenate(
        [backend.scores(x[part]) for part in batches(len(x), x[0].size, backend.room)]
    )
    return _rows(backend, raw, x)


def _rows(backend: Backend, raw: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Scores, if they are one row an input.

    Raises:
      OutputError: they are not.
    """
    if raw.ndim == 2 and len(raw) == len(x):
        return raw
    of = "the model" if backend.call.score is None else "score="
    over = "; for outputs over pixels pass mean_over=, for others score="
    remedies = {3: over, 4: over, 5: "; of outputs over voxels pass score="}
    remedy = remedies.get(raw.ndim, "") if backend.call.score is None else ""
    raise outputs.OutputError(f"{of} returns {raw.shape}: scores must be (n, classes){remedy}")
