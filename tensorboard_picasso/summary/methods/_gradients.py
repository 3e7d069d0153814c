"""The plain gradients of all targets of all images, in common batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.methods._ground import Ground

Array = NDArray[Any]


def plain(grounds: Sequence[Ground], score: str) -> list[Array]:
    """Derivative of each target's score where the image is: (targets, …), one a ground."""
    groups: dict[Any, list[int]] = {}
    for at, ground in enumerate(grounds):
        key = ground.subject.backend, ground.preprocess is None, ground.x.shape
        groups.setdefault(key, []).append(at)
    gradients: dict[int, Array] = {}
    for members in groups.values():
        some = [grounds[at] for at in members]
        counts = [len(ground.subject.targets) for ground in some]
        x = np.repeat(np.stack([ground.x for ground in some]), counts, axis=0)
        cotangents = [
            ground.subject.cotangent(ground.subject.raw[None], target, score)
            for ground in some
            for target in ground.subject.targets
        ]
        gradient = some[0].gradients(x, np.concatenate(cotangents))
        parts = np.split(gradient, np.cumsum(counts)[:-1])
        gradients.update(zip(members, parts, strict=True))
    return [gradients[at] for at in range(len(grounds))]
