"""Whether JAX's engine is right where its arrays lie: beside plain loops."""

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu.checks import BOXES, Array, hidings, images, same, see
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends.base import PROCESSOR, Room, Windows


def checks() -> tuple[Callable[[Any], None], ...]:
    """The checks, where JAX is installed."""
    return CHECKS if importlib.util.find_spec("jax") else ()


def parameters() -> dict[str, Array]:
    """Of a small network."""
    random = np.random.default_rng(0)
    shapes = {"one": (3, 3, 3, 8), "other": (3, 3, 8, 8), "head": (8, 5)}
    return {
        name: (random.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
        for name, shape in shapes.items()
    }


def network(held: Any, x: Any) -> Any:
    """Scores of a batch (n, h, w, c)."""
    import jax
    from jax import numpy as jnp

    kinds = ("NHWC", "HWIO", "NHWC")
    for name in ("one", "other"):
        x = jax.lax.conv_general_dilated(x, held[name], (2, 2), "SAME", dimension_numbers=kinds)
        x = jnp.maximum(x, 0)
    return x.mean((1, 2)) @ held["head"]


def placed(where: Any) -> Any:
    """The network with its arrays somewhere: a device or a sharding."""
    import jax

    return functools.partial(network, jax.device_put(parameters(), where))


def plain(model: Any) -> Array:
    """Scores (images, windows, classes) of a plain loop."""
    import jax

    found = []
    for image in images():
        batch = np.repeat(image[None], len(BOXES), 0)
        for one, (top, left, height, width) in zip(batch, BOXES.tolist(), strict=True):
            one[top : top + height, left : left + width] = 0.3
        found.append(np.asarray(jax.device_get(model(batch))))
    return np.stack(found)


def _agrees(model: Any) -> None:
    import jax

    backend = backends.find(model)
    found = backend.swept_scores(hidings(), lambda batch: batch, True)
    same(found, plain(model), 0.02, "scores of windows")
    given, cotangent = images(5), np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)
    expected = jax.grad(lambda x: (model(x) * cotangent).sum())(given)
    same(backend.gradient(given, cotangent), np.asarray(expected), 0.02, "gradients")


def _device(device: Any) -> Any:
    import jax

    return jax.devices("gpu" if str(device).startswith("cuda") else "cpu")[0]


def jax_is_as_a_plain_loop(device: Any) -> None:
    """Scores of windows and gradients."""
    _agrees(placed(_device(device)))


def jax_makes_occluded_images_where_they_are_scored(device: Any) -> None:
    """As a GPU does it, on whatever device, also in parts."""
    from tensorboard_picasso.summary.backends.jax.adapter import JaxAdapter

    model = placed(_device(device))
    before = JaxAdapter._occludes
    JaxAdapter._occludes = lambda _: True  # type: ignore[method-assign]
    try:
        for room in (PROCESSOR, Room(inputs=5)):
            adapter: Any = backends.find(model).adapter
            adapter._rooms = dict.fromkeys(
                [(_device(device), False), (_device(device), True)], room
            )
            windows = Windows(hidings(), lambda batch: batch, True)
            same(adapter.swept_scores(windows), plain(model), 0.02)
    finally:
        JaxAdapter._occludes = before  # type: ignore[method-assign]


def jax_arrays_on_another_device_and_on_several(device: Any) -> None:
    """Arrays committed to the last device, and replicated over all of them."""
    import jax

    devices = jax.devices(_device(device).platform)
    _agrees(placed(devices[-1]))
    mesh = jax.sharding.Mesh(np.array(devices), ("all",))
    _agrees(placed(jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())))
    # What the arrays lie on is left as it is.
    model = placed(devices[-1])
    backends.find(model).scores(images())
    (held,) = model.args
    see(all(each.devices() == {devices[-1]} for each in held.values()), "arrays were moved")


def jax_batches_are_halved(device: Any) -> None:
    """Where memory does not suffice for a batch."""
    import jax

    model = placed(_device(device))

    def short(held: Any, x: Any) -> Any:
        if len(x) > 4:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")
        return network(held, x)

    tight = functools.partial(short, jax.device_put(parameters(), _device(device)))
    found = backends.find(tight).swept_scores(hidings(), lambda batch: batch, True)
    same(found, plain(model), 0.02)
    same(backends.find(tight).scores(images(9)), np.asarray(model(images(9))), 0.02)


CHECKS: tuple[Callable[[Any], None], ...] = (
    jax_is_as_a_plain_loop,
    jax_makes_occluded_images_where_they_are_scored,
    jax_arrays_on_another_device_and_on_several,
    jax_batches_are_halved,
)
