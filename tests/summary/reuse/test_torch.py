"""Reuse in PyTorch: the scores of whole passes, from a part of the work."""

import contextlib
import copy
import gc
import random

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe, backends
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.backends.torch import sweep as torch_sweep
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.methods import _segments
from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.rects import Rects
from tensorboard_picasso.summary.reuse.torch import Unoccluded
from tensorboard_picasso.summary.reuse.torch_trace import Trace
from tests.kit.explained import explain, noise, stored
from tests.kit.networks import Random, conv, head, named, settled

GRID = [*range(0, 56, 8), 56]
BOXES = np.array([(0, 0, 0, 0), *((top, left, 8, 8) for top in GRID for left in GRID)])


WHOLE = {
    "vgg": "_6: whole from here on, needs all of its input",
    "efficientnet": "mul: whole from here on, another input changes everywhere",
    "convnext": "permute: whole from here on, needs all of its input",
    "transformer": "flatten: whole from here on, needs all of its input",
    "transposed": "_1: whole from here on, needs all of its input",
}


def occluded(image, value, boxes):
    batch = image.repeat(len(boxes), 1, 1, 1)
    for each, (top, left, height, width) in zip(batch, boxes.tolist(), strict=True):
        each[:, top : top + height, left : left + width] = value
    return batch


def sweep(model, images, boxes=BOXES, reuse=True, model_input=None, backend=None):
    """Scores of windows filled with 0.3, and what was done and why."""
    backend = backend or backends.find(model)
    hidings = [Hiding(each, np.full_like(each, 0.3), boxes) for each in images]
    model_input = model_input or (lambda batch: np.moveaxis(batch, -1, 1))
    in_place = model_input.__name__ == "<lambda>"
    # Which way is faster is not what is tested here.
    with determinism.required() if reuse else contextlib.nullcontext():
        found = backend.swept_scores(hidings, model_input, in_place, reuse)
    return np.stack(found), backend.sweep_told


@pytest.fixture
def by_estimate():
    """Which way is faster is not what is tested here."""
    with determinism.required():
        yield


def images(count=2, seed=0):
    return np.random.default_rng(seed).random((count, 64, 64, 3))


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert np.ptp(expected, axis=1).max() > 1e-6, "the windows change nothing"
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_random_graphs():
    patched = total = 0
    for seed in range(120):
        torch.manual_seed(seed)
        draw = random.Random(seed)
        model = settled(Random(seed), seed).eval()
        boxes = []
        for _ in range(6):
            height, width = draw.randint(1, 6), draw.randint(1, 6)
            if seed % 2:
                height, width = 3, 4
            edges = [(0, 24 - height), (0, 20 - width)]
            at = [draw.choice([low, high, draw.randint(low, high)]) for low, high in edges]
            boxes.append((*at, height, width))
        boxes = np.array(boxes)
        pair = torch.rand(2, 3, 24, 20, dtype=torch.float64)
        with torch.no_grad():
            trace = Trace(model)
            passed = Unoccluded(trace, pair, trace.output)
            rects = Rects.of_boxes(boxes, (24, 20))
            plan = plans.make(passed.layers, rects)
            filled = torch.full_like(pair, 0.3)
            sweeping = torch_sweep.Sweep(torch.from_numpy, model, lambda: False, True)
            patches = sweeping.patches(pair, filled, boxes, rects)
            found = passed.head([passed.features(plan, patches)])
            expected = model(torch.cat([occluded(each[None], 0.3, boxes) for each in pair]))
            np.testing.assert_allclose(passed.output, model(pair), rtol=1e-9, atol=1e-9)
        scale = expected.abs().max()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale, err_msg=f"{seed}")
        patched += sum(step.rects is not None for step in plan.steps[1:])
        total += len(plan.steps) - 1
    # What went whole early proves little.
    assert patched > 0.4 * total


@pytest.mark.parametrize("name", list(named()))
def test_networks_as_they_are_built(name):
    model = settled(named()[name])
    expected, told = sweep(model, images(), reuse=False)
    assert told == "dense: reuse=False"
    found, told = sweep(model, images())
    assert_same(found, expected)
    assert told.startswith(("reuse. 64 windows take ", "dense: reuse would not be faster. 64")), (
        told
    )
    assert WHOLE.get(name, "") in told
    if name not in WHOLE:
        assert "needs all" not in told
    # Each window of what the module itself makes of it.
    batch = occluded(torch.from_numpy(images()[:1]).permute(0, 3, 1, 2), 0.3, BOXES)
    with torch.no_grad():
        assert_same(found[0][None], copy.deepcopy(model).eval()(batch)[None].numpy())


