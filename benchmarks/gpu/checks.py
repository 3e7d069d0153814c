"""Whether PyTorch's engines are right on a device: beside plain loops, and the processor.

Functions that take a device and raise `AssertionError`; they need no pytest, and tests call
them too.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.summary import backends, edits
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.backends.torch import sweep
from tensorboard_picasso.summary.explain import edited, models
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.reuse.plan import COSTS

Array = NDArray[Any]
SIDE = 32
STARTS = (0, 5, 10, 15, 20, 24)
BOXES = np.array([(0, 0, 0, 0), *((top, left, 8, 8) for top in STARTS for left in STARTS)])
# By what share of their spread scores may differ: float32; where products are rounded to 11
# bits; and bfloat16.
CLOSE = {torch.float32: 1e-3, torch.float16: 0.02, torch.bfloat16: 0.1}


class Block(nn.Module):
    """A convolution beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (n, width, h, w)."""
        return torch.relu_(self.norm(self.conv(x)) + x)


def network(device: Any, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A small network with what reuse follows; in training mode, its statistics settled."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True), nn.AvgPool2d(3, 2, 1),
        Block(16), nn.MaxPool2d(2), Block(16), nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 0.5
    for seed in range(3):
        model(torch.from_numpy(np.moveaxis(images(8, seed), -1, 1).copy()))
    return model.to(device, dtype)


def images(count: int = 3, seed: int = 0) -> Array:
    """Images (n, h, w, c) of 0 to 1."""
    return np.random.default_rng(seed).random((count, SIDE, SIDE, 3)).astype(np.float32)


def hidings(count: int = 3) -> list[Hiding]:
    """Images with their windows."""
    return [Hiding(each, np.full_like(each, 0.3), BOXES) for each in images(count)]


def first(batch: Array) -> Array:
    """Model inputs of images."""
    return np.moveaxis(batch, -1, 1)


def plain(model: nn.Module, autocast: Any = None) -> Array:
    """Scores (images, windows, classes) of a plain loop in evaluation mode, in float32."""
    model = copy.deepcopy(model).eval()
    parameter = next(model.parameters())
    found = []
    with torch.no_grad(), autocast or contextlib.nullcontext():
        for image in images():
            for top, left, height, width in BOXES.tolist():
                one = image.copy()
                one[top : top + height, left : left + width] = 0.3
                batch = torch.from_numpy(first(one[None]).copy())
                scores = model(batch.to(parameter.device, parameter.dtype))
                found.append(scores[0].float().cpu().numpy())
    return np.stack(found).reshape(len(images()), len(BOXES), -1)


def see(truth: bool, text: str) -> None:
    """Refuse what does not hold.

    Raises:
      AssertionError: it does not.
    """
    if not truth:
        raise AssertionError(text)


def same(found: Any, expected: Array, share: float, what: str = "scores") -> None:
    """See that two ways gave the same, but for a share of how far it is spread.

    Raises:
      AssertionError: they did not.
    """
    found = np.asarray(found)
    see(found.shape == expected.shape, f"{what}: {found.shape}, expected {expected.shape}")
    spread = float(np.ptp(expected))
    see(spread > 1e-6, f"{what}: all the same")
    off = float(np.abs(found.astype(np.float64) - expected).max())
    see(
        off <= share * spread,
        f"{what} differ by {off:.2e}, and are spread over {spread:.2e}",
    )


@contextlib.contextmanager
def rounded(wanted: bool) -> Iterator[None]:
    """Products in float32 as they are, or rounded to 11 bits (TF32) where the device does that."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = wanted
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def reused(model: Any, count: int = 3) -> tuple[list[Array], str]:
    """Scores of windows with reuse, and what was done and why.

    Nothing is chosen by the clock, and costs are a processor's: of so small a network reuse
    would not pay on a GPU.
    """
    backend, before = backends.find(model), sweep.costs
    sweep.costs = lambda _: COSTS
    try:
        with determinism.required():
            return backend.swept_scores(hidings(count), first, True), backend.sweep_told
    finally:
        sweep.costs = before


