"""The plain gradients of all targets of all images, in common batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.methods._site import Site

Array = NDArray[Any]


def plain(sites: Sequence[Site], score: str) -> list[Array]:
    """Derivative of each target's score where the image is: (targets, …), one a site."""
    groups: dict[Any, list[int]] = {}
    for at, site in enumerate(sites):
        key = site.subject.backend, site.preprocess is None, site.x.shape
        groups.setdefault(key, []).append(at)
    gradients: dict[int, Array] = {}
    for members in groups.values():
        some = [sites[at] for at in members]
        counts = [len(site.subject.targets) for site in some]
        x = np.repeat(np.stack([site.x for site in some]), counts, axis=0)
        cotangents = [
            site.subject.cotangent(site.subject.raw[None], target, score)
            for site in some
            for target in site.subject.targets
        ]
        gradient = some[0].gradients(x, np.concatenate(cotangents))
        parts = np.split(gradient, np.cumsum(counts)[:-1])
        gradients.update(zip(members, parts, strict=True))
    return [gradients[at] for at in range(len(sites))]
