"""JAX: functions with their parameters bound, Flax nnx modules, and functions as they are.

JAX is imported only once a model of it is adapted.
"""

import functools
import sys
from typing import Any

from tensorboard_picasso.summary.backends.base import Adapter, Claim, Setup
from tensorboard_picasso.summary.backends.jax.adapter import JaxAdapter
from tensorboard_picasso.summary.backends.jax.models import binds, is_jax, mentions
from tensorboard_picasso.summary.kit import frameworks


def adapts(model: Any) -> Claim:
    """Flax nnx modules, compiled functions and those that arrays of JAX are bound to.

    A function that names JAX may be one of it.
    """
    if "jax" not in sys.modules or not callable(model):
        return Claim.NO
    if isinstance(model, functools.partial):
        return Claim.YES if binds(model) else Claim.PERHAPS if mentions(model.func) else Claim.NO
    if frameworks.is_a(model, "flax", "nnx.Module") or is_jax(model):
        return Claim.YES
    if not {"tensorflow", "keras", "tf_keras", "torch"}.isdisjoint(frameworks.packages(model)):
        return Claim.NO  # it is theirs, whatever it mentions
    return Claim.PERHAPS if mentions(model) else Claim.NO


def adapter_of(model: Any, setup: Setup) -> Adapter:
    """See `backends`."""
    return JaxAdapter(model, setup)