def network(*last):
    return settled(nn.Sequential(conv(3, 8), nn.MaxPool2d(2), conv(8, 8), head(8), *last))


def test_float32_and_a_final_softmax():
    model = network(nn.Softmax(1)).float()
    given = images().astype(np.float32)
    backend = backends.find(model)
    expected, _ = sweep(model, given, reuse=False, backend=backend)
    assert backend.behind
    found, told = sweep(model, given, backend=backend)
    assert told.startswith("reuse")
    assert backend.behind
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)


@pytest.mark.parametrize("windows", ["uneven", "few"])
def test_other_windows(windows):
    draw = np.random.default_rng(0)
    boxes = np.concatenate([draw.integers(0, 50, (40, 2)), draw.integers(0, 15, (40, 2))], 1)
    boxes = boxes if windows == "uneven" else boxes[:1]
    expected, _ = sweep(network(), images(1), boxes, reuse=False)
    found, _ = sweep(network(), images(1), boxes)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def halved(batch):
    return batch.reshape(len(batch), 32, 2, 32, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)


def standardised(batch):
    batch = batch - batch.mean((1, 2), keepdims=True)
    return np.moveaxis(batch, -1, 1)


@pytest.mark.parametrize("preprocess", [halved, standardised])
def test_what_preprocess_changes_is_found_by_comparing(preprocess):
    model = network()
    expected, _ = sweep(model, images(), reuse=False, model_input=preprocess)
    found, told = sweep(model, images(), model_input=preprocess)
    assert_same(found, expected)
    assert told.startswith("reuse" if preprocess is halved else "dense: reuse would not be faster")


def test_all_is_left_as_it_was():
    model = network().train()
    model[0].eval()
    before = copy.deepcopy(model.state_dict())
    modes = [each.training for each in model.modules()]
    state = torch.get_rng_state()
    attributes = [set(vars(each)) for each in model.modules()]
    _, told = sweep(model, images())
    assert told.startswith("reuse")
    assert [each.training for each in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in model.parameters())
    assert [set(vars(each)) for each in model.modules()] == attributes


def test_no_tensor_is_kept_between_sweeps():
    model = network()
    backend = backends.find(model)
    gc.disable()
    try:
        counts = []
        for _ in range(3):
            _, told = sweep(model, images(), backend=backend)
            assert told.startswith("reuse")
            counts.append(sum(type(each) is torch.Tensor for each in gc.get_objects()))
    finally:
        gc.enable()
    assert counts[0] == counts[1] == counts[2]


@torch.no_grad()
def test_maps_that_no_window_is_put_into_are_let_go():
    layers = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 7, 3), nn.Flatten(), nn.Linear(7 * 16, 2)
    model = nn.Sequential(*layers).double()
    trace, image = Trace(model), torch.rand(1, 3, 8, 8, dtype=torch.float64)
    passed = Unoccluded(trace, image, trace.output)
    box = np.array([(2, 2, 4, 4)])
    plan = plans.make(passed.layers, Rects.of_boxes(box, (8, 8)))
    assert [step.rects is None for step in plan.steps[:2]] == [False, True]
    passed.prepare([plan])
    kept = [each for each in gc.get_objects() if type(each) is torch.Tensor]
    assert not [each for each in kept if each.shape == (1, 5, 6, 6)]
    features = passed.features(plan, torch.full((1, 3, 4, 4), 0.3, dtype=torch.float64))
    expected = model(occluded(image, 0.3, box))
    torch.testing.assert_close(passed.head([features]), expected)


