"""Bare forward passes and tools of PyTorch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.occlusion import torch_models
from benchmarks.occlusion.cases import FILL, Array, Case
from benchmarks.occlusion.contenders import Contender, Scores, watched

activations = torch_models.activations
build = torch_models.build
# How a bare pass may be run, the plain way first.
KINDS = ("inference_mode", "inference_mode, channels_last")


def _tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def forward(model: Any) -> Callable[[Array], Scores]:
    """Scores of a batch (n, h, w, c)."""

    @torch.inference_mode()
    def scored(x: Array) -> Scores:
        return model(_tensor(x)).numpy()

    return scored


def bare(model: Any, kind: str) -> Callable[[Array], Callable[[], Scores]]:
    """See `contenders.bare`."""
    # The weights are left as the other contenders have them.
    layout = torch.channels_last if "channels_last" in kind else torch.contiguous_format

    def scored(batch: Array) -> Callable[[], Scores]:
        x = _tensor(batch).to(memory_format=layout)

        @torch.inference_mode()
        def run() -> Scores:
            return model(x).numpy()

        return run

    return scored


def tools(case: Case, model: Any, image: Array) -> Iterator[list[Contender]]:
    """Those of this framework alone: for each, the settings to choose the best of."""
    from captum.attr import Occlusion

    x = _tensor(image[None])
    window, stride = case.window, case.stride
    channels = x.shape[1]

    def contender(at_once: int, name: str) -> Contender:
        def run(limit: int) -> Scores:
            return watched(
                model,
                limit + 1,
                lambda watch: Occlusion(watch).attribute(
                    x,
                    (channels, window, window),
                    (channels, stride, stride),
                    baselines=FILL,
                    target=0,
                    perturbations_per_eval=at_once,
                ),
            )

        boxes = case.boxes(down_first=True)
        setting = f"perturbations_per_eval={at_once}"
        return Contender(name, run, boxes, whole=1, batch=at_once, setting=setting)

    yield [contender(1, "Captum")]
    yield [contender(at_once, "Captum, best") for at_once in (8, 32, 128)]
