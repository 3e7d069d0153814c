"""Explains a model on a probe in tests, as the summary ops do."""

import numpy as np

from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.explain.records import Result, compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.kit import determinism


def explain(model, probe, *methods, epoch=None) -> Result:
    targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
    backend = models.backend(probe, model)
    with determinism.required():  # two ways to the same numbers are compared to the last digit
        return compute(probe, backend, methods, targets, epoch=epoch)


def stored(result, image=0, method=0):
    """The attribution and the maps of one image and method."""
    return result.images[image].attributions[method]


def linear(weights, bias=0.0):
    """Scores of an image: one sum of weighted pixels a class; weights (h, w, c, classes)."""
    import tensorflow as tf

    flat = tf.constant(weights.reshape(-1, weights.shape[-1]), tf.float32)
    return lambda x: tf.reshape(x, (-1, flat.shape[0])) @ flat + bias


def painted(result, target, image=0, method=0):
    """The map that a reader makes of the stored grid."""
    attribution, none = stored(result, image, method)
    assert none is None
    grid = attribution.grid
    column = list(grid.classes).index(target)
    return places.paint(
        maps.importance(grid.values[:, :, column], grid.whole[column]),
        grid,
        (attribution.height, attribution.width),
    )


def decoded(result, target, image=0, method=0):
    return stored(result, image, method)[1].decode(target)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


__all__ = ["Probe", "decoded", "explain", "linear", "noise", "painted", "stored"]