def dense(model: Any) -> list[Array]:
    """Scores of windows by whole passes."""
    return backends.find(model).swept_scores(hidings(), first, True, reuse=False)


def reuse_is_as_a_plain_loop(device: Any) -> None:
    """Reuse, in float32 as it is and as the device rounds it."""
    model = network(device)
    with rounded(False):
        found, told = reused(model)
        same(found, plain(model), 1e-4)
    see(told.startswith("reuse"), told)
    found, told = reused(model)
    see(told.startswith("reuse"), told)
    same(found, plain(model), 0.02)


def dense_is_as_a_plain_loop(device: Any) -> None:
    """Whole passes, however their batches are made."""
    model = network(device)
    expected = plain(model)
    before = sweep.Sweep.gathers
    try:
        for gathered in (False, True):
            sweep.Sweep.gathers = lambda _, __, kind=gathered: kind  # type: ignore[method-assign]
            for _ in range(2):
                same(dense(model), expected, 0.02, f"scores, gathered: {gathered}")
    finally:
        sweep.Sweep.gathers = before  # type: ignore[method-assign]


def volumes_are_as_a_plain_loop(device: Any) -> None:
    """Reuse and whole passes in three axes, however batches are made and weights lie."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv3d(2, 8, 3, padding=1), nn.ReLU(inplace=True), nn.AvgPool3d(2, 2, 1),
        nn.Conv3d(8, 8, 3, bias=False), nn.BatchNorm3d(8), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 5),
    ).eval().to(device)  # fmt: skip
    sides = np.array((12, 16, 20))
    volume = np.random.default_rng(0).random((*sides, 2)).astype(np.float32)
    corners = np.stack(np.meshgrid(*(range(0, each, 4) for each in sides), indexing="ij"), -1)
    boxes = np.insert(corners.reshape(-1, 3), [3, 3, 3], 4, axis=1)
    occluded = np.repeat(volume[None], len(boxes), axis=0)
    for one, (front, top, left, *_) in zip(occluded, boxes.tolist(), strict=True):
        one[front : front + 4, top : top + 4, left : left + 4] = 0.3
    shown = [Hiding(volume, np.full_like(volume, 0.3), boxes)]
    with torch.no_grad():
        expected = model(torch.from_numpy(first(occluded).copy()).to(device)).cpu().numpy()
    before = sweep.costs, sweep.Sweep.gathers
    sweep.costs = lambda _: COSTS
    try:
        for gathered in (False, True):
            sweep.Sweep.gathers = lambda _, __, kind=gathered: kind  # type: ignore[method-assign]
            backend = backends.find(model)
            for _ in range(3):  # in each layout
                (found,) = backend.swept_scores(shown, first, True, reuse=False)
                same(found, expected, 0.02, f"scores, gathered: {gathered}")
            with determinism.required():
                (found,) = backends.find(model).swept_scores(shown, first, True)
            same(found, expected, 0.02)
            model = model.to(memory_format=torch.channels_last_3d)
    finally:
        sweep.costs, sweep.Sweep.gathers = before  # type: ignore[method-assign]


def half_precision_and_autocast(device: Any) -> None:
    """Modules in float16 and bfloat16, and autocast as it is found, also nested."""
    kind = torch.device(device).type
    # Processors emulate convolutions of float16, slowly.
    narrow = (torch.bfloat16,) if kind == "cpu" else (torch.bfloat16, torch.float16)
    for dtype in narrow:
        model = network(device, dtype)
        expected = plain(network(device))
        for found in (reused(model)[0], dense(model)):
            same(found, expected, CLOSE[dtype], f"{dtype}")
    model = network(device)
    for dtype in narrow:
        with torch.autocast(kind, dtype=dtype):
            expected = plain(model)
            same(reused(model)[0], expected, CLOSE[dtype], f"autocast {dtype}")
            same(dense(model), expected, CLOSE[dtype], f"autocast {dtype}, dense")
            with torch.autocast(kind, enabled=False):
                same(reused(model)[0], plain(model), 0.02, "autocast off inside it")
    # Where training alone is cast, what we compute is not.
    same(reused(model)[0], plain(model), 0.02, "behind autocast")


def layouts(device: Any) -> None:
    """Weights with their channels last, and images that are."""
    model = network(device).to(memory_format=torch.channels_last)
    expected = plain(network(device))
    same(reused(model)[0], expected, 0.02)
    same(dense(model), expected, 0.02)


def gradients_are_as_by_hand(device: Any) -> None:
    """Gradients by inputs, of several batches."""
    for dtype in (torch.float32, torch.bfloat16):
        model = network(device, dtype)
        given, cotangent = first(images(5)), np.random.default_rng(1).normal(size=(5, 5))
        with rounded(False):
            found = backends.find(model).gradient(given, cotangent)
            batch = torch.from_numpy(given.copy()).to(device, dtype).requires_grad_()
            scores = copy.deepcopy(model).eval()(batch)
            (scores * torch.from_numpy(cotangent).to(scores)).sum().backward()
        see(batch.grad is not None, "no gradient")
        share = 1e-3 if dtype is torch.float32 else 0.1
        same(found, batch.grad.float().cpu().numpy(), share, f"gradients in {dtype}")


def edits_are_as_on_the_processor(device: Any) -> None:
    """What a model says of edited images."""
    probe = summary.Probe("edits", images(16), labels=[k % 5 for k in range(16)])
    model = network(device)
    asked = edits.wanted(["no colour", "blurred", "left"])
    with rounded(False):
        answers = [
            edited.ask(probe, models.backend(probe, each), asked).record
            for each in (model, network("cpu"))
        ]
    one, other = (each.edited[..., 1] for each in answers)
    same(one, other, 1e-3, "answers")


def a_record_is_as_on_the_processor(device: Any) -> None:
    """All methods of a record, and means over images."""
    from tensorboard_picasso.summary.explain.records import compute
    from tensorboard_picasso.summary.explain.targets import Targets

    probe = summary.Probe("record", images(), labels=[0, 1, 2], value_range=(0, 1))
    methods = [
        summary.Occlusion(8, 8), summary.Saliency(), summary.GradientTimesInput(),
        summary.IntegratedGradients(steps=4), summary.GradCAM("5.conv"), summary.RISE(masks=16),
    ]  # fmt: skip
    made = []
    with rounded(False):
        for each in (network(device), network("cpu")):
            targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in range(3)]
            made.append(compute(probe, models.backend(probe, each), methods, targets))
    for one, other in zip(*(result.images for result in made), strict=True):
        same(one.scores.values, other.scores.values, 1e-3)
        for (mine, stored), (theirs, kept) in zip(
            one.attributions, other.attributions, strict=True
        ):
            if mine.grid is not None and theirs.grid is not None:
                same(mine.grid.values, theirs.grid.values, 1e-3, mine.label)
            if stored is not None and kept is not None:
                target = int(other.scores.targets[0])
                same(stored.decode(target), kept.decode(target), 0.02, mine.label)


def nothing_of_the_training_is_changed(device: Any) -> None:
    """Weights, statistics, modes, random numbers, and the current device and stream."""
    model = network(device)
    dropped = model.train()[6]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    states = _random_numbers(device)
    place = _place(device)
    reused(model)
    dense(model)
    backends.find(model).gradient(first(images()), np.ones((3, 5)))
    see(dropped.training, "a mode was changed")
    for key, value in model.state_dict().items():
        see(torch.equal(value, before[key]), f"{key} was changed")
    for one, other in zip(states, _random_numbers(device), strict=True):
        see(torch.equal(one, other), "random numbers were drawn")
    see(_place(device) == place, "the current device or stream is another")


def _random_numbers(device: Any) -> list[torch.Tensor]:
    kind = torch.device(device).type
    return [
        torch.get_rng_state(),
        *([] if kind == "cpu" else [torch.get_device_module(kind).get_rng_state()]),
    ]


def _place(device: Any) -> Any:
    if torch.device(device).type != "cuda":
        return None
    return torch.cuda.current_device(), torch.cuda.current_stream()


class Short(nn.Module):
    """A network for which memory suffices for a few inputs alone."""

    def __init__(self, inner: nn.Module, most: int) -> None:
        super().__init__()
        self.inner, self.most = inner, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of a batch that is not too large."""
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        scores: torch.Tensor = self.inner(x)
        return scores


