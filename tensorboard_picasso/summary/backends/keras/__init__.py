"""Keras 3 on its PyTorch and JAX backends; on TensorFlow its models are TensorFlow's.

Neither is imported before a model of it is adapted.
"""

from typing import Any

from tensorboard_picasso.summary.backends.base import Adapter, Claim, Setup
from tensorboard_picasso.summary.backends.keras.adapter import KerasOnJax, KerasOnTorch
from tensorboard_picasso.summary.backends.keras.models import is_keras, runs_on


def adapts(model: Any) -> Claim:
    """Keras' models and layers, which on PyTorch are its modules too."""
    return Claim.YES if is_keras(model) and runs_on("torch", "jax") else Claim.NO


def adapter_of(model: Any, setup: Setup) -> Adapter:
    """See `backends`."""
    kind = KerasOnTorch if runs_on("torch") else KerasOnJax
    return kind(model, setup)
