"""PyTorch: `nn.Module`s, also compiled ones, and those in DistributedDataParallel and FSDP.

PyTorch is imported only once a model of it is adapted.
"""

from typing import Any

from tensorboard_picasso.summary.backends.base import Adapter, Claim, Setup
from tensorboard_picasso.summary.backends.torch.adapter import TorchAdapter
from tensorboard_picasso.summary.backends.torch.shards import Part
from tensorboard_picasso.summary.kit import frameworks


def adapts(model: Any) -> Claim:
    """PyTorch's modules, but for Keras' layers, which derive from them on its PyTorch backend."""
    ours = isinstance(model, Part) or (
        frameworks.is_a(model, "torch", "nn.Module")
        and not frameworks.is_a(model, "keras", "Layer")
    )
    return Claim.YES if ours else Claim.NO


def adapter_of(model: Any, setup: Setup) -> Adapter:
    """See `backends`."""
    return TorchAdapter(model, setup)