class Keeping(nn.Module):
    """Keeps what it saw, and is scaled by a tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.inner = network()
        self.scale = [torch.tensor(2.0, dtype=torch.float64)]
        self.seen = None
        self.sign = 1

    def forward(self, x):
        self.seen = x * 1
        return self.sign * self.inner(x * self.scale[0])


def test_tracing_leaves_nothing_on_the_module():
    model = Keeping()
    expected, _ = sweep(model, images(), reuse=False)
    names = set(vars(model))
    found, told = sweep(model, images())
    assert told.startswith("reuse")
    assert_same(found, expected)
    assert set(vars(model)) == names
    assert model.seen is None


def test_training_and_other_modules_are_followed():
    model = network()
    backend = backends.find(model)
    sweep(model, images(), backend=backend)
    with torch.no_grad():
        model[0][0].weight *= 1.5
        model[0][1].running_mean += 0.1
    model[2][0] = nn.Conv2d(8, 8, 5, padding=2, bias=False).double()
    found, told = sweep(model, images(), backend=backend)
    assert told.startswith("reuse")
    assert_same(found, sweep(model, images(), reuse=False)[0])


def test_a_setting_that_changes_is_noticed_and_read_anew():
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    model = nn.Sequential(*layers).double()
    backend, some = backends.find(model), images(1)
    boxes = BOXES[:20]
    _, told = sweep(model, some, boxes, backend=backend)
    assert told.startswith("reuse")
    model[0].stride = (2, 2)
    for expected in ("dense", "reuse"):
        found, told = sweep(model, some, boxes, backend=backend)
        assert told.startswith(expected)
        assert_same(found, sweep(model, some, boxes, reuse=False, backend=backend)[0])


def test_what_python_does_otherwise_later_is_noticed():
    model = Keeping()
    backend = backends.find(model)
    first, _ = sweep(model, images(), backend=backend)
    model.sign = -1
    found, told = sweep(model, images(), backend=backend)
    assert told == "dense: the module does not compute what was traced of it"
    assert_same(found, -first)
    found, told = sweep(model, images(), backend=backend)
    assert told.startswith("reuse")
    assert_same(found, -first)


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        return nn.functional.dropout(self.inner(x), 0.5, training=True)


def test_a_random_module_is_soon_run_whole():
    backend = backends.find(Noisy())
    for _ in range(3):
        _, told = sweep(None, images(), backend=backend)
        assert told == "dense: the module does not compute what was traced of it"


class Overwriting(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.relu, self.head = nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), head(8)

    def forward(self, x):
        y = self.first(x)
        return self.head(self.relu(y) + y)


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        return self.inner(x) if x.sum() > 0 else self.inner(-x)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Overwriting, "dense: relu overwrites what others may read"),
        (Branching, "dense: torch.fx cannot trace it: "),
    ],
)
def test_what_cannot_be_taken_apart_is_run_whole(made, why):
    model = settled(made())
    found, told = sweep(model, images())
    assert told.startswith(why)
    assert_same(found, sweep(model, images(), reuse=False)[0])


def test_hooks_see_whole_passes():
    model, seen = network(), []
    model[0].register_forward_hook(lambda *given: seen.append(len(given[2])))
    _, told = sweep(model, images(1))
    assert told == "dense: a hook sees the calls of '0'"
    assert sum(seen) == len(BOXES)


def test_compiled_and_parallel_modules_are_unwrapped():
    model = network()
    expected, _ = sweep(model, images(), reuse=False)
    for wrapped in (torch.compile(model), nn.DataParallel(model)):
        found, told = sweep(wrapped, images())
        assert told.startswith("reuse")
        assert_same(found, expected)
    part = nn.Sequential(torch.compile(model[0]), *model[1:])
    found, told = sweep(part, images())
    assert told.startswith("reuse")
    assert_same(found, expected)


def test_other_precisions():
    for model in (network().bfloat16(), network().float()):
        given = images().astype(np.float32)
        with torch.autocast("cpu", torch.bfloat16, enabled=model[0][0].weight.dtype.itemsize == 4):
            expected, _ = sweep(model, given, reuse=False)
            found, told = sweep(model, given)
        assert told.startswith("reuse"), told
        assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


class Small(nn.Module):
    """Has memory for 20 images at once."""

    largest = 0  # of the class: what a call sets on the module is dropped

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        if len(x) > 20:
            raise RuntimeError("CUDA out of memory")
        Small.largest = max(Small.largest, len(x))
        return self.inner(x)


def test_batches_are_halved_where_memory_does_not_suffice():
    model = Small()
    backend = backends.find(model)
    found, _ = sweep(model, images(), reuse=False, backend=backend)
    assert_same(found, sweep(model.inner, images(), reuse=False)[0])
    assert 10 <= Small.largest <= 20
    sweep(model, images(), reuse=False, backend=backend)


def test_chunks_are_halved_where_memory_does_not_suffice(monkeypatch):
    model, refused = network(), []
    expected, _ = sweep(model, images(), reuse=False)
    convolution = nn.functional.conv2d

    def limited(x, *rest):
        if len(x) > 70:
            refused.append(len(x))
            torch.empty(1 << 50)  # more than there is: PyTorch's own error
        return convolution(x, *rest)

    monkeypatch.setattr(nn.functional, "conv2d", limited)
    backend = backends.find(model)
    for times in ("at first", "once the limit is known"):
        found, told = sweep(model, images(), backend=backend)
        assert told.startswith("reuse"), told
        assert_same(found, expected)
        assert bool(refused) == (times == "at first")
        refused.clear()


def test_where_no_chunk_fits_windows_are_run_whole(monkeypatch):
    model = network()
    expected, _ = sweep(model, images(), reuse=False)
    convolution = nn.functional.conv2d

    def limited(x, *rest):
        if x.shape[1] == 3 and x.shape[3] < 64:  # not a whole image
            torch.empty(1 << 50)
        return convolution(x, *rest)

    monkeypatch.setattr(nn.functional, "conv2d", limited)
    backend = backends.find(model)
    found, told = sweep(model, images(), backend=backend)
    assert told == "dense: memory does not suffice"
    assert_same(found, expected)


def test_records_are_the_same_with_reuse_and_without():
    given = noise(2, 3, 64, 64)
    probe = Probe("p", given, labels=[0, 1], data_format="channels_first")
    model = network().float()
    results = [explain(model, probe, Occlusion(8, 8, reuse=reuse)) for reuse in (True, False)]
    for index in range(2):
        one, other = (stored(each, index)[0] for each in results)
        assert one.parameters == other.parameters
        spread = np.ptp(other.grid.values)
        np.testing.assert_allclose(one.grid.values, other.grid.values, atol=1e-4 * spread)
        np.testing.assert_allclose(one.grid.whole, other.grid.whole, rtol=1e-4)


@pytest.mark.usefixtures("by_estimate")
def test_the_plan_is_told():
    probe = Probe("p", noise(2, 3, 64, 64), labels=[0, 1], data_format="channels_first")
    told = summary.explain_plan(probe, network().float(), Occlusion(8, 8, reuse=True))
    assert told.startswith("reuse. 64 windows take ")
    assert "\n  _0_0: 10×10 of 64×64\n" in told
    assert summary.explain_plan(probe, network().float(), Occlusion(8, reuse=False)) == (
        "dense: reuse=False"
    )
    told = summary.explain_plan(probe, lambda x: x.mean((2, 3)), Occlusion(8, reuse=True))
    assert told == "dense: a function model is run on each occluded image as a whole"


def test_scores_that_are_not_the_modules_own_output_are_those_of_whole_passes():
    options = {"data_format": "channels_first", "output": "raw", "targets": [0]}
    probe = Probe("p", noise(2, 3, 64, 64), score=lambda scores: 2 * scores[:, :2], **options)
    model = network().float()
    told = summary.explain_plan(probe, model, Occlusion(16, 16, reuse=True))
    assert told == "dense: the model has several inputs or outputs, or a score of its own"
    twice = stored(explain(model, probe, Occlusion(16, 16, reuse=True)))[0].grid.values
    once = stored(
        explain(model, Probe("p", noise(2, 3, 64, 64), **options), Occlusion(16, 16, reuse=False))
    )[0].grid.values
    np.testing.assert_allclose(twice[..., 0], 2 * once[..., 0], rtol=1e-4, atol=1e-5)


# Each window cut along its diagonal: two segments with about the same rectangle around them.
HALVES = np.add.outer(8 * (np.arange(64) // 8), np.arange(64) // 8) * 2
HALVES += np.arange(64)[:, None] % 8 > np.arange(64) % 8
HALVES[60:, :4] = -1


def by_segment(model, given, reuse, first=lambda batch: np.moveaxis(batch, -1, 1)):
    """Scores with each half hidden, and what was done and why."""
    backend = backends.find(model)
    (labels,) = _segments.read(HALVES, None).maps
    hidings = [_segments.hiding(each, np.full_like(each, 0.3), labels) for each in given]
    in_place = first.__name__ == "<lambda>"
    with determinism.required() if reuse else contextlib.nullcontext():
        found = backend.swept_scores(hidings, first, in_place, reuse)
    return np.stack(found), backend.sweep_told


def moved(batch):
    return np.moveaxis(2 * batch - 1, -1, 1)


@pytest.mark.parametrize("first", [None, moved], ids=["in place", "preprocess"])
@pytest.mark.parametrize("name", ["vgg", "resnet"])
def test_segments_are_recomputed_in_the_rectangles_around_them(name, first):
    model, given = settled(named()[name]).eval(), images()
    more = {} if first is None else {"first": first}
    found, told = by_segment(model, given, True, **more)
    assert told.startswith("reuse. 1"), told
    expected, _ = by_segment(model, given, False, **more)
    assert found.shape == (2, 1 + len(np.unique(HALVES[HALVES >= 0])), 5)
    assert_same(found, expected)
    # Whole passes are those of images that are hidden by hand.
    for number, label in enumerate(np.unique(HALVES[HALVES >= 0])[:5]):
        by_hand = np.where((label == HALVES)[..., None], 0.3, given[1])[None]
        given_first = moved(by_hand) if first else np.moveaxis(by_hand, -1, 1)
        with torch.no_grad():
            scores = model(torch.from_numpy(np.ascontiguousarray(given_first))).numpy()[0]
        np.testing.assert_allclose(expected[1, 1 + number], scores, rtol=1e-9)
