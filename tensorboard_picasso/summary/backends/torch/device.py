"""What PyTorch's devices hold, and how arrays come to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room, of_memory
from tensorboard_picasso.summary.backends.base import Array
from tensorboard_picasso.summary.reuse.plan import COSTS, Costs

# Reckoned of what makers say of their devices, not measured: 10 to 80 million million
# multiply-adds a second, a number through memory as long as 25 to 200 of them, and 5 to 10
# microseconds to start a kernel. Chunks are cut by it; whether they pay is timed.
_OF_GRAPHICS = Costs(moved=50, call=2e8)
# Bytes that are sent from pinned memory at most.
_PINNED = 1 << 22


def sent(x: Array, device: Any, dtype: Any = None) -> Any:
    """An array on a device, of a dtype.

    Cast before it is sent, as not all devices have float64. To one with a queue of its own
    from pinned memory, so that nobody waits until the queue is empty.

    Args:
      x: is not written to, and not kept: on the processor the result may be its memory.
      device, dtype: of the result; no dtype: the array's.
    """
    tensor = torch.from_numpy(x)
    if dtype is not None:
        tensor = tensor.to(dtype)
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    # Of pinned memory there is little; what is larger takes its time anyway.
    small = tensor.nbytes <= _PINNED
    return (tensor.pin_memory() if small else tensor).to(device, non_blocking=True)


def room(device: Any, lasting: bool) -> Room:
    """How much is computed at once there.

    Args:
      device: the module's.
      lasting: whether it may depend on nothing but the device.
    """
    if device.type != "cuda":
        return PROCESSOR
    free, total = torch.cuda.mem_get_info(device)
    if lasting:
        return of_memory(total // 2)
    # What PyTorch keeps for what comes next is free too.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return of_memory(free + kept)


def costs(device: Any) -> Costs:
    """What things cost there, by which windows are put into chunks."""
    return COSTS if device.type == "cpu" else _OF_GRAPHICS


def waited(tensor: Any) -> None:
    """Wait until a tensor is computed."""
    if tensor.device.type == "cuda":
        torch.cuda.current_stream(tensor.device).synchronize()
    elif tensor.device.type != "cpu":
        torch.get_device_module(tensor.device).synchronize()


@contextmanager
def unchanged_numbers(tensors: Sequence[Any]) -> Iterator[None]:
    """Puts back the random numbers of the processor and of the devices of tensors."""
    indices = sorted({each.device.index for each in tensors if each.device.type == "cuda"})
    with torch.random.fork_rng(indices, device_type="cuda" if indices else "cpu"):
        yield
