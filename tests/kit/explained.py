"""Explains a model on a probe in tests, as the summary ops do."""

import numpy as np

from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.explain.checkpoint import Result, compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.log import state


def explain(model, probe, *methods, epoch=None) -> Result:
    targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
    backend = state.backend(probe, model)
    with determinism.required():  # two ways to the same numbers are compared to the last digit
        return compute(probe, backend, methods, targets, epoch=epoch)


def stored(result, image=0, method=0):
    """The attribution and the maps of one image and method."""
    return result.images[image].attributions[method]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


__all__ = ["Probe", "explain", "noise", "stored"]
