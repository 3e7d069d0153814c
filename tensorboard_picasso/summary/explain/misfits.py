"""Misfits: where a model is given what it was not trained on, as far as it can tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.backends._common.arrival import Arrival
from tensorboard_picasso.summary.kit.images import SHOWN, Array

# Nats between the normal distribution that arrives in a channel and the one that is held, in
# the median over channels: half the spread is 0.3, one deviation off 0.5. Of a small network's
# own data one image came to 0.3, four to 0.03 at most; normalised to 0.5 in place of 0.22,
# twelve to 0.36 at least. So that much, and for few images more.
FAR = 0.3
# Below this share of the median variance a channel is dead: rounding is all that arrives.
DEAD = 1e-6
# So many images say something of a model, where this share gets one class and at least that
# share is labelled as another.
LEAST = 5
MOST = 0.9
OTHERS = 0.25


def arrived(asked: Sequence[Backend], inputs: Sequence[Array], over: bool) -> Arrival | None:
    """What arrives at the first normalization for all images together.

    Args:
      asked: how the model is asked about each image.
      inputs: each image as the model takes it, without a batch axis.
      over: whether training is over, so that statistics are taken for whole where nobody
        counts what they are of.

    Returns:
      None where no normalization holds statistics of a training.
    """
    parts = []
    for backend, x in zip(asked, inputs, strict=True):
        arrival = backend.arrives(x[None], over)
        if arrival is None:
            return None
        parts.append(arrival)
    return Arrival.joined(parts)


def of_statistics(arrival: Arrival) -> str:
    """What tells that something else arrives than in training; empty where nothing does."""
    held = arrival.held_variance
    alive = held > DEAD * np.median(held)
    if not alive.any():
        return ""
    with maps.quiet():
        ratio = np.maximum(arrival.variance[alive] / held[alive], 1e-12)
        shift = np.abs(arrival.mean - arrival.held_mean)[alive] / np.sqrt(held[alive])
        nats = (ratio + shift**2 - 1 - np.log(ratio)) / 2
    # What is not finite is told by the scores.
    if not np.isfinite(nats).all() or np.median(nats) <= FAR * (1 + 1 / arrival.images):
        return ""
    count = int(alive.sum())
    over = f", in the median of {count} channels" if count > 1 else ""
    return (
        f'what arrives at "{arrival.layer}" does not fit the mean and variance that it holds of'
        f" training: it spreads {_times(float(np.median(np.sqrt(ratio))))} as wide and lies"
        f" {np.median(shift):.2g} standard deviations off{over}"
    )


def _times(value: float) -> str:
    return f"{value:.2g} times" if value < 100 else f"{value:,.0f} times"


def one_class(heads: Sequence[int], labels: Sequence[Any] | None, names: Sequence[str]) -> str:
    """What tells that nearly all images get one class, though not for being of it.

    Args:
      heads: the class predicted for each image, -1 where there is none.
      labels: of the images, one each or several. names: of the classes, where known.

    Returns:
      Empty where they do not; without labels nobody knows whether they are of it.
    """
    told = [each for each in heads if each >= 0]
    if len(told) < LEAST:
        return ""
    head = max(set(told), key=told.count)
    if told.count(head) < MOST * len(told):
        return ""
    own = None if labels is None else sum(head in np.atleast_1d(each) for each in labels)
    if own is not None and own > (1 - OTHERS) * len(labels or ()):
        return ""
    of = "" if own is None else f", and {own or 'none'} of them {'is' if own == 1 else 'are'}"
    return f"{told.count(head)} of {len(heads)} images are predicted as {_name(head, names)}{of}"


def other_order(heads: Sequence[int], labels: Sequence[Any] | None, names: Sequence[str]) -> str:
    """What tells that the model has its classes in another order than the labels have.

    Args:
      heads, labels, names: as of `one_class`.

    Returns:
      Empty where the images of each label are not predicted alike, as another class each.
    """
    told: dict[int, list[int]] = {}
    for head, label in zip(heads, labels or (), strict=bool(labels)):
        if head >= 0 and np.size(label) == 1:
            told.setdefault(int(np.ravel(label)[0]), []).append(head)
    count = sum(map(len, told.values()))
    # One image a label is always predicted alike.
    if count < max(LEAST, 2 * len(told)):
        return ""
    predicted = {label: max(set(each), key=each.count) for label, each in told.items()}
    alike = sum(each.count(predicted[label]) for label, each in told.items())
    right = sum(each.count(label) for label, each in told.items())
    if len(set(predicted.values())) < len(predicted) or alike < MOST * count or 2 * right >= count:
        return ""
    pairs = [
        f"{_name(label, names)} as {_name(head, names)}"
        for label, head in sorted(predicted.items())
        if label != head
    ]
    listed = ", ".join(pairs[:3]) + (", …" if len(pairs) > 3 else "")
    return (
        f"{alike} of {len(heads)} images are predicted alike, class by class, and wrong: {listed}"
    )


def _name(index: int, names: Sequence[str]) -> str:
    return f'"{names[index]}"' if index < len(names) else f"class {index}"


def described(
    inputs: Sequence[Array], viewed: Sequence[Array], fed: tuple[tuple[int, ...], str]
) -> str:
    """What a model is given, in a line.

    Args:
      inputs: each image as the model takes it, without a batch axis.
      viewed: images (height, width, channels), or volumes, before `preprocess`.
      fed: the shape and dtype of a batch of one as the model itself is called with it.
    """
    sizes = {"×".join(map(str, image.shape)) for image in viewed}
    count = len(viewed)
    of = f" of {next(iter(sizes))}" if len(sizes) == 1 else f" of {len(sizes)} sizes"
    shape, dtype = fed
    each = ", ".join(["n", *map(str, shape[1:])])
    values = np.stack([_moments(x) for x in inputs])
    low, high = values[:, 0].min(), values[:, 1].max()
    mean = values[:, 2].mean()
    deviation = np.sqrt(max(0.0, float(values[:, 3].mean() - mean**2)))
    return (
        f"{count} image{'s' if count > 1 else ''}{of}; the model is given ({each}){_layout(shape)},"
        f" {dtype} from {low:.3g} to {high:.3g} (mean {mean:.2g}, standard deviation"
        f" {deviation:.2g})"
    )


def _moments(x: Array) -> NDArray[np.float64]:
    wide = np.asarray(x, np.float64)
    return np.array([wide.min(), wide.max(), wide.mean(), (wide**2).mean()])


def _layout(shape: Sequence[int]) -> str:
    if len(shape) not in (4, 5) or (shape[1] in SHOWN) == (shape[-1] in SHOWN):
        return ""
    return ", channels first" if shape[1] in SHOWN else ", channels last"
