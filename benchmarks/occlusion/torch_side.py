"""Bare forward passes and tools of PyTorch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.occlusion import torch_models
from benchmarks.occlusion.cases import FILL, Array, Case
from benchmarks.occlusion.contenders import Contender, Scores, watched
from tensorboard_picasso.summary.backends.torch.dense import LAST

activations = torch_models.activations
build = torch_models.build
# How a bare pass may be run, the plain way first; and on a GPU besides.
KINDS = ("inference_mode", "inference_mode, channels_last")
ON_GPU = ("CUDA graph", "CUDA graph, channels_last", "torch.compile, channels_last")


def placed(model: Any, device: str) -> Any:
    """A model on a device."""
    return model.to(device)


def _tensor(x: Array, model: Any) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))
    return tensor.to(next(model.parameters()).device)


def forward(model: Any) -> Callable[[Array], Scores]:
    """Scores of a batch (n, h, w, c)."""

    @torch.inference_mode()
    def scored(x: Array) -> Scores:
        return model(_tensor(x, model)).cpu().numpy()

    return scored


def bare(model: Any, kind: str) -> Callable[[Array], Callable[[], Scores]]:
    """See `contenders.bare`."""
    # The weights are left as the other contenders have them.
    last = "channels_last" in kind

    compiled = torch.compile(model, dynamic=False) if "compile" in kind else model

    def scored(batch: Array) -> Callable[[], Scores]:
        x = _tensor(batch, model)
        x = x.to(memory_format=LAST[x.ndim] if last else torch.contiguous_format)
        if "graph" in kind:
            return _replayed(model, x)

        @torch.inference_mode()
        def run() -> Scores:
            return compiled(x).cpu().numpy()

        return run

    return scored


def _replayed(model: Any, x: torch.Tensor) -> Callable[[], Scores]:
    """A pass as one CUDA graph."""
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.inference_mode():
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # what libraries make once must not be recorded
            for _ in range(3):
                model(x)
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(graph):
            scores = model(x)

    def run() -> Scores:
        graph.replay()
        return scores.cpu().numpy()

    return run


def tools(case: Case, model: Any, image: Array) -> Iterator[list[Contender]]:
    """Those of this framework alone: for each, the settings to choose the best of."""
    from captum.attr import Occlusion

    x = _tensor(image[None], model)
    window, stride = ((x.shape[1], *(each,) * case.axes) for each in (case.window, case.stride))

    def contender(at_once: int, name: str) -> Contender:
        def run(limit: int) -> Scores:
            return watched(
                model,
                limit + 1,
                lambda watch: Occlusion(watch).attribute(
                    x,
                    window,
                    stride,
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