def batches_are_halved_where_memory_does_not_suffice(device: Any) -> None:
    """Scores, gradients and whole passes."""
    model = network(device)
    short = Short(model, 3)
    backend = backends.find(short)
    with rounded(False):
        same(backend.scores(first(images(8))), backends.find(model).scores(first(images(8))), 1e-3)
        ones = np.eye(5)[np.arange(8) % 5]
        same(
            backend.gradient(first(images(8)), ones),
            backends.find(model).gradient(first(images(8)), ones),
            1e-3,
        )
        same(backend.swept_scores(hidings(), first, True, reuse=False), plain(model), 1e-3)


def compiled_modules(device: Any) -> None:
    """What `torch.compile` wraps is run as it was written, whatever it was compiled for."""
    model = network(device)
    wrapped = torch.compile(model, mode="reduce-overhead")
    if torch.device(device).type == "cuda":
        # Graphs of the training's own are there then.
        batch = torch.from_numpy(first(images(4)).copy()).to(device)
        with contextlib.suppress(Exception):  # where there is no compiler
            for _ in range(3):
                wrapped(batch).sum().backward()
    found, told = reused(wrapped)
    see(told.startswith("reuse"), told)
    same(found, plain(model), 0.02)


class Apart(nn.Module):
    """A network by halves on two devices."""

    def __init__(self, one: Any, other: Any) -> None:
        super().__init__()
        model = network("cpu")
        self.one, self.other = model[:4].to(one), model[4:].to(other)
        self.device = other

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of a batch on the first."""
        scores: torch.Tensor = self.other(self.one(x).to(self.device))
        return scores


def several_devices(device: Any) -> None:
    """A module by halves on two devices, and one that lies on another than the current one."""
    kind = torch.device(device).type
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if count > 1:
        model: nn.Module = Apart("cuda:0", "cuda:1")
        other = network("cuda:1")
        with rounded(False):
            same(reused(other)[0], plain(other), 1e-3, "on the second device")
    elif kind == "cuda":
        model = Apart("cuda", "cpu")
    else:
        model = Apart("cpu", "cpu")
    with rounded(False):
        expected = plain(network("cpu"))
        same(reused(model)[0], expected, 1e-3)
        same(dense(model), expected, 1e-3)


def a_default_device_is_not_ours(device: Any) -> None:
    """New tensors of the user's go elsewhere; ours lie where the module does."""
    model = network(device)
    expected = plain(model)
    before = torch.get_default_device()
    torch.set_default_device("meta")
    try:
        same(reused(model)[0], expected, 0.02)
        same(dense(model), expected, 0.02)
        backends.find(model).gradient(first(images()), np.ones((3, 5)))
    finally:
        torch.set_default_device(before)


def memory_is_given_back(device: Any) -> None:
    """Nothing stays on the device once a model is explained no more."""
    if torch.device(device).type != "cuda":
        return
    model = network(device)
    reused(model)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        reused(model)
        dense(model)
    import gc

    gc.collect()
    kept = torch.cuda.memory_allocated() - before
    see(kept < 1 << 20, f"{kept} bytes stay")


CHECKS: tuple[Callable[[Any], None], ...] = (
    reuse_is_as_a_plain_loop,
    dense_is_as_a_plain_loop,
    volumes_are_as_a_plain_loop,
    half_precision_and_autocast,
    layouts,
    gradients_are_as_by_hand,
    edits_are_as_on_the_processor,
    a_record_is_as_on_the_processor,
    nothing_of_the_training_is_changed,
    batches_are_halved_where_memory_does_not_suffice,
    compiled_modules,
    several_devices,
    a_default_device_is_not_ours,
    memory_is_given_back,
)
