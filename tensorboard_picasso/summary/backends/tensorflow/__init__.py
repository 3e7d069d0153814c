"""TensorFlow: Keras 3 models, `tf.Module`s, SavedModels and functions of tensors.

TensorFlow is imported only once a model of it is adapted.
"""

from typing import Any

from tensorboard_picasso.summary.backends.base import Adapter, Setup
from tensorboard_picasso.summary.backends.tensorflow.adapter import TensorFlowAdapter
from tensorboard_picasso.summary.backends.tensorflow.models import adapts

__all__ = ["adapter_of", "adapts"]


def adapter_of(model: Any, setup: Setup) -> Adapter:
    """See `backends`."""
    return TensorFlowAdapter(model, setup)
