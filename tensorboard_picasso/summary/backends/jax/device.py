"""Where a JAX model's arrays lie, and how much is computed there at once."""

from typing import Any

from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room, of_memory


def home(values: Any) -> Any:
    """The one device that a model's arrays are committed to; None where JAX decides."""
    import jax

    for each in jax.tree.leaves(values):
        if isinstance(each, jax.Array) and each.committed and len(each.devices()) == 1:
            (device,) = each.devices()
            return device
    return None


def computing(values: Any) -> Any:
    """A device that the model computes on."""
    import jax

    if (device := home(values)) is not None:
        return device
    for each in jax.tree.leaves(values):
        if isinstance(each, jax.Array):
            return min(each.devices(), key=lambda one: one.id)
    default = jax.config.jax_default_device
    return default if hasattr(default, "platform") else jax.local_devices(backend=default)[0]


def room(device: Any, lasting: bool) -> Room:
    """How much is computed at once there.

    Args:
      device: the model's.
      lasting: whether it may depend on nothing but the device.
    """
    told = None if device.platform == "cpu" else device.memory_stats()
    if not told or "bytes_limit" not in told:
        return PROCESSOR
    limit = int(told["bytes_limit"])
    return of_memory(limit // 2 if lasting else limit - int(told.get("bytes_in_use", 0)))
