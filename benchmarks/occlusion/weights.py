"""Random weights under which activations neither die nor explode, and scores vary."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.occlusion.cases import FILL

Floats = NDArray[np.float32]

# Standard deviation of a class's score over images.
SCORES = 2.0
# What the values of a layer may vary by, and the least share that is not zero.
SCALE = 1e-3, 1e3
ALIVE = 0.02


def kernel(random: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> Floats:
    """Keeps the scale of what goes through it and a rectifier (He et al. 2015, 1502.01852)."""
    return random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)


def first(kernel: Floats, inputs: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The first layer's kernel and bias, which bring 0 to 255 to about -2 to 2.

    inputs: the kernel's axes that are summed over.
    """
    scaled = kernel / 64
    return scaled, -FILL * scaled.sum(axis=inputs)


def head(scores: Floats) -> tuple[Floats, Floats]:
    """What to multiply the last kernel by, and its bias, from scores (images, classes)."""
    scale = SCORES / scores.std(axis=0).mean()
    return scale, -scores.mean(axis=0) * scale


def check(activations: dict[str, Floats]) -> None:
    """Refuse a network whose timing would be of numbers that no network has.

    Raises:
      ValueError: a layer is dead, explodes or returns no finite numbers.
    """
    for name, values in activations.items():
        deviation, alive = float(values.std()), float((values != 0).mean())
        if not SCALE[0] <= deviation <= SCALE[1] or alive < ALIVE:
            raise ValueError(f"{name}: deviation {deviation:.1e}, {alive:.1%} not zero")
