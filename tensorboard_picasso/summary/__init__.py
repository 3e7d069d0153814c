"""Summary ops that log attribution maps at training checkpoints.

    probe = summary.Probe("digits", images, labels=labels, class_names=names)
    with writer.as_default(step=step):
        summary.attribution(probe, model)

Importing this imports no framework; the first call does.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tensorboard_picasso.summary.kit.determinism import deterministic
from tensorboard_picasso.summary.kit.report import PicassoWarning
from tensorboard_picasso.summary.loops.schedule import (
    EveryEpochs,
    EverySteps,
    LogSpaced,
    OnCheckpoint,
    Schedule,
)
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.captum import Captum
from tensorboard_picasso.summary.methods.grad_cam import GradCAM
from tensorboard_picasso.summary.methods.gradient_times_input import GradientTimesInput
from tensorboard_picasso.summary.methods.integrated_gradients import IntegratedGradients
from tensorboard_picasso.summary.methods.occlusion import Occlusion
from tensorboard_picasso.summary.methods.rise import RISE
from tensorboard_picasso.summary.methods.saliency import Saliency
from tensorboard_picasso.summary.methods.smoothgrad import SmoothGrad, VarGrad
from tensorboard_picasso.summary.ops import (
    attribution,
    class_probabilities,
    edited,
    explain_plan,
    occlusion,
    saliency,
)
from tensorboard_picasso.summary.probe.coco import coco_regions
from tensorboard_picasso.summary.probe.probe import Probe
from tensorboard_picasso.summary.probe.shapes import Box, Polygon
from tensorboard_picasso.summary.probe.voc import voc_regions
from tensorboard_picasso.summary.writers.worker import flush

if TYPE_CHECKING:
    from tensorboard_picasso.summary.loops.keras import KerasCallback
    from tensorboard_picasso.summary.loops.lightning import LightningCallback
    from tensorboard_picasso.summary.loops.transformers import TransformersCallback

# Callbacks are of their framework's own class, which is imported with them.
_CALLBACKS = {
    "KerasCallback": "keras",
    "LightningCallback": "lightning",
    "TransformersCallback": "transformers",
}

__all__ = [
    "RISE",
    "Box",
    "Captum",
    "EveryEpochs",
    "EverySteps",
    "GradCAM",
    "GradientTimesInput",
    "IntegratedGradients",
    "KerasCallback",
    "LightningCallback",
    "LogSpaced",
    "Method",
    "Occlusion",
    "OnCheckpoint",
    "PicassoWarning",
    "Polygon",
    "Probe",
    "Saliency",
    "Schedule",
    "SmoothGrad",
    "TransformersCallback",
    "VarGrad",
    "attribution",
    "class_probabilities",
    "coco_regions",
    "deterministic",
    "edited",
    "explain_plan",
    "flush",
    "occlusion",
    "saliency",
    "voc_regions",
]


def __getattr__(name: str) -> Any:
    if name in _CALLBACKS:
        loop = importlib.import_module(f"{__name__}.loops.{_CALLBACKS[name]}")
        return getattr(loop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_CALLBACKS})
